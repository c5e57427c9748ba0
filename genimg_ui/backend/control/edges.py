"""Edges and lines without weights.

Every function takes uint8 RGB (h, w, 3) of any size and returns uint8 RGB of the same size, white
on black. Numbers have the names and ranges of `core.control`.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.backend.base import Rgb

_DARKEST = 16.0  # of what counts as a line: keeps noise from being stretched to white
_LINE_LEVEL = 127.0  # of the median line; half of white, as the published annotator has it
_SHARP, _WIDE = 0.5, 5.0  # sigmas in pixels of the published scribble annotator


def canny(image: Rgb, *, low_threshold: float, high_threshold: float) -> Rgb:
    """Edges between thresholds of the gradient (Canny 1986)."""
    edges = cv2.Canny(np.ascontiguousarray(image), low_threshold, high_threshold)
    return in_three(np.asarray(edges, np.uint8))


def lineart_standard(image: Rgb, *, gaussian_sigma: float, intensity_threshold: float) -> Rgb:
    """How much darker a pixel is than its blurred surroundings.

    The method of controlnet-aux's LineartStandardDetector, at the crop's own size; what is no
    darker than `intensity_threshold` does not count towards the scale.
    """
    values = image.astype(np.float32)
    darker = (_blurred(values, gaussian_sigma) - values).min(axis=2).clip(0, 255)
    lines = darker[darker > intensity_threshold]
    level = max(_DARKEST, float(np.median(lines))) if lines.size else _DARKEST
    return in_three((darker / level * _LINE_LEVEL).clip(0, 255).astype(np.uint8))


def gradient(image: Rgb, *, sigma: float, percentile: float) -> Rgb:
    """Length of the CIELAB gradient (Di Zenzo 1986) of the blurred picture.

    A classical stand-in for the learned soft edges: its `percentile` becomes white.
    """
    lab = cv2.cvtColor(image.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    blurred = _blurred(np.asarray(lab, np.float32), sigma)
    across, down = (
        np.asarray(cv2.Sobel(blurred, cv2.CV_32F, *order, ksize=3, scale=1 / 8), np.float32)
        for order in ((1, 0), (0, 1))
    )
    length = _longest(across, down)
    white = float(np.percentile(length, percentile))
    return in_three((length * (255.0 / max(white, 1.0))).clip(0, 255).astype(np.uint8))


def xdog(image: Rgb, *, threshold: float) -> Rgb:
    """Thresholded difference of Gaussians (after Winnemöller 2011), as the scribble ControlNets
    of version 1.1 were trained with: white where any channel is darker than around it by half of
    `threshold`.
    """
    values = image.astype(np.float32)
    darker = (_blurred(values, _WIDE) - _blurred(values, _SHARP)).min(axis=2)
    return in_three(np.where(2 * darker.clip(0, 255) > threshold, np.uint8(255), np.uint8(0)))


def in_three(grey: NDArray[np.uint8]) -> Rgb:
    """A grey map as RGB."""
    return np.repeat(grey[:, :, None], 3, axis=2)


def _blurred(values: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), np.float32)


def _longest(across: NDArray[np.float32], down: NDArray[np.float32]) -> NDArray[np.float32]:
    """The larger singular value of the Jacobian at each pixel: the steepest change of colour."""
    xx, yy = (across * across).sum(axis=2), (down * down).sum(axis=2)
    xy = (across * down).sum(axis=2)
    root = np.sqrt((xx - yy) ** 2 + 4 * xy**2)
    return np.asarray(np.sqrt(np.maximum(0, (xx + yy + root) / 2)), np.float32)
