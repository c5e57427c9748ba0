"""Takes the step of colour away that a network leaves at the edge of the hole.

Iizuka et al. 2017 blend their result by Poisson's equation (Pérez, Gangnet and Blake 2003): its
gradients are kept, and its values at the edge become those of the picture. Equal to that is to add
a membrane to it, smooth inside, which is at the edge what the result lacks there. So it is done
here, on the app's own masked pyramid: OpenCV's `seamlessClone` moves holes that touch the
picture's border, and a border is what outpainting fills.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.smooth import pull_push

ALONG = 2.0  # pixels: over these the step is averaged along the edge, so that texture stays
Floats = NDArray[np.float32]


def blended(made: Floats, picture: Floats, hole: NDArray[np.bool_]) -> Floats:
    """`made` with a membrane added in the hole that meets the picture around it.

    `made` and `picture` are float32 (h, w, 3) on one scale, `hole` bool (h, w). Known pixels, and
    a hole without any known pixel beside it, stay as they are.
    """
    known = (~hole).astype(np.float32)
    beside = cv2.boxFilter(known, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    edge = hole & (beside > 0.5)
    if not edge.any():
        return made
    around = _sums(picture * known[..., None]) / np.maximum(beside, 1)[..., None]
    step = (around - made) * edge[..., None]
    weight = _smoothed(edge.astype(np.float32)[..., None])
    smooth = _smoothed(step.astype(np.float32)) / np.maximum(weight, np.float32(1e-6))
    membrane = pull_push(np.asarray(smooth * edge[..., None], np.float32), edge)
    return np.asarray(np.where(hole[..., None], made + membrane, made), np.float32)


def _sums(values: NDArray[np.floating]) -> Floats:
    planes = [
        cv2.boxFilter(plane, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
        for plane in np.moveaxis(values.astype(np.float32), 2, 0)
    ]
    return np.stack(planes, axis=2).astype(np.float32)


def _smoothed(values: Floats) -> Floats:
    planes = [
        cv2.GaussianBlur(plane, (0, 0), ALONG, borderType=cv2.BORDER_CONSTANT)
        for plane in np.moveaxis(values, 2, 0)
    ]
    return np.stack(planes, axis=2).astype(np.float32)
