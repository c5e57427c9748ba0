"""Divides what is too large for one look of a model into passes, each with an overlap.

A border that exceeds half of the picture grows in strips, outwards, so that no pass has to
invent more than half of what it sees beside it. An enlarged canvas is repainted in tiles of the
model's native size, each held softly to those painted before it: overlapping passes instead of
one step for all tiles together (MultiDiffusion, Bar-Tal et al. 2023), because the memory is then
that of one tile, and any sampler can be used as it is. Boxes are in pixels of the canvas.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.mask import Mask
from genimg_ui.core.outpaint import inner_box
from genimg_ui.core.plan import Context, EditPlan, make_plan
from genimg_ui.core.region import canvas_size
from genimg_ui.core.request import EditRequest
from genimg_ui.errors import RefusedInput

GUARD = 0.25  # of what two tiles share, at each tile's edge, where it is not used
LARGEST_SHARE = 0.5  # of the known width or height that a pass may add


@dataclass(frozen=True, slots=True)
class Strip:
    """One pass of a progressive border: `painted` is new, `seen` is that with all known pixels."""

    painted: Box
    seen: Box

    @property
    def known(self) -> Box:
        """What is there already: `seen` without `painted`, which is a rectangle again."""
        left, top, right, bottom = self.seen
        if self.painted.left == left and self.painted.right < right:
            return Box(self.painted.right, top, right, bottom)
        if self.painted.right == right and self.painted.left > left:
            return Box(left, top, self.painted.left, bottom)
        if self.painted.top == top:
            return Box(left, self.painted.bottom, right, bottom)
        return Box(left, top, right, self.painted.top)


@dataclass(frozen=True, slots=True)
class Tile:
    """One pass over an enlarged canvas.

    The other four are the widths in which it lies over tiles painted before, and under tiles
    painted after; 0 at the canvas's own edges.
    """

    box: Box
    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0


def needs_passes(size: Size, border: Sides) -> bool:
    """Whether a side of the border exceeds half of the picture's."""
    wide = max(border.left, border.right) > size.width * LARGEST_SHARE
    return wide or max(border.top, border.bottom) > size.height * LARGEST_SHARE


def outpaint_strips(size: Size, border: Sides) -> tuple[Strip, ...]:
    """The passes that paint a border round a picture of `size`, in their order.

    Round by round, each side that lacks something grows by at most half of what is known along
    its axis; a strip is as long as the known rectangle is then, so that the strips are disjoint
    and cover the border exactly.
    """
    canvas, known = border.expand(size), inner_box(size, border)
    strips: list[Strip] = []
    while known != Box.of(canvas):
        for side in Sides._fields:
            painted = _next_strip(side, known, canvas)
            if painted is not None:
                known = known.union(painted)
                strips.append(Strip(painted, known))
    return tuple(strips)


def _next_strip(side: str, known: Box, canvas: Size) -> Box | None:
    across = max(1, int(known.size.width * LARGEST_SHARE))
    down = max(1, int(known.size.height * LARGEST_SHARE))
    left, top, right, bottom = known
    painted = {
        "left": Box(max(0, left - across), top, left, bottom),
        "top": Box(left, max(0, top - down), right, top),
        "right": Box(right, top, min(canvas.width, right + across), bottom),
        "bottom": Box(left, bottom, right, min(canvas.height, bottom + down)),
    }[side]
    return painted if painted.size.area else None


def count_passes(request: EditRequest, source: Size, *, native_size: int, multiple: int) -> int:
    """How many looks each variant of an edit takes of a model, 1 where one is enough.

    What is painted on a picture whose border grows in strips takes one more, which is not
    counted. `native_size` 0: the model takes any size. Raises RefusedInput as `tiles` does.
    """
    if not native_size:
        return 1
    if request.upscale > 1:
        canvas, overlap = canvas_size(request, source), request.passes.overlap
        return len(tiles(canvas, side=native_size, overlap=overlap, multiple=multiple))
    in_strips = request.passes.progressive and request.inpaint.box is None
    if in_strips and needs_passes(source, request.border):
        return len(outpaint_strips(source, request.border))
    return 1


def strip_plan(strip: Strip, context: Context, overlap: int) -> EditPlan:
    """What the model sees of a strip, within `strip.seen` and counted from its corner.

    It holds at least `overlap` known pixels along the strip, or all of them where fewer are known.
    It follows the strip, whose place the border alone decides, and not a ladder.
    """
    wide = replace(context, padding=max(context.padding, overlap), anchor=None)
    painted = strip.painted.moved(-strip.seen.left, -strip.seen.top)
    return make_plan(strip.seen.size, painted, wide)


def tiles(canvas: Size, *, side: int, overlap: int, multiple: int) -> tuple[Tile, ...]:
    """Tiles of `side` pixels that cover a canvas, row by row; neighbours share `overlap` or more.

    Every tile begins at a multiple of `multiple`, so that noise which belongs to the canvas falls
    into the same cells in all of them; the last of a row or column is longer by what is left,
    less than `multiple`. Raises RefusedInput where the overlap leaves too little of a tile.
    """
    if not 0 <= overlap <= side // 2:
        raise RefusedInput(
            f"The overlap of tiles must be in [0, {side // 2}], half of the model's native size, "
            f"got {overlap}."
        )
    columns = _spans(canvas.width, side, overlap, multiple)
    rows = _spans(canvas.height, side, overlap, multiple)
    return tuple(
        Tile(
            Box(column.start, row.start, column.end, row.end),
            left=column.before,
            top=row.before,
            right=column.after,
            bottom=row.after,
        )
        for row in rows
        for column in columns
    )


class _Span(NamedTuple):
    """A tile along one axis, and what it shares with the one before and the one after."""

    start: int
    end: int
    before: int
    after: int


def _spans(length: int, side: int, overlap: int, multiple: int) -> list[_Span]:
    last = max(0, (length - side) // multiple * multiple)
    step = max(multiple, (side - overlap) // multiple * multiple)
    count = -(-last // step)
    starts = [index * last // count // multiple * multiple for index in range(count)] + [last]
    ends = [start + side for start in starts[:-1]] + [length]
    shared = [0, *(end - start for end, start in zip(ends, starts[1:], strict=False)), 0]
    return [
        _Span(start, end, shared[index], shared[index + 1])
        for index, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]


def tile_mask(tile: Tile) -> Mask:
    """How strongly a model repaints a tile: uint8, 255 but where it lies over earlier ones.

    There it rises from 0 to 255 over what is shared but the outer quarters.
    """
    size = tile.box.size
    across, down = _rise(size.width, tile.left, GUARD), _rise(size.height, tile.top, GUARD)
    return np.asarray(np.rint(np.outer(down, across) * 255), np.uint8)


def tile_paste(tile: Tile, guard: float = GUARD) -> Mask:
    """How much of a tile is laid over what is there: uint8, 255 = wholly.

    As `tile_mask`, and 0 along the edges that a later tile covers, in `guard` of what is shared:
    there this tile sees least, and nothing of it must be left where the later one fades in.
    """
    size = tile.box.size
    across, down = _rise(size.width, tile.left, guard), _rise(size.height, tile.top, guard)
    across[size.width - int(tile.right * guard) :] = 0
    down[size.height - int(tile.bottom * guard) :] = 0
    return np.asarray(np.rint(np.outer(down, across) * 255), np.uint8)


def _rise(length: int, shared: int, guard: float) -> NDArray[np.float64]:
    if not shared:
        return np.ones(length)
    width = shared * (1 - 2 * guard)
    positions = np.arange(length) + 0.5 - shared * guard
    return np.clip(positions / width, 0, 1)
