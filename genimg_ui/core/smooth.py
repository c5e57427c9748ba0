"""Smooth continuation of what is known into a hole: pull-push on a masked pyramid.

Values are float32 (h, w, channels), `known` is bool (h, w). Known values stay exactly as given.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]


def halve(values: Values, known: Mask) -> tuple[Values, NDArray[np.float32]]:
    """Mean of the known pixels of each 2 × 2 block, and how many there were (0..4)."""
    height, width = known.shape
    down, across = height & 1, width & 1
    weights = np.pad(known.astype(np.float32), ((0, down), (0, across)))
    padded = np.pad(values, ((0, down), (0, across), (0, 0))) * weights[..., None]
    rows, counted = padded[::2] + padded[1::2], weights[::2] + weights[1::2]
    count = counted[:, ::2] + counted[:, 1::2]
    total = rows[:, ::2] + rows[:, 1::2]
    return (total / np.maximum(count, 1)[..., None]).astype(np.float32), count


def double(values: Values, height: int, width: int) -> Values:
    """Twice the size by bilinear interpolation, cut to height × width."""
    enlarged = cv2.resize(values, (values.shape[1] * 2, values.shape[0] * 2))
    square = np.asarray(enlarged, np.float32).reshape(values.shape[0] * 2, -1, values.shape[2])
    return square[:height, :width]


def pull_push(values: Values, known: Mask) -> Values:
    """Fill the unknown by coarser and coarser means (Gortler et al. 1996)."""
    height, width = known.shape
    if known.all() or not known.any():
        return values.astype(np.float32)
    means, count = halve(values, known)
    coarse = pull_push(means, count > 0)
    return np.where(known[..., None], values, double(coarse, height, width)).astype(np.float32)
