"""Pairs with something in them: smooth random pictures, and the same with a worse hole."""

import cv2
import numpy as np

from genimg_ui.evaluation.metrics.base import Pair


def picture(height: int = 192, width: int = 208, seed: int = 0) -> np.ndarray:
    """uint8 RGB noise, blurred so that neighbours are alike, over the whole range."""
    noise = np.random.default_rng(seed).normal(0, 1, (height, width, 3))
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    return np.round(255 * smooth).astype(np.uint8)


def worse(original: np.ndarray, amount: float = 8.0, seed: int = 1) -> np.ndarray:
    """`original` with noise of `amount` levels."""
    noise = np.random.default_rng(seed).normal(0, amount, original.shape)
    return np.clip(np.round(original + noise), 0, 255).astype(np.uint8)


def mask_of(original: np.ndarray) -> np.ndarray:
    """A rectangle off the centre."""
    mask = np.zeros(original.shape[:2], np.uint8)
    height, width = mask.shape
    mask[height // 4 : height // 2, width // 3 : 3 * width // 4] = 255
    return mask


def pair(original: np.ndarray | None = None, result: np.ndarray | None = None) -> Pair:
    """A pair of a picture and a noisy copy, unless told otherwise."""
    original = picture() if original is None else original
    result = worse(original) if result is None else result
    return Pair(result=result, original=original, mask=mask_of(original))
