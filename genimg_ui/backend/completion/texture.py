"""Texture for what a network paints: patches of the picture follow it.

A network that is near to what was there on average is blurred where several things could have been
there. Its outlines and colours are a guide for the exemplar fill, which copies sharp patches of the
picture along it, in the crop's own size (as Yang et al. 2017 join a network and patches).
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.backend.base import Rgb

SIDE = 256  # pixels; a larger crop is reduced to about this side squared for the network
Floats = NDArray[np.float32]
Hole = NDArray[np.bool_]


def reduced(image: Rgb, hole: Hole) -> tuple[Rgb, Hole]:
    """What the network sees: uint8 (h, w, 3) and bool (h, w), of about SIDE² pixels at most.

    A smaller pixel is the mean of what is known of it, and part of the hole where that is less than
    half (than anything, where no pixel has half).
    """
    height, width = hole.shape
    scale = SIDE / np.sqrt(height * width)
    if scale >= 1:
        return image, hole
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    known = np.where(hole, np.float32(0), np.float32(1))
    share = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(image * known[..., None], size, interpolation=cv2.INTER_AREA)
    mean = total / np.maximum(share, np.float32(1e-6))[..., None]
    covered = share < 0.5
    if covered.all():
        covered = share == 0
    return np.clip(mean + 0.5, 0, 255).astype(np.uint8), np.asarray(covered)


def as_guide(made: Floats, image: Rgb, hole: Hole) -> Floats:
    """What was painted at the reduced size, in the hole of the crop, in levels 0..255."""
    height, width = hole.shape
    large = made
    if made.shape[:2] != hole.shape:
        large = np.asarray(cv2.resize(made, (width, height), interpolation=cv2.INTER_LINEAR))
    return np.where(hole[..., None], np.clip(large, 0, 255), image).astype(np.float32)
