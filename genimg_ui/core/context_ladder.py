"""Context boxes that hold still while a mask grows: a ladder of sizes, each on a grid of places.

A box that follows the mask changes its scale with every pixel of growth, and the model's latent
cells with it; the same seed then paints something else. Here the side is a power of √2 times the
model's native size, and the corner lies on a grid of whole latent cells, counted from the source's
top left. So nearly the same mask has the very same box. The box depends on the mask, the canvas
and the settings alone, not on what was painted before. Everything is in whole pixels.
"""

import math
from collections.abc import Iterator

from genimg_ui.core.geometry import Box, Size

HALVINGS = 6  # rungs below the native size: the smallest is an eighth of it
PLACES = 8  # of a box within its own side, so that it is never more than 1/16 off the mask


def ladder_box(
    canvas: Size, wanted: Box, anchor: tuple[int, int], *, native_size: int, multiple: int
) -> Box:
    """The smallest box of the ladder that holds `wanted`, as near to its middle as the grid has.

    `anchor` is where the source's top left lies on the canvas. Where a side is longer than the
    canvas, the box takes all of it; at the canvas's edges it leaves the grid, not the canvas.
    """
    apart = max(multiple, native_size // PLACES // multiple * multiple)  # working pixels
    for side in _rungs(native_size):  # without an end: in time the box is the whole canvas
        size = Size(min(side, canvas.width), min(side, canvas.height))
        step = apart * math.sqrt(size.area) / native_size
        left = _place((wanted.left, wanted.right), size.width, canvas.width, (anchor[0], step))
        top = _place((wanted.top, wanted.bottom), size.height, canvas.height, (anchor[1], step))
        box = Box(left, top, left + size.width, top + size.height)
        if box.contains(wanted):
            break
    return box


def _rungs(native_size: int) -> Iterator[int]:
    """Sides in pixels of the canvas, by integers, so that they are the same on every machine."""
    area = native_size**2
    yield from (max(1, math.isqrt(area >> halving)) for halving in range(HALVINGS, 0, -1))
    while True:
        yield math.isqrt(area)
        area *= 2


def _place(wanted: tuple[int, int], length: int, limit: int, grid: tuple[int, float]) -> int:
    """Where a span of `length` about the middle of `wanted` begins, within [0, `limit`]."""
    anchor, step = grid
    begin = (sum(wanted) - length) / 2 - anchor
    place = anchor + math.floor(math.floor(begin / step + 0.5) * step + 0.5)
    return min(max(0, place), limit - length)
