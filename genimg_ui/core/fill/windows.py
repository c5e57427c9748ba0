"""Where the holes are: islands that lie apart are filled apart, each in a crop of its own.

So the time follows the holes and not the picture. `mask` is bool (h, w), True = to be filled;
boxes are in its pixels.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.geometry import Box, Size

LEAST_MARGIN = 64  # pixels around a hole in which sources are looked for, at least
ENOUGH = 512  # from here on half the hole's length is enough: there is plenty to choose from
MOST_ISLANDS = 48  # more would cost more time apart than together
GRID = 1 << 20  # pixels of the map on which the islands are told apart


class Window(NamedTuple):
    """A crop and the hole pixels in it that are its to fill, uint8 bool of the box's size."""

    box: Box
    own: NDArray[np.bool_]


def windows(mask: NDArray[np.bool_]) -> list[Window]:
    """One window for each group of holes whose surroundings meet."""
    size = Size(mask.shape[1], mask.shape[0])
    hole_box = _box_of(mask)
    whole = hole_box.padded(margin(hole_box)).within(size)
    step = 1
    while mask.size > GRID * step * step:
        step *= 2
    small = _pooled(mask, step)
    groups = _groups(small, step)
    count = int(groups.max())
    if not 1 < count <= MOST_ISLANDS:
        return [Window(whole, mask[whole.slices])]
    found = []
    for group in range(1, count + 1):
        inner = _box_of((groups == group) & small)
        box = Box(*(step * side for side in inner)).within(size)
        box = box.padded(margin(box)).within(size)
        rows, columns = (np.arange(cut.start, cut.stop) // step for cut in box.slices)
        own = mask[box.slices] & (groups[np.ix_(rows, columns)] == group)
        found.append(Window(box, own))
    return found


def margin(box: Box) -> int:
    """Pixels around a hole's box in which sources are looked for."""
    longest = max(box.size)
    return max(LEAST_MARGIN, min(longest, max(ENOUGH, longest // 2)))


def _groups(small: NDArray[np.bool_], step: int) -> NDArray[np.int32]:
    """Number of the group (from 1) that each place near a hole belongs to; 0: near none."""
    size = Size(small.shape[1], small.shape[0])
    _, _, stats, _ = cv2.connectedComponentsWithStats(small.astype(np.uint8), connectivity=8)
    near = np.zeros(small.shape, np.uint8)
    for left, top, width, height in np.asarray(stats)[1:, :4].tolist():
        box = Box(left, top, left + width, top + height)
        reach = margin(Box(*(step * side for side in box))) // (2 * step)
        near[box.padded(reach).within(size).slices] = 1
    return np.asarray(cv2.connectedComponents(near, connectivity=8)[1], np.int32)


def _pooled(mask: NDArray[np.bool_], step: int) -> NDArray[np.bool_]:
    """True where any pixel of a step × step block is."""
    height, width = (-(-side // step) for side in mask.shape)
    rows = np.logical_or.reduceat(mask, np.arange(height) * step, axis=0)
    return np.asarray(np.logical_or.reduceat(rows, np.arange(width) * step, axis=1))


def _box_of(mask: NDArray[np.bool_]) -> Box:
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
