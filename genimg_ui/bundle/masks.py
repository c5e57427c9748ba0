"""The two masks that an edit made of the painted one, made again to be looked at in a bundle.

They are no input of a replay, which makes them itself. Masks that do not come out as the entry
says (another version of the program) are left out.
"""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from genimg_ui.core.image import Limits, decode_mask, stored_limits
from genimg_ui.core.mask import Mask
from genimg_ui.core.region import canvas_masks, source_size
from genimg_ui.core.resolve import Bounds
from genimg_ui.history.record import LogEntry
from genimg_ui.history.store import Store
from genimg_ui.masks import mask_png


class DerivedMask(NamedTuple):
    """A mask of the expanded canvas as PNG."""

    name: str
    what: str
    png: bytes


def derived_masks(store: Store, entry: LogEntry) -> Iterator[DerivedMask]:
    """The denoise and the composite mask, where the edit came so far and they can be made again."""
    if entry.plan is None or not entry.composite_sha256:
        return
    painted = _painted(store, entry)
    size = source_size(entry.request, entry.plan.canvas)
    for soft in (False, True):  # which of both depends on the model
        masks = canvas_masks(entry.request, size, painted, soft=soft)
        if _sha256(masks.composite) != entry.composite_sha256:
            continue
        what = "what the engine was allowed to repaint, on the canvas with its border"
        yield DerivedMask("denoise-mask.png", what, mask_png(masks.denoise))
        what = "what of its answer was pasted; black = locked"
        yield DerivedMask("composite-mask.png", what, mask_png(masks.composite))
        return


def _painted(store: Store, entry: LogEntry) -> Mask | None:
    """The painted mask; None where nothing was painted."""
    if entry.inputs.mask is None:
        return None
    return decode_mask(store.mask_path(entry.inputs.mask), stored_limits(Limits(), Bounds()))


def _sha256(mask: Mask) -> str:
    return hashlib.sha256(np.ascontiguousarray(mask).data).hexdigest()
