"""What can be said of an edit before it is queued: each finding is a sentence and, where there
is one, a remedy that changes one value of the request.

Pure: knows masks, sizes and the request, not the machine.
"""

from dataclasses import dataclass

import numpy as np

from genimg_ui.core.geometry import Box, Size
from genimg_ui.core.mask import Mask, make_masks, mask_box
from genimg_ui.core.outpaint import border_box
from genimg_ui.core.region import canvas_size
from genimg_ui.core.request import EditRequest, MaskParams, Region

TINY_MASK = 16  # pixels; fewer are rather a slip of the hand than a region
SOFT_SCALE = 0.5  # below this working scale, fine detail is visibly lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """One value of the request that mends a finding, named as the panel names it."""

    label: str
    field: str
    value: float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a person should know before the edit runs; `blocking` refuses it."""

    sentence: str
    blocking: bool = False
    remedy: Remedy | None = None


def check_mask(request: EditRequest, painted: Mask | None) -> tuple[Finding, ...]:
    """Look at the painted mask of the source (uint8, 255 = repaint; None = nothing painted)."""
    if request.region is Region.WHOLE:
        return ()
    count = 0 if painted is None else int(np.count_nonzero(painted))
    if painted is None or count == 0:
        return () if request.border else (_nothing_to_do(),)
    strongest = int(painted.max())
    if _shows_fully(painted, request.mask, strongest):  # then the composite says nothing more
        return (_tiny(count),) if count < TINY_MASK else ()
    composite = make_masks(painted, request.mask, soft=False).composite
    return check_composite(request, painted, composite, strongest=strongest)


def _shows_fully(painted: Mask, params: MaskParams, strongest: int) -> bool:
    """Whether a square is painted so wide that its centre keeps its value, whatever surrounds it.

    Costs a twentieth of the distances that the composite mask takes; False decides nothing. The
    centre of a square of 2 h + 1 pixels lies more than h inside the painted mask, so more than
    h + grow inside the grown one, and keeps its value from feather + 1 on.
    """
    side = 2 * max(0, params.feather + 1 - params.grow) + 1
    box = mask_box(painted)
    if box is None:
        return False
    part = painted[box.slices]
    rows, columns = part.shape[0] // side, part.shape[1] // side
    if not rows or not columns:
        return False
    part = part[: rows * side, : columns * side]
    lowest = part.reshape(rows, side, -1).min(axis=1).reshape(rows, columns, side).min(axis=2)
    return int(lowest.max()) == strongest


def check_composite(
    request: EditRequest, painted: Mask, composite: Mask, *, strongest: int
) -> tuple[Finding, ...]:
    """As `check_mask`, for a painted mask whose composite mask is known already.

    `strongest` is the composite's value where no feather dims it.
    """
    if mask_box(composite) is None:
        return (_shrunk_away(request),)
    findings = []
    count = int(np.count_nonzero(painted))
    if count < TINY_MASK:
        findings.append(_tiny(count))
    if request.mask.feather and int(composite.max()) < strongest:
        findings.append(_feather_too_wide(request))
    return tuple(findings)


def check_alpha(alpha: Mask | None, painted: Mask | None) -> tuple[Finding, ...]:
    """Say when what is painted would stay invisible because the picture is transparent there."""
    if alpha is None or painted is None or not painted.any():
        return ()
    share = float(np.mean(alpha[painted > 0] == 0))
    if share < 0.5:
        return ()
    return (
        Finding(
            sentence=f"{share:.0%} of the mask lies where the picture is transparent; "
            "transparency is kept, so what is painted there stays invisible."
        ),
    )


def check_scale(scale: float, working: Size) -> tuple[Finding, ...]:
    """Say when the model sees the region much smaller than it is."""
    if scale >= SOFT_SCALE:
        return ()
    return (
        Finding(
            sentence=f"The model sees the region at {scale:.2f}× ({working}): "
            "fine detail inside the mask will be soft. Paint a smaller region for more detail."
        ),
    )


def repainted_box(request: EditRequest, size: Size, painted: Mask | None) -> Box | None:
    """Box of everything that will be repainted, on the canvas."""
    if request.region is Region.WHOLE:
        return Box.of(canvas_size(request, size))
    border, grow = request.border, request.mask.grow
    if painted is not None and grow < 0:  # what shrinking leaves, only the mask itself can tell
        painted = make_masks(painted, MaskParams(grow=grow, feather=0), soft=False).composite
    box = None if painted is None else mask_box(painted)
    if box is not None:
        grown = box.padded(max(0, grow)).within(size)
        box = grown.moved(border.left, border.top)
    bordered = border_box(size, border)
    if box is None or bordered is None:
        return bordered or box
    return bordered.union(box)


def _nothing_to_do() -> Finding:
    return Finding(
        sentence="Nothing is painted and no border is added: paint over what should change, "
        "or drag a side of the frame outwards.",
        blocking=True,
    )


def _shrunk_away(request: EditRequest) -> Finding:
    return Finding(
        sentence=f"The mask vanishes when it is shrunk by {-request.mask.grow} px.",
        blocking=True,
        remedy=Remedy(label="Set Grow to 0", field="grow", value=0),
    )


def _tiny(count: int) -> Finding:
    noun = "pixel" if count == 1 else "pixels"
    return Finding(sentence=f"The mask holds {count} {noun} only.")


def _feather_too_wide(request: EditRequest) -> Finding:
    return Finding(
        sentence=f"A feather of {request.mask.feather} px is wider than the mask: "
        "nowhere will the new content show fully.",
        remedy=Remedy(label="Set Feather to 0", field="feather", value=0),
    )
