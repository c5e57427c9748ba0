"""Carries on the slopes at a hole's edge: a thin plate in a band along the edge.

A membrane leaves the edge with a kink; a thin plate (the biharmonic equation, as in Bertalmio et
al. 2000 and Chan and Shen 2001 for inpainting) also goes on with the slope that arrives there. It
is right near the edge and overshoots far from it. So it is solved and believed in a band only, and
decides the low frequencies only: what the patches say of the detail stays. Values are float32
(h, w, 3) in levels 0..255, `known` and `hole` bool (h, w).
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.fill import voting
from genimg_ui.core.geometry import Box, Size
from genimg_ui.core.smooth import double, halve, pull_push

BAND = 2.0  # width of the band, in units of the belief's length
MARGIN = 32  # pixels around the hole that the coarser scales need
THIN = 2.0  # pixels of depth at which no coarser scale is needed
LEAST_SIDE = 8  # pixels of the coarsest scale
MOST_KNOWN = 3  # of the four pixels under a coarse one, for it to be known
ROUNDS = 100  # of relaxation on each scale
AT_ONCE = 600_000  # pixels that are relaxed between two looks at the cancel token: about 20 ms
SIDE = 3  # pixels of the window whose mean is the low frequency

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]


def correction(
    values: Values, hole: Mask, length: float, check: Callable[[], None]
) -> NDArray[np.float32]:
    """What to add to the hole's pixels, (n, 3) in raster order.

    `values` holds the fill in the hole; the belief in the plate falls to 1/e after `length` pixels
    of depth. `check` is called often and stops the work by raising.
    """
    rows, columns = np.nonzero(hole.any(axis=1))[0], np.nonzero(hole.any(axis=0))[0]
    box = Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    cut = box.padded(MARGIN).within(Size(hole.shape[1], hole.shape[0])).slices
    inside, unknown = values[cut], hole[cut]
    smooth = continued(inside, ~unknown, BAND * length, check)
    missing = np.where(unknown[..., None], smooth - inside, np.float32(0))
    low = cv2.blur(missing, (SIDE, SIDE))[unknown]
    fade = np.exp(_depth(unknown)[unknown] / np.float32(-length))
    return np.asarray(low * fade[:, None], np.float32)


def continued(values: Values, known: Mask, band: float, check: Callable[[], None]) -> Values:
    """The known values as a thin plate, solved within `band` pixels of depth on every scale.

    Deeper in, it is what the coarser scales say. It never leaves the range of the known values.
    """
    check()
    hole = ~known
    depth = _depth(hole)
    wide: Values | None = None
    if depth.max() > THIN and min(known.shape) >= LEAST_SIDE:
        means, count = halve(values, known)
        if (count >= MOST_KNOWN).any():
            coarse = continued(means, count >= MOST_KNOWN, band, check)
            wide = np.where(known[..., None], values, double(coarse, *known.shape))
    if wide is None:
        wide = pull_push(values, known)
    places = np.stack(np.nonzero(hole & (depth <= band))).astype(np.int32)
    each = max(1, AT_ONCE // max(1, places.shape[1]))
    for done in range(0, ROUNDS, each):
        check()
        voting.relax_plate(wide, places, min(each, ROUNDS - done))
    least, most = values[known].min(axis=0), values[known].max(axis=0)
    wide[hole] = np.clip(wide[hole], least, most)
    return wide


def _depth(hole: Mask) -> NDArray[np.float32]:
    return np.asarray(cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5), np.float32)
