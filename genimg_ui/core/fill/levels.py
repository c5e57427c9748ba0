"""The masked pyramid: the crop at full, half, quarter ... size, with texture features.

The hole never bleeds: a coarse pixel is the mean of the known pixels under it, and known itself
only where most of them are. `image` uint8 (h, w, 3), `known` bool (h, w), `texture` uint8
(h, w, 2): mean |dx| and |dy| of the brightness over a window, times TEXTURE_GAIN.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.fill.kernels import CHANNELS, RADIUS, SIDE, Level, Prior
from genimg_ui.core.fill.recipe import Recipe
from genimg_ui.core.smooth import pull_push

TEXTURE_GAIN = 3.5  # weight of a texture feature beside three colours (Newson et al. 2014, 3.2)
FIXED_POINT = np.uint16(64)  # keeps fractions of a level through the integer mean
SHARE = 16384  # fixed-point one of the share of known pixels in a window
SMALL = 1 << 19  # pixels at which a smooth field is interpolated; more would show no difference
FEW_PIXELS = 8000  # of hole: a first fill takes a fraction of a second
LEAST_EVER = 16  # sources, where the hole is too large to be satisfied with this level
LEAST_SIDE = 24  # a coarser level would hold too few patches to choose from


class Scale(NamedTuple):
    """One size of the crop."""

    image: NDArray[np.uint8]
    known: NDArray[np.bool_]
    texture: NDArray[np.uint8]


def hole_depth(hole: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distance of each hole pixel to the known ones; the picture's edge is no boundary."""
    return np.asarray(cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L1, 3), np.float32)


def sources(known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Centres of patches that lie inside the picture and are wholly known."""
    kernel = np.ones((SIDE, SIDE), np.uint8)
    flat = cv2.BORDER_CONSTANT
    return cv2.erode(known.astype(np.uint8), kernel, borderType=flat, borderValue=0) > 0


def pyramid(
    image: NDArray[np.uint8],
    hole: NDArray[np.bool_],
    recipe: Recipe,
    check: Callable[[], None],
) -> list[Scale]:
    """Finest first, down to where the hole is thin enough for the recipe."""
    check()
    depth = float(hole_depth(hole).max())
    check()
    picture = np.where(hole[..., None], np.uint8(0), image)
    steps = [(picture, ~hole)]
    while depth > recipe.thickness * 2 ** (len(steps) - 1):
        if min(hole.shape) < LEAST_SIDE << len(steps):
            break
        check()
        smaller = _halve(*steps[-1])
        few = np.count_nonzero(~steps[-1][1]) <= FEW_PIXELS
        if np.count_nonzero(sources(smaller[1])) < (recipe.least_sources if few else LEAST_EVER):
            break
        steps.append(smaller)
    check()
    feature = _texture(picture, ~hole, max(2, 2 ** (len(steps) - 1)), check)
    check()
    scales = []
    for step, (colours, known) in enumerate(steps):
        height, width = known.shape
        scales.append(Scale(colours, known, feature[:: 1 << step, :: 1 << step][:height, :width]))
    return scales


def _halve(
    image: NDArray[np.uint8], known: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    height, width = known.shape
    size = ((width + 1) // 2, (height + 1) // 2)
    margin = (0, height & 1, 0, width & 1, cv2.BORDER_CONSTANT)
    even = cv2.copyMakeBorder(image, *margin, value=(0, 0, 0))
    four = cv2.copyMakeBorder(known.astype(np.uint8) * 4, *margin, value=0)
    count = cv2.resize(four, size, interpolation=cv2.INTER_AREA)
    mean = cv2.resize(even, size, interpolation=cv2.INTER_AREA)
    partial = (count > 0) & (count < 4)
    scaled = mean[partial] * np.float32(4) / count[partial][:, None]
    mean[partial] = np.minimum(scaled + 0.5, 255).astype(np.uint8)
    full = np.asarray(count >= (3 if min(size) <= 400 else 4))
    return np.asarray(mean, np.uint8), full


def _texture(
    image: NDArray[np.uint8], known: NDArray[np.bool_], radius: int, check: Callable[[], None]
) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    window = (2 * radius + 1, 2 * radius + 1)
    share = cv2.blur(known * np.uint16(SHARE), window, borderType=cv2.BORDER_CONSTANT)
    feature = np.zeros((*grey.shape, 2), np.uint8)
    for axis in range(2):
        check()
        later, earlier = (np.s_[1:], np.s_[:-1]) if axis else (np.s_[:, 1:], np.s_[:, :-1])
        step = np.zeros(grey.shape, np.uint16)
        step[later] = cv2.absdiff(grey[later], grey[earlier])
        step[later] *= FIXED_POINT * (known[later] & known[earlier])
        mean = cv2.blur(step, window, borderType=cv2.BORDER_CONSTANT)
        scale = TEXTURE_GAIN * SHARE / FIXED_POINT
        feature[..., axis] = cv2.divide(mean, share, scale=scale, dtype=cv2.CV_8U)
    check()
    return feature if share.all() else _spread(feature, np.asarray(share > 0))


def _spread(feature: NDArray[np.uint8], known: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Continue the features smoothly to where no known pixel was in the window."""
    height, width = known.shape
    factor = min(1.0, (SMALL / known.size) ** 0.5)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    few = cv2.resize(feature, size, interpolation=cv2.INTER_NEAREST).reshape(size[1], size[0], 2)
    where = cv2.resize(known.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    smooth = pull_push(few.astype(np.float32), np.asarray(where))
    smooth = np.asarray(np.clip(smooth + 0.5, 0, 255), np.uint8)
    wide = cv2.resize(smooth, (width, height)).reshape(height, width, 2)
    return np.where(known[..., None], feature, wide)


def level_of(scale: Scale, check: Callable[[], None], *, mirror: bool, sums: bool) -> Level:
    """What the kernels work on; the hole's pixels are still to be set."""
    check()
    height, width = scale.known.shape
    columns = 2 * width if mirror else width
    pixels = np.empty((height, columns, CHANNELS), np.uint8)
    pixels[:, :width, :3] = scale.image
    pixels[:, :width, 3:] = scale.texture
    valid = np.zeros((height, columns), np.bool_)
    valid[:, :width] = sources(scale.known)
    if mirror:
        check()
        pixels[:, width:] = pixels[:, width - 1 :: -1][:, :width]
        valid[:, width:] = valid[:, width - 1 :: -1][:, :width]
    totals = np.zeros((1, 1, 3), np.uint16)
    if sums:
        colours = np.ascontiguousarray(pixels[..., :3])
        raw = cv2.boxFilter(colours, cv2.CV_32S, (SIDE, SIDE), normalize=False)
        totals = raw.astype(np.uint16)
    check()
    ys, xs = _targets(~scale.known)
    check()
    number = np.full((height, width), -1, np.int32)
    number[ys, xs] = np.arange(len(ys), dtype=np.int32)
    prior = Prior(np.zeros((1, 1, 1), np.uint8), np.zeros((0, 0), np.int32))
    return Level(pixels.reshape(height, -1), totals, valid, number, ys, xs, prior)


def _targets(hole: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Centres of the patches that touch the hole and lie inside the picture."""
    touched = cv2.dilate(hole.astype(np.uint8), np.ones((SIDE, SIDE), np.uint8))
    inside = touched[RADIUS : hole.shape[0] - RADIUS, RADIUS : hole.shape[1] - RADIUS]
    ys, xs = np.nonzero(inside)
    return (ys + RADIUS).astype(np.int32), (xs + RADIUS).astype(np.int32)
