"""The replay bundle: one ZIP with everything that an entry needs to run again elsewhere."""

from genimg_ui.bundle.layout import MOST_BYTES
from genimg_ui.bundle.pack import bundle_name, pack
from genimg_ui.bundle.unpack import Bundle, unpacked

__all__ = ["MOST_BYTES", "Bundle", "bundle_name", "pack", "unpacked"]
