"""Takes the colour step off the hole's edge: a smooth correction, strongest at the edge.

The filling patches also cover the ring of known pixels around the hole; what they miss there is
carried into the hole by a membrane (Pérez et al. 2003 in the fast form of Farbman et al. 2009).
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.smooth import pull_push

FADE = 0.94  # share of the correction that is left after each pixel of depth
STRONGEST = 20.0  # levels; a larger step is an edge of the picture, not a seam
ROUGH = 20.0  # texture feature (see `levels`) from which on a miss at the edge is local
MATCHED = 0.1  # of the texture: patches that miss the ring by so little know the place
NOISE = (0.3, 3.0)  # least miss in levels, and least texture: a flat place counts as unmatched
COARSEST = 1 << 20  # pixels of the grid on which the membrane hangs


def correction(
    misses: NDArray[np.float32],
    ring: NDArray[np.int32],
    hole: NDArray[np.bool_],
    check: Callable[[], None],
) -> NDArray[np.float32]:
    """Correction (n, 3) of the hole's pixels, from `misses` (m, 3) at the places `ring` (2, m).

    `check` is called often and stops the work by raising.
    """
    height, width = hole.shape
    step = 1
    while height * width > COARSEST * step * step:
        step *= 2
    rows, columns = -(-height // step), -(-width // step)
    cells = ring[0].astype(np.int64) // step * columns + ring[1] // step
    count = np.bincount(cells, minlength=rows * columns).reshape(rows, columns)
    bounded = np.clip(misses, -STRONGEST, STRONGEST)
    totals = [np.bincount(cells, bounded[:, c], rows * columns) for c in range(3)]
    grid = np.stack(totals, axis=1).reshape(rows, columns, 3) / np.maximum(count, 1)[..., None]
    far = cv2.erode((~hole).astype(np.uint8), np.ones((5, 5), np.uint8))[::step, ::step] > 0
    check()
    membrane = pull_push(grid.astype(np.float32), np.asarray((count > 0) | far))
    check()
    return membrane[hole] if step == 1 else _between(membrane, hole, step, check)


def roughness(texture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Of pixels (n, 2): 1 in texture; towards 0 in a sky, where a step shows from far away."""
    share = texture.max(axis=1) / np.float32(ROUGH)
    return np.asarray(np.minimum(share, 1), np.float32)


def unmatched(missing: NDArray[np.float32], texture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Of pixels (n, 3) and (n, 2): 0 where patches repeat the ring for its texture well, up to 1.

    There, as in bricks, a smooth continuation knows less than they do.
    """
    miss, least = missing.max(axis=1) + np.float32(NOISE[0]), np.float32(NOISE[1])
    share = miss / (np.float32(MATCHED) * (texture.max(axis=1) + least))
    return np.asarray(np.minimum(share, 1), np.float32)


def _between(
    grid: NDArray[np.float32], hole: NDArray[np.bool_], step: int, check: Callable[[], None]
) -> NDArray[np.float32]:
    """The grid at the hole's pixels, bilinear; a whole enlarged grid would not fit in memory."""
    out = np.empty((int(hole.sum()), 3), np.float32)
    done = 0
    last_row, last_column = grid.shape[0] - 1, grid.shape[1] - 1
    for y in np.nonzero(hole.any(axis=1))[0].tolist():
        check()
        down = min(max((y + 0.5) / step - 0.5, 0.0), last_row)
        top, share = int(down), np.float32(down - int(down))
        row = grid[top] * (1 - share) + grid[min(top + 1, last_row)] * share
        across = np.clip((np.nonzero(hole[y])[0] + 0.5) / step - 0.5, 0, last_column)
        left = across.astype(np.int64)
        part = (across - left).astype(np.float32)[:, None]
        values = row[left] * (1 - part) + row[np.minimum(left + 1, last_column)] * part
        out[done : done + len(values)] = values
        done += len(values)
    return out
