"""How near a filled picture is to the original; all of whole pictures, RGB uint8 (h, w, 3).

Read them together: MSE, PSNR and SSIM reward blur, sharpness tells it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

Picture = NDArray[np.uint8]
NAMES = ("MSE", "PSNR", "SSIM", "GMSD", "sharpness")


def measure(filled: Picture, truth: Picture, mask: NDArray[np.bool_]) -> tuple[float, ...]:
    """The values of NAMES: MSE on [0, 1], PSNR in dB, GMSD (0 is best), sharpness (1 is right)."""
    mse = float(np.mean((filled.astype(np.float64) - truth) ** 2)) / 255**2
    psnr = -10 * np.log10(max(mse, 1e-10))
    window = min(7, min(truth.shape[:2]) | 1)
    ssim = float(structural_similarity(filled, truth, channel_axis=-1, win_size=window))
    return mse, float(psnr), ssim, gmsd(filled, truth), sharpness(filled, truth, mask)


def gmsd(filled: Picture, truth: Picture) -> float:
    """Gradient magnitude similarity deviation (Xue et al. 2014) of the brightness."""
    a, b = (_gradient(picture) for picture in (filled, truth))
    stability = 170.0  # of the paper, for levels 0..255
    similarity = (2 * a * b + stability) / (a * a + b * b + stability)
    return float(similarity.std())


def _gradient(picture: Picture) -> NDArray[np.float64]:
    grey = cv2.blur(picture.astype(np.float64).mean(axis=2), (2, 2))[::2, ::2]
    kernel = np.array([[1, 0, -1]] * 3) / 3.0
    across, down = (cv2.filter2D(grey, cv2.CV_64F, k) for k in (kernel, kernel.T))
    return np.asarray(np.hypot(across, down), np.float64)


def sharpness(filled: Picture, truth: Picture, mask: NDArray[np.bool_]) -> float:
    """Mean absolute Laplacian in the hole over the original's."""
    inside, original = (
        np.abs(cv2.Laplacian(picture.astype(np.float64).mean(axis=2), cv2.CV_64F))[mask].mean()
        for picture in (filled, truth)
    )
    return float(inside / max(original, 1e-6))
