"""Control maps that are the picture itself: whole, with a hole, or warped.

Every function takes and returns uint8 RGB (h, w, 3) of the same size.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.backend.base import Rgb


def tile(image: Rgb, *, down_sampling_rate: float) -> Rgb:
    """The picture, scaled down by `down_sampling_rate` and up again where that is above 1."""
    if down_sampling_rate <= 1:
        return image
    height, width = image.shape[:2]
    small = (
        max(1, round(width / down_sampling_rate)),
        max(1, round(height / down_sampling_rate)),
    )
    less = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(less, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def inpaint(image: Rgb, hole: NDArray[np.bool_]) -> Rgb:
    """The picture, black in its hole, where the network is told -1 instead."""
    return np.where(hole[:, :, None], np.uint8(0), image)


def shuffle(image: Rgb, *, frequency: float, shuffle_seed: float) -> Rgb:
    """The picture, every pixel fetched from a smoothly random place (ControlNet 1.1 Shuffle).

    `frequency` is the size in pixels of the waves of the warp; the same seed warps alike.
    """
    height, width = image.shape[:2]
    rng = np.random.default_rng(int(shuffle_seed))
    across = _smooth_noise(rng, height, width, int(frequency)) * (width - 1)
    down = _smooth_noise(rng, height, width, int(frequency)) * (height - 1)
    return np.asarray(cv2.remap(image, across, down, cv2.INTER_LINEAR), np.uint8)


def _smooth_noise(
    rng: np.random.Generator, height: int, width: int, wave: int
) -> NDArray[np.float32]:
    """float32 (height, width) in [0, 1]: random numbers a wave apart, cubic between them."""
    coarse = rng.random((height // wave + 3, width // wave + 3), np.float32)
    size = (coarse.shape[1] * wave, coarse.shape[0] * wave)
    fine = np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC))
    fine = fine[wave : wave + height, wave : wave + width]
    low, high = float(fine.min()), float(fine.max())
    return np.ascontiguousarray((fine - low) / max(high - low, 1e-6), np.float32)
