"""Differences of pixels: MSE, PSNR, and how sharp what was filled is."""

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.metrics import mean_squared_error

from genimg_ui.evaluation.metrics.base import Pair, Rgb, Score, Undefined

NO_HOLE = "The mask is empty: there is no hole to look at."


def differences(pair: Pair) -> dict[str, Score]:
    """MSE of values in [0, 1] and PSNR in dB, over the whole picture and in the hole.

    MSE lies in [0, 1], PSNR from 0 upwards. Identical pixels have no finite PSNR: they count as if
    one value were off by one level of 255, which is the best that any other picture can reach.
    """
    result, original = (picture / 255.0 for picture in (pair.result, pair.original))
    hole = pair.hole
    mse, psnr = _error(result, original)
    scores: dict[str, Score] = {"mse": mse, "psnr": psnr}
    if not hole.any():
        return scores | {name: Undefined(name, NO_HOLE) for name in ("mse_hole", "psnr_hole")}
    scores["mse_hole"], scores["psnr_hole"] = _error(result[hole], original[hole])
    return scores


def outside(pair: Pair) -> dict[str, Score]:
    """How many locked pixels differ from the original's in any channel, and their PSNR in dB.

    PSNR is capped as in `differences`; undefined where the mask covers the whole picture.
    """
    locked = ~pair.hole
    if not locked.any():
        sentence = "The mask covers the whole picture: nothing is locked."
        return {name: Undefined(name, sentence) for name in ("changed_outside", "psnr_outside")}
    result, original = pair.result[locked], pair.original[locked]
    changed = int(np.count_nonzero((result != original).any(axis=1)))
    _, psnr = _error(result / 255.0, original / 255.0)
    return {"changed_outside": float(changed), "psnr_outside": psnr}


def sharpness(pair: Pair) -> dict[str, Score]:
    """Mean absolute Laplacian in the hole, over the original's: 1 is as sharp, less is blurred.

    The Laplacian (four neighbours, edges mirrored) is of the sum of the channels. The value is 1
    where both are flat; where the original alone is flat, there is none.
    """
    name = "sharpness"
    if not pair.hole.any():
        return {name: Undefined(name, NO_HOLE)}
    found, wanted = (_detail(picture, pair.hole) for picture in (pair.result, pair.original))
    if wanted > 0:
        return {name: found / wanted}
    if found == 0:
        return {name: 1.0}
    return {name: Undefined(name, "The original is flat in the hole: nothing to compare with.")}


def _error(result: NDArray[np.float64], original: NDArray[np.float64]) -> tuple[float, float]:
    mse = float(mean_squared_error(original, result))
    least = 1 / (255**2 * original.size)
    return mse, float(-10 * np.log10(max(mse, least)))


def _detail(picture: Rgb, hole: NDArray[np.bool_]) -> float:
    # Of the sum, which is whole: a flat picture's Laplacian is then 0 and not a rounding error.
    laplacian = cv2.Laplacian(picture.sum(axis=2, dtype=np.float64), cv2.CV_64F)
    return float(np.abs(laplacian)[hole].mean())
