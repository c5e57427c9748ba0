"""Takes the colour step off the hole's edge: a smooth correction, strongest at the edge.

The filling patches also cover the ring of known pixels around the hole; what they miss there is
carried into the hole by a membrane (Pérez et al. 2003 in the fast form of Farbman et al. 2009).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.fill.smooth import pull_push

FADE = 0.94  # share of the correction that is left after each pixel of depth
STRONGEST = 20.0  # levels; a larger step is an edge of the picture, not a seam
COARSEST = 1 << 20  # pixels of the grid on which the membrane hangs


def correction(
    misses: NDArray[np.float32], ring: NDArray[np.int32], hole: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Correction (h, w, 3) for a hole, from `misses` (n, 3) at the places `ring` (2, n)."""
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
    membrane = pull_push(grid.astype(np.float32), np.asarray((count > 0) | far))
    return membrane if step == 1 else cv2.resize(membrane, (width, height)).astype(np.float32)
