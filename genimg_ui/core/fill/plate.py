"""Carries on the slopes at a hole's edge: a thin plate in a band along the edge.

A membrane leaves the edge with a kink; a thin plate (the biharmonic equation, as in Bertalmio et
al. 2000, Chan and Shen 2001, and Damelin and Hoang 2018 for inpainting) also goes on with the slope
that arrives there. It is right near the edge and may overshoot far from it, and it has no texture:
see `blend` for how it is believed. Values are float32 (h, w, 3) in levels 0..255, `known` and
`hole` bool (h, w).
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

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
MOST_EXACT = 1 << 14  # pixels of hole that are solved at once: less than 100 ms
STENCIL = 5  # pixels around the hole that its equations reach, and some
SIDE = 3  # pixels of the window whose mean is the low frequency

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]


def around(values: Values, hole: Mask, length: float, check: Callable[[], None]) -> Values:
    """`values` with the hole continued as a thin plate; what was in the hole does not matter.

    Above MOST_EXACT pixels of hole it is solved within BAND × `length` pixels of depth. `check` is
    called often and stops the work by raising.
    """
    rows, columns = np.nonzero(hole.any(axis=1))[0], np.nonzero(hole.any(axis=0))[0]
    box = Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    cut = box.padded(MARGIN).within(Size(hole.shape[1], hole.shape[0])).slices
    smooth = values.copy()
    smooth[cut] = continued(values[cut], ~hole[cut], BAND * length, check)
    return smooth


def correction(values: Values, smooth: Values, hole: Mask, length: float) -> NDArray[np.float32]:
    """What to add to the hole's pixels, (n, 3) in raster order, to follow `smooth` at the edge.

    `values` holds the fill in the hole; the belief in the plate falls to 1/e after `length` pixels
    of depth.
    """
    missing = np.where(hole[..., None], smooth - values, np.float32(0))
    low = cv2.blur(missing, (SIDE, SIDE))[hole]
    fade = np.exp(_depth(hole)[hole] / np.float32(-length))
    return np.asarray(low * fade[:, None], np.float32)


def continued(values: Values, known: Mask, band: float, check: Callable[[], None]) -> Values:
    """The known values as a thin plate; it never leaves their range.

    A hole above MOST_EXACT pixels is relaxed within `band` pixels of depth; deeper in, it is what
    the coarser scales say.
    """
    check()
    hole = ~known
    if known.any() and 0 < np.count_nonzero(hole) <= MOST_EXACT:
        return _solved(values, known)
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


def _solved(values: Values, known: Mask) -> Values:
    """The biharmonic equation solved exactly; beyond the picture's edge the edge is repeated."""
    rows, columns = np.nonzero(~known.all(axis=1))[0], np.nonzero(~known.all(axis=0))[0]
    box = Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    cut = box.padded(STENCIL).within(Size(known.shape[1], known.shape[0])).slices
    inside, given = values[cut].reshape(-1, 3).astype(np.float64), known[cut].ravel()
    height, width = known[cut].shape
    laplace = sparse.kron(_second(height), sparse.eye_array(width)) + sparse.kron(
        sparse.eye_array(height), _second(width)
    )
    laplace = sparse.csr_array(laplace)
    equations = (laplace @ laplace)[~given]
    factors = splu(
        sparse.csc_array(equations[:, ~given]),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    found = factors.solve(-(equations[:, given] @ inside[given]))
    least, most = values[known].min(axis=0), values[known].max(axis=0)
    smooth = values.copy()
    smooth[~known] = np.clip(found, least, most)
    return smooth


def _second(side: int) -> sparse.csr_array:
    """Second differences along one side, (side, side)."""
    middle = np.full(side, -2.0)
    middle[0] += 1
    middle[-1] += 1
    next_one = np.ones(side - 1)
    return sparse.csr_array(sparse.diags_array([next_one, middle, next_one], offsets=[-1, 0, 1]))


def _depth(hole: Mask) -> NDArray[np.float32]:
    return np.asarray(cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5), np.float32)
