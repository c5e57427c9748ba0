"""Structure: SSIM, MS-SSIM and GMSD."""

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from genimg_ui.evaluation.metrics.base import Pair, Rgb, Score, Undefined
from genimg_ui.evaluation.metrics.pixel import NO_HOLE

WINDOW = 11  # pixels of SSIM's Gaussian window, sigma 1.5
MS_SSIM_SIDE = 176  # the least side whose fifth scale still holds the window
MS_SSIM_EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the paper
STABILISERS = ((0.01 * 255) ** 2, (0.03 * 255) ** 2)  # C1 and C2 of SSIM
GMSD_SIDE = 4
GMSD_CONSTANT = 170 / 255**2  # T = 170 of the paper, for values in [0, 1]
LUMA = np.array([0.299, 0.587, 0.114])  # Rec. 601
_PREWITT = np.array([[1, 0, -1], [1, 0, -1], [1, 0, -1]], np.float64) / 3


def ssim(pair: Pair) -> dict[str, Score]:
    """SSIM (Wang et al. 2004) in [-1, 1]: Gaussian window of 11 x 11 with sigma 1.5, per channel.

    The whole picture's value is the mean of the map without the 5 pixels at the edge whose window
    leaves the picture. The hole's is the mean of the same map over the hole, edge or not; windows
    at the rim of the hole see up to 5 pixels of what is around it.
    """
    small = _too_small(pair, WINDOW, "SSIM", ("ssim", "ssim_hole"))
    if small:
        return small
    whole, full = structural_similarity(
        pair.original,
        pair.result,
        data_range=255,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    scores: dict[str, Score] = {"ssim": float(whole)}
    hole = pair.hole
    scores["ssim_hole"] = (
        float(full[hole].mean()) if hole.any() else Undefined("ssim_hole", NO_HOLE)
    )
    return scores


def ms_ssim(pair: Pair) -> dict[str, Score]:
    """MS-SSIM (Wang, Simoncelli & Bovik 2003) in [0, 1]: five scales, per channel.

    Only windows inside the picture count, at every scale, as in the paper (torchmetrics counts
    mirrored ones at the last). Terms below 0 count as 0: roots of them would be no numbers.
    """
    small = _too_small(pair, MS_SSIM_SIDE, "MS-SSIM", ("ms_ssim",))
    if small:
        return small
    first, second = pair.result.astype(np.float64), pair.original.astype(np.float64)
    product = np.ones(3)
    for scale, exponent in enumerate(MS_SSIM_EXPONENTS):
        whole, contrast = _ssim_terms(first, second)
        term = whole if scale == len(MS_SSIM_EXPONENTS) - 1 else contrast
        product *= np.maximum(term, 0) ** exponent
        first, second = (_pooled(values) for values in (first, second))
    return {"ms_ssim": float(product.mean())}


def gmsd(pair: Pair) -> dict[str, Score]:
    """GMSD (Xue et al. 2014), 0 for identical pictures: deviation of the gradients' similarity.

    It is of the luma at half size, as in the paper. The hole's value is the deviation over those
    pixels of half size that touch the hole.
    """
    small = _too_small(pair, GMSD_SIDE, "GMSD", ("gmsd", "gmsd_hole"))
    if small:
        return small
    first, second = (_gradients(picture) for picture in (pair.result, pair.original))
    similar = (2 * first * second + GMSD_CONSTANT) / (first**2 + second**2 + GMSD_CONSTANT)
    scores: dict[str, Score] = {"gmsd": float(similar.std())}
    hole = _halved(pair.hole.astype(np.float64)) > 0
    if np.count_nonzero(hole) < 2:
        sentence = "GMSD is a deviation: the hole must touch at least 2 pixels of half size."
        scores["gmsd_hole"] = Undefined("gmsd_hole", sentence)
    else:
        scores["gmsd_hole"] = float(similar[hole].std())
    return scores


def _too_small(pair: Pair, side: int, title: str, names: tuple[str, ...]) -> dict[str, Score]:
    height, width = pair.mask.shape
    if min(height, width) >= side:
        return {}
    sentence = f"{title} needs sides of at least {side} pixels, got {width}x{height}."
    return {name: Undefined(name, sentence) for name in names}


def _ssim_terms(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each channel's means of SSIM and of its contrast-structure term, of windows inside."""
    mean, other = _windowed(first), _windowed(second)
    spread = _windowed(first**2) - mean**2 + _windowed(second**2) - other**2
    shared = _windowed(first * second) - mean * other
    contrast = (2 * shared + STABILISERS[1]) / (spread + STABILISERS[1])
    luminance = (2 * mean * other + STABILISERS[0]) / (mean**2 + other**2 + STABILISERS[0])
    return (luminance * contrast).mean(axis=(0, 1)), contrast.mean(axis=(0, 1))


def _windowed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaussian means of the windows that lie inside."""
    rim = WINDOW // 2
    smooth = cv2.GaussianBlur(values, (WINDOW, WINDOW), 1.5)
    return np.asarray(smooth[rim:-rim, rim:-rim])


def _pooled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half the size by means of 2 x 2; an odd last row or column is left out."""
    height, width = (side // 2 for side in values.shape[:2])
    even = values[: 2 * height, : 2 * width]
    return np.asarray(even.reshape(height, 2, width, 2, -1).mean(axis=(1, 3)))


def _gradients(picture: Rgb) -> NDArray[np.float64]:
    """Magnitudes of Prewitt's gradients of the luma at half size; 0 lies around the picture."""
    luma = _halved(picture @ LUMA / 255)
    across, down = (
        cv2.filter2D(luma, cv2.CV_64F, kernel, borderType=cv2.BORDER_CONSTANT)
        for kernel in (_PREWITT, _PREWITT.T)
    )
    return np.asarray(np.hypot(across, down))


def _halved(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of 2 x 2 values; an odd last row or column stands twice."""
    height, width = values.shape
    even = np.pad(values, ((0, height % 2), (0, width % 2)), mode="edge")
    return np.asarray(even.reshape(even.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3)))
