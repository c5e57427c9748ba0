"""Masks as files: 8-bit greyscale PNG, 255 = repaint."""

import io

from PIL import Image

from genimg_ui.core.mask import Mask


def mask_png(mask: Mask) -> bytes:
    """Encode a mask exactly, in the form in which the store keeps masks."""
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
