"""The two masks that an edit made of the painted one, made again to be looked at in a bundle.

They are no input of a replay, which makes them itself. Masks that do not come out as the entry
says (another version of the program) are left out.
"""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from genimg_ui.core.geometry import Sides
from genimg_ui.core.image import Limits, decode_mask, stored_limits
from genimg_ui.core.mask import Mask, make_masks
from genimg_ui.core.outpaint import expand_mask
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
    for soft in (False, True):  # which of both depends on the model
        masks = make_masks(painted, entry.request.mask, soft=soft)
        composite = expand_mask(masks.composite, entry.request.border)
        if _sha256(composite) != entry.composite_sha256:
            continue
        denoise = expand_mask(masks.denoise, entry.request.border)
        what = "what the engine was allowed to repaint, on the canvas with its border"
        yield DerivedMask("denoise-mask.png", what, mask_png(denoise))
        what = "what of its answer was pasted; black = locked"
        yield DerivedMask("composite-mask.png", what, mask_png(composite))
        return


def _painted(store: Store, entry: LogEntry) -> Mask:
    """The painted mask; an empty one of the source's size where only a border was added."""
    if entry.inputs.mask is not None:
        return decode_mask(store.mask_path(entry.inputs.mask), stored_limits(Limits(), Bounds()))
    assert entry.plan is not None
    canvas, border = entry.plan.canvas, entry.request.border or Sides()
    width = canvas.width - border.left - border.right
    height = canvas.height - border.top - border.bottom
    return np.zeros((height, width), np.uint8)


def _sha256(mask: Mask) -> str:
    return hashlib.sha256(np.ascontiguousarray(mask).data).hexdigest()
