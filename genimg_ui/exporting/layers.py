"""The layers of a result: its source, what was pasted, and the mask of the paste.

Nothing of them is stored as such. The composite mask is made again from the painted one and held
against the digest in the entry, so that a patch never shows more or less than the edit did.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genimg_ui.core.enlarge import enlarged
from genimg_ui.core.geometry import Box, Size
from genimg_ui.core.image import Limits, decode, decode_mask
from genimg_ui.core.mask import Mask, mask_box
from genimg_ui.core.picture import Picture
from genimg_ui.core.region import canvas_masks
from genimg_ui.errors import RefusedInput
from genimg_ui.history.record import LogEntry

TRANSLUCENT = (
    "The picture is translucent in places: there, source and patch together cover more than the "
    "result does."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layers:
    """What a layered file holds, on a canvas as large as `result`.

    `source` is enlarged where the result is. `patch` is the result within `box`, opaque where the
    composite mask is above 0 and transparent elsewhere: laid over `source` (at `left`, `top`) it
    gives `result`, pixel for pixel, unless the picture itself is translucent. `mask` is the
    composite mask, uint8 (height, width), 255 = pasted wholly.
    """

    result: Picture
    source: Picture
    left: int
    top: int
    patch: Picture
    box: Box
    mask: Mask
    notes: tuple[str, ...] = ()

    @property
    def canvas(self) -> Size:
        return self.result.size


def make_layers(
    entry: LogEntry, result: Picture, source: Path, mask: Path | None, limits: Limits
) -> Layers:
    """Decode source and painted mask, and cut the patch out; raises RefusedInput."""
    picture = decode(source, limits)
    painted = None if mask is None else decode_mask(mask, limits)
    composite = _composite(entry, picture.size, painted)
    picture = enlarged(picture, entry.request.upscale)
    box = mask_box(composite)
    if box is None or composite.shape != (result.size.height, result.size.width):
        raise RefusedInput("Source and mask must be those of the result, got others.")
    return Layers(
        result=result,
        source=picture,
        left=entry.request.border.left,
        top=entry.request.border.top,
        patch=_patch(result, composite, box),
        box=box,
        mask=composite,
        notes=(TRANSLUCENT,) if _translucent(result) else (),
    )


def _composite(entry: LogEntry, size: Size, painted: Mask | None) -> Mask:
    """The mask whose digest the entry names; which engines feather how is tried out."""
    for soft in (True, False):
        made = canvas_masks(entry.request, size, painted, soft=soft).composite
        composite = np.ascontiguousarray(made)
        if hashlib.sha256(composite.data).hexdigest() == entry.composite_sha256:
            return composite
    raise RefusedInput(
        "The mask must come out as it was in the edit, got another one: this program makes masks "
        "differently now, or the files are others.",
        remedy="Choose a format without layers.",
    )


def _patch(result: Picture, composite: Mask, box: Box) -> Picture:
    """The result's own pixels with an alpha channel of the result's depth, within `box`."""
    part = result.pixels[box.slices]
    colours = part[..., None] if part.ndim == 2 else part
    opaque = np.iinfo(part.dtype).max
    own = colours[..., -1] if result.has_alpha else np.full(part.shape[:2], opaque, part.dtype)
    alpha = np.where(composite[box.slices] > 0, own, np.zeros_like(own))
    colours = colours[..., :-1] if result.has_alpha else colours
    pixels = np.concatenate([colours, alpha[..., None]], axis=2)
    return Picture(pixels, result.icc_profile, result.dpi)


def _translucent(picture: Picture) -> bool:
    if not picture.has_alpha:
        return False
    alpha = picture.pixels[..., -1]
    return bool(((alpha > 0) & (alpha < np.iinfo(alpha.dtype).max)).any())
