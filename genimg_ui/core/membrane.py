"""Takes the step away that a patch leaves at the edge of the hole it is laid into.

Poisson's equation blends a patch by keeping its gradients and giving its edge the values of the
picture (Pérez, Gangnet and Blake 2003). Equal to that is to add a membrane, smooth inside, which is
at the edge what the patch lacks there. The masked pyramid computes it, so that the hole may touch
the picture's border, as every outpainting does; OpenCV's `seamlessClone` would move it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.smooth import pull_push

AROUND = 4.0  # pixels: over these the picture's own differences are averaged
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


def edge_membrane(
    made: Floats,
    picture: Floats,
    hole: NDArray[np.bool_],
    *,
    along: float,
    largest: float | None = None,
) -> Floats:
    """What must be added to `made` for it to meet `picture` around the hole: float32 (h, w, 3).

    `made` and `picture` are float32 (h, w, 3) in one unit, `hole` bool (h, w). The step is averaged
    over `along` pixels of the edge (standard deviation), so that texture is not smeared inwards.
    With `largest` a step is doubted: a longer one is the outline of a thing and none to take away,
    and others are believed as far as they are larger than neighbouring pixels of the picture differ
    there (Wiener's gain), which grain does too. Zero everywhere where no known pixel lies beside
    the hole.
    """
    known = (~hole).astype(np.float32)
    beside = cv2.boxFilter(known, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    edge = hole & (beside > 0.5)
    if not edge.any():
        return np.zeros_like(made)
    around = _sums(picture * known[..., None]) / np.maximum(beside, 1)[..., None]
    step = np.asarray((around - made) * edge[..., None], np.float32)
    if largest is not None:
        step *= np.linalg.norm(step, axis=2, keepdims=True) <= largest
    weight = _smoothed(edge.astype(np.float32)[..., None], along)
    smooth = np.asarray(_smoothed(step, along) / np.maximum(weight, np.float32(1e-6)), np.float32)
    if largest is not None:
        own = np.asarray((picture - around) * known[..., None], np.float32)
        smooth *= _belief(step, edge, own, ~hole)
    return pull_push(np.asarray(smooth * edge[..., None], np.float32), edge)


def _belief(step: Floats, edge: Mask, own: Floats, known: Mask) -> Floats:
    """How much of a step is none of the picture's own: float32 (h, w, 1), 0..1.

    `own` is how known pixels differ from the mean of the nine around them, and themselves; a pixel
    differs half as much again, in power, from three that it does not belong to.
    """
    there = _mean_power(step, edge)
    usual = _mean_power(own, known) * np.float32(1.5)
    belief = np.clip(1 - usual / np.maximum(there, np.float32(1e-6)), 0, 1)
    return np.asarray(belief, np.float32)


def _mean_power(values: Floats, where: Mask) -> Floats:
    """Mean square length of vectors (h, w, 3) near each pixel, of those `where`: (h, w, 1)."""
    power = (values**2).sum(axis=2, keepdims=True) * where[..., None]
    weight = _smoothed(where.astype(np.float32)[..., None], AROUND)
    mean = _smoothed(power.astype(np.float32), AROUND) / np.maximum(weight, np.float32(1e-6))
    return np.asarray(mean, np.float32)


def _sums(values: NDArray[np.floating]) -> Floats:
    planes = [
        cv2.boxFilter(plane, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
        for plane in np.moveaxis(values.astype(np.float32), 2, 0)
    ]
    return np.stack(planes, axis=2).astype(np.float32)


def _smoothed(values: Floats, sigma: float) -> Floats:
    planes = [
        cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
        for plane in np.moveaxis(values, 2, 0)
    ]
    return np.stack(planes, axis=2).astype(np.float32)
