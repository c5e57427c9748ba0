"""Fills without a search: the simple starts that a model may be given under the mask.

`image` is uint8 (h, w, 3), `mask` bool (h, w), True = to be filled; known pixels are returned
bit-identical.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.smooth import pull_push

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]

GREY = 128  # middle grey: what inpainting models are trained to see under the mask
TELEA_RADIUS = 4  # pixels around each point that Telea's method looks at


def telea(image: Image, mask: Mask) -> Image:
    """Smooth continuation along the fast marching front (Telea 2004)."""
    known = ~mask
    if not known.any():
        return neutral(image, mask)
    hole = mask.astype(np.uint8)
    filled = cv2.inpaint(np.ascontiguousarray(image), hole, TELEA_RADIUS, cv2.INPAINT_TELEA)
    return _under(image, mask, np.asarray(filled, np.uint8)[mask])


def blur(image: Image, mask: Mask) -> Image:
    """The surroundings' colours without their shapes."""
    if mask.all():
        return neutral(image, mask)
    filled = pull_push(image.astype(np.float32), ~mask)
    return _under(image, mask, np.clip(filled[mask] + 0.5, 0, 255).astype(np.uint8))


def neutral(image: Image, mask: Mask) -> Image:
    """Middle grey."""
    return _under(image, mask, np.full((int(mask.sum()), 3), GREY, np.uint8))


def noise(image: Image, mask: Mask, seed: int) -> Image:
    """Uniform noise, drawn for the whole picture so that a wider mask keeps what was there."""
    drawn = np.random.default_rng(seed).integers(0, 256, image.shape, dtype=np.uint8)
    return _under(image, mask, drawn[mask])


def _under(image: Image, mask: Mask, colours: Image) -> Image:
    out = image.copy()
    out[mask] = colours
    return out
