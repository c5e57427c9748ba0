"""Joins the patches' fill with a smooth continuation of the surroundings.

Patches know the texture, a thin plate (see `plate`) the slopes that arrive at the edge. Both err,
each in its own way, so that a mean of the two errs less than either (as forecasts do: Bates and
Granger 1969). The plate's share falls where the patches fit well for their texture, as in bricks,
and where the two contradict each other: there the plate has overshot. Colours are in levels 0..255.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.fill import plate
from genimg_ui.core.fill.kernels import AREA, CHANNELS, SIDE, Field, Level
from genimg_ui.core.fill.recipe import Recipe

CONTRADICTION = 60.0  # levels between patches and plate at which the plate's share is halved
DETAIL = 3  # pixels; what is finer is left to the patches
AROUND = 15  # pixels of the window in which the two are compared
FIT = 0.2  # error of the patches per texture from which on the plate has its whole share
LEAST_TEXTURE = 3.0  # a flat place has some noise

Values = NDArray[np.float32]


class Filled(NamedTuple):
    """What the patches made of a hole; (n, ...) are its pixels in raster order."""

    values: Values  # (h, w, 3), the fill in the hole
    hole: NDArray[np.bool_]  # (h, w)
    texture: NDArray[np.uint8]  # (n, 2), see `levels`
    error: Values  # (n,) of the patches over each pixel, see `error`
    unmatched: Values  # (n,) 0..1, see `seam.unmatched`


def error(level: Level, field: Field, hole: NDArray[np.bool_]) -> Values:
    """By how many levels the patches over each pixel of the hole miss, (n,): root mean square."""
    counted = (level.number >= 0).astype(np.float32)
    distance = np.zeros(level.number.shape, np.float32)
    distance[level.ys, level.xs] = np.maximum(field.distance, 0)
    window, edge = (SIDE, SIDE), cv2.BORDER_CONSTANT
    total = cv2.blur(distance, window, borderType=edge)[hole]
    count = cv2.blur(counted, window, borderType=edge)[hole]
    mean = total / np.maximum(count, np.float32(1 / AREA))
    return np.asarray(np.sqrt(mean / np.float32(AREA * CHANNELS)), np.float32)


def joined(filled: Filled, recipe: Recipe, check: Callable[[], None]) -> Values:
    """Colours (n, 3) of the hole: first the slopes at the edge, then the plate's share deeper in.

    `check` is called often and stops the work by raising.
    """
    values, hole = filled.values.copy(), filled.hole
    smooth = plate.around(values, hole, recipe.slope, check)
    added = plate.correction(values, smooth, hole, recipe.slope)
    values[hole] += added * filled.unmatched[:, None]
    check()
    if not recipe.plate:
        return np.asarray(values[hole], np.float32)
    missing = np.where(hole[..., None], smooth - values, np.float32(0))
    share = recipe.plate * _share(missing, filled)
    if recipe.keep_detail:
        missing = cv2.blur(missing, (DETAIL, DETAIL))
    return np.asarray(values[hole] + missing[hole] * share[:, None], np.float32)


def _share(missing: Values, filled: Filled) -> Values:
    """Of the hole's pixels (n,), 0..1: how much of its say the plate keeps."""
    hole = filled.hole
    window = (AROUND, AROUND)
    squared = cv2.blur(np.square(missing).mean(axis=2), window)[hole]
    covered = cv2.blur(hole.astype(np.float32), window)[hole]
    contradiction = squared / covered / np.float32(CONTRADICTION**2)
    texture = filled.texture.max(axis=1) + np.float32(LEAST_TEXTURE)
    fit = np.minimum(filled.error / (np.float32(FIT) * texture), 1)
    return np.asarray(fit / (1 + contradiction), np.float32)
