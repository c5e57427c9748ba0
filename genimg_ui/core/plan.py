"""EditPlan: which part of the canvas an engine sees, and at what size.

Mask box ⊆ context box ⊆ canvas. The context box is scaled by one factor to `content`, and
`content` is padded at its right and bottom to `working`, whose sides are the multiples that the
model needs. One plan crops the picture, the masks and every control image alike; `stitch` lays
the patch back. Everything is in whole pixels, so that nothing moves.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from genimg_ui.core.context_ladder import ladder_box
from genimg_ui.core.geometry import Box, Size
from genimg_ui.core.mask import Mask
from genimg_ui.errors import RefusedInput

Pixels = NDArray[np.uint8]  # (height, width) or (height, width, 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class EditPlan:
    """Where an edit takes place."""

    canvas: Size
    box: Box  # context box on the canvas
    content: Size  # the box at the engine's scale
    working: Size  # content, padded to the model's multiples

    @property
    def scale(self) -> float:
        """Working pixels per canvas pixel; above 1 for small regions."""
        return self.content.width / self.box.size.width

    @property
    def exact(self) -> bool:
        """Whether the engine sees the canvas's own pixels, unscaled."""
        return self.content == self.box.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """How much around the mask an engine wants to see, and at which size it works best."""

    padding: int  # pixels of the canvas on each side of the mask
    ratio: float = 0.0  # at least this multiple of the mask's longer side
    only_masked: bool = True
    native_size: int = 0  # side of the model's own square; 0: the canvas's scale
    enlarges: bool = True  # whether a smaller region is enlarged to it, too
    multiple: int = 1
    box: Box | None = None  # drawn by hand, on the canvas; then padding and ratio do not count
    anchor: tuple[int, int] | None = None
    """Where the source's top left lies on the canvas: the box of a model with a native size is then
    one of a ladder counted from there (`context_ladder`). None: it follows the mask."""


MAX_UPSCALE = 8.0  # a mask of a few pixels is not blown up beyond what interpolation can feed
NATIVE_AREA_FACTOR = 1.0  # the working area is the model's own: more makes models repeat subjects


def make_plan(canvas: Size, masked: Box, context: Context) -> EditPlan:
    """Choose the context box and the working size for a mask that fills `masked`.

    Raises RefusedInput where a box drawn by hand does not hold the mask, or leaves the canvas.
    """
    box = _context_box(canvas, masked, context)
    if not context.native_size:
        content = box.size
    else:
        area = context.native_size**2 * NATIVE_AREA_FACTOR
        largest = MAX_UPSCALE if context.enlarges else 1.0
        content = box.size.scaled(min(largest, (area / box.size.area) ** 0.5))
    return EditPlan(
        canvas=canvas, box=box, content=content, working=content.rounded_up(context.multiple)
    )


def _context_box(canvas: Size, masked: Box, context: Context) -> Box:
    if context.box is not None:
        return _drawn(context.box, canvas, masked)
    if not context.only_masked:
        return Box.of(canvas)
    padding = max(context.padding, round(context.ratio * max(masked.size)))
    box = masked.padded(padding).within(canvas)
    native, anchor = context.native_size, context.anchor
    if not native:
        return box
    if anchor is None:
        return _squared(box, canvas)
    return ladder_box(canvas, box, anchor, native_size=native, multiple=context.multiple)


def _drawn(box: Box, canvas: Size, masked: Box) -> Box:
    beyond = _excess(box, Box.of(canvas))
    if beyond:
        raise RefusedInput(
            f"The context box must lie on the canvas ({canvas}): it reaches {beyond} beyond it.",
            remedy="Draw it smaller, or clear it.",
        )
    short = _excess(masked, box)
    if short:
        raise RefusedInput(
            f"The context box must hold all that is repainted: it is {short} too short.",
            remedy="Draw it larger, or clear it.",
        )
    return box


def _excess(inner: Box, outer: Box) -> str:
    """By how much `inner` leaves `outer`, as "3 px (left), 7 px (bottom)"; "" where it does not."""
    over = {
        "left": outer.left - inner.left,
        "top": outer.top - inner.top,
        "right": inner.right - outer.right,
        "bottom": inner.bottom - outer.bottom,
    }
    return ", ".join(f"{pixels} px ({side})" for side, pixels in over.items() if pixels > 0)


def _squared(box: Box, canvas: Size) -> Box:
    """Widen the shorter side towards a square, as far as the canvas has pixels."""
    side = max(box.size)
    left, right = _span(box.left, box.right, side, canvas.width)
    top, bottom = _span(box.top, box.bottom, side, canvas.height)
    return Box(left, top, right, bottom)


def _span(start: int, end: int, length: int, limit: int) -> tuple[int, int]:
    length = min(max(length, end - start), limit)
    start = min(max(0, (start + end - length) // 2), limit - length)
    return start, start + length


def crop(plan: EditPlan, pixels: Pixels) -> Pixels:
    """Cut the context box out of canvas pixels, at the working size (uint8 in, uint8 out).

    The padding beyond the content repeats its last row and column.
    """
    part = pixels[plan.box.slices]
    if not plan.exact:
        part = _resized(part, plan.content)
    return _padded(part, plan.working, mode="edge")


def crop_mask(plan: EditPlan, mask: Mask) -> Mask:
    """As `crop`, for a mask: what is partly covered counts by its largest value; padding is 0."""
    part = mask[plan.box.slices]
    if not plan.exact:
        part = _resized_mask(part, plan.content)
    return _padded(part, plan.working, mode="constant")


def stitch(plan: EditPlan, patch: Pixels, given: Pixels, original: Pixels) -> Pixels:
    """Bring a patch back to the context box: uint8 (box height, box width, 3).

    `given` is the crop that the engine got, `original` the canvas pixels of the box. What the
    engine returned as it was given is the original's own, at full resolution, so that
    `stitch(plan, crop, crop, box) == box` for every size.
    """
    content = (slice(0, plan.content.height), slice(0, plan.content.width))
    different = patch[content] != given[content]
    changed = different[..., 0] | different[..., 1] | different[..., 2]  # faster than any(axis=2)
    if plan.exact:
        return np.where(changed[..., None], patch[content], original)
    weight = _resized_mask(np.where(changed, np.uint8(255), np.uint8(0)), plan.box.size)
    enlarged = _resized(patch[content], plan.box.size)
    return np.where(weight[..., None] > 0, enlarged, original)


def _padded(part: Pixels, size: Size, *, mode: str) -> Pixels:
    below, beside = size.height - part.shape[0], size.width - part.shape[1]
    if not below and not beside:
        return np.ascontiguousarray(part)
    widths = [(0, below), (0, beside)] + [(0, 0)] * (part.ndim - 2)
    return np.pad(part, widths, mode="edge" if mode == "edge" else "constant")


def _resized(part: Pixels, size: Size) -> Pixels:
    return np.asarray(Image.fromarray(part).resize(size, Image.Resampling.LANCZOS))


def _resized_mask(part: Mask, size: Size) -> Mask:
    """Scale a mask so that no covered pixel is lost: box average, lifted where it is partial."""
    soft = np.asarray(Image.fromarray(part).resize(size, Image.Resampling.BOX))
    if size.width >= part.shape[1] and size.height >= part.shape[0]:
        return soft
    rows, columns = _cells(part.shape[0], size.height), _cells(part.shape[1], size.width)
    peak = np.maximum.reduceat(np.maximum.reduceat(part, rows, axis=0), columns, axis=1)
    return np.where(peak > 0, np.maximum(soft, peak), np.uint8(0))


def _cells(length: int, count: int) -> NDArray[np.int64]:
    """The first of `length` pixels in each of as many cells at most; a middle decides.

    In whole numbers: where a middle lies on the edge of two cells, rounding would put it in none.
    """
    return (2 * np.arange(count) * length + count) // (2 * count)
