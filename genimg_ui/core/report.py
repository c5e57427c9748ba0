"""What a result proves: locked pixels, seam and colour shift along the mask's edge.

Pictures are compared in their own pixels (any mode and depth); the scores look at uint8 RGB.
Work is done in the context box where only that can differ, and over the whole picture where the
promise is made.
"""

from functools import reduce

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.mask import Mask

Rgb = NDArray[np.uint8]
RING = 3  # pixels on each side of the edge that the scores look at
QUIET_STEP = 1.0  # grey levels; below this the surroundings count as flat


def changed_pixels(before: NDArray[np.generic], after: NDArray[np.generic]) -> NDArray[np.bool_]:
    """bool (height, width): where two pictures of one mode differ in any channel."""
    different: NDArray[np.bool_] = np.not_equal(before, after)
    if different.ndim == 2:
        return different
    planes = (different[..., channel] for channel in range(different.shape[2]))
    # Several times as fast as any(axis=2).
    return np.asarray(reduce(np.logical_or, planes), np.bool_)


def seam_score(picture: Rgb, composite: Mask) -> float:
    """Mean step across the mask's edge over the mean step beside it; 1 means no visible seam.

    Steps are absolute differences of neighbouring pixels, averaged over the channels. Returns 1
    where the mask has no edge inside the picture.
    """
    inside = composite > 0
    across: list[NDArray[np.float32]] = []
    beside: list[NDArray[np.float32]] = []
    near = _near_edge(inside)
    for axis in (0, 1):
        edge = _pairs(inside, axis, np.not_equal)
        close = _pairs(near, axis, np.logical_and) & ~edge
        across.append(_steps(picture, axis, edge))
        beside.append(_steps(picture, axis, close))
    crossing, around = np.concatenate(across), np.concatenate(beside)
    if crossing.size == 0:
        return 1.0
    quiet = max(float(around.mean()) if around.size else 0.0, QUIET_STEP)
    return float(max(crossing.mean(), QUIET_STEP)) / quiet


def colour_shift(picture: Rgb, composite: Mask) -> float:
    """CIE76 ΔE between the mean colours of the rings just inside and just outside the mask."""
    inside = composite > 0
    near = _near_edge(inside)
    inner, outer = near & inside, near & ~inside
    if not inner.any() or not outer.any():
        return 0.0
    means = np.array([[picture[inner].mean(axis=0)], [picture[outer].mean(axis=0)]], np.float32)
    lab = cv2.cvtColor(means / np.float32(255), cv2.COLOR_RGB2LAB)
    return float(np.linalg.norm(lab[0, 0] - lab[1, 0]))


def _near_edge(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    kernel = np.ones((2 * RING + 1, 2 * RING + 1), np.uint8)
    grey = inside.astype(np.uint8)
    wide, narrow = cv2.dilate(grey, kernel), cv2.erode(grey, kernel)
    return np.asarray(wide != narrow)


def _steps(picture: Rgb, axis: int, where: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The step from each chosen pixel to the next one along `axis`; only those are looked at."""
    first = picture[:-1] if axis == 0 else picture[:, :-1]
    second = picture[1:] if axis == 0 else picture[:, 1:]
    difference = first[where].astype(np.int16) - second[where]
    return np.asarray(np.abs(difference).mean(axis=1), np.float32)


def _pairs(mask: NDArray[np.bool_], axis: int, rule: np.ufunc) -> NDArray[np.bool_]:
    first = mask[:-1] if axis == 0 else mask[:, :-1]
    second = mask[1:] if axis == 0 else mask[:, 1:]
    return np.asarray(rule(first, second))
