"""MSE, PSNR and sharpness: equal to other implementations, and defined at every edge."""

import numpy as np
import piq
import pytest
import torch
from scipy.ndimage import laplace

from genimg_ui.evaluation.metrics.base import Pair, Undefined
from genimg_ui.evaluation.metrics.pixel import differences, outside, sharpness
from tests.evaluation.metrics.made_pairs import mask_of, pair, picture, worse

pytestmark = pytest.mark.torch


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values.transpose(2, 0, 1)[None] / 255)


def test_psnr_and_mse_equal_piq() -> None:
    one = pair()
    scores = differences(one)
    other = piq.psnr(_tensor(one.result), _tensor(one.original), data_range=1.0)
    assert scores["psnr"] == pytest.approx(float(other), abs=1e-4)
    assert scores["mse"] == pytest.approx(10 ** (-float(other) / 10), rel=1e-4)


def test_the_hole_is_looked_at_alone() -> None:
    one = pair()
    rows, columns = slice(48, 96), slice(208 // 3, 156)
    cut = Pair(
        result=one.result[rows, columns],
        original=one.original[rows, columns],
        mask=one.mask[rows, columns],
    )
    whole, inside = differences(one), differences(cut)
    assert whole["mse_hole"] == pytest.approx(inside["mse"], abs=1e-12)
    assert whole["psnr_hole"] == pytest.approx(inside["psnr"], abs=1e-9)
    outside = one.result.copy()
    outside[0, 0] = 255 - outside[0, 0]
    moved = differences(pair(one.original, outside))
    assert moved["mse_hole"] == whole["mse_hole"] and moved["mse"] != whole["mse"]


def test_known_values() -> None:
    black = np.zeros((4, 4, 3), np.uint8)
    white = np.full_like(black, 255)
    mask = np.zeros((4, 4), np.uint8)
    mask[0, 0] = 255
    scores = differences(Pair(result=white, original=black, mask=mask))
    assert scores == {"mse": 1.0, "psnr": 0.0, "mse_hole": 1.0, "psnr_hole": 0.0}
    ten = differences(Pair(result=black + 51, original=black, mask=mask))
    assert ten["psnr"] == pytest.approx(20 * np.log10(5))


def test_identical_pictures_have_the_best_psnr_that_there_is() -> None:
    original = picture(40, 50)
    same = differences(pair(original, original))
    one_off = original.copy()
    one_off[0, 0, 0] ^= 1
    assert same["mse"] == 0 and same["psnr"] == pytest.approx(10 * np.log10(255**2 * 40 * 50 * 3))
    assert same["psnr"] == pytest.approx(differences(pair(original, one_off))["psnr"])


def test_an_empty_mask_has_no_hole() -> None:
    original = picture(20, 20)
    empty = Pair(result=original, original=original, mask=np.zeros((20, 20), np.uint8))
    scores = differences(empty) | sharpness(empty)
    for name in ("mse_hole", "psnr_hole", "sharpness"):
        assert scores[name] == Undefined(name, "The mask is empty: there is no hole to look at.")
    assert scores["mse"] == 0


def test_sharpness_is_the_ratio_of_laplacians() -> None:
    original = picture()
    blurred = worse(original, 3)
    one = pair(original, blurred)
    found, wanted = (
        np.abs(laplace(values.astype(float).mean(axis=2), mode="mirror"))[one.hole].mean()
        for values in (blurred, original)
    )
    assert sharpness(one)["sharpness"] == pytest.approx(found / wanted, abs=1e-9)
    assert sharpness(pair(original, original))["sharpness"] == 1


def test_sharpness_of_flat_pictures() -> None:
    flat = np.full((30, 40, 3), (1, 2, 4), np.uint8)
    assert sharpness(pair(flat, flat))["sharpness"] == 1
    assert isinstance(sharpness(pair(flat, worse(flat)))["sharpness"], Undefined)
    assert sharpness(pair(worse(flat), flat))["sharpness"] == 0


def test_a_hole_of_one_pixel_has_values() -> None:
    original = picture(30, 30)
    mask = np.zeros((30, 30), np.uint8)
    mask[29, 0] = 1
    one = Pair(result=worse(original), original=original, mask=mask)
    scores = differences(one) | sharpness(one)
    assert all(isinstance(value, float) and np.isfinite(value) for value in scores.values())
    assert mask_of(original).any()


def test_locked_pixels_are_counted_and_compared_outside_the_mask_only() -> None:
    original = picture(20, 30)
    mask = np.zeros((20, 30), np.uint8)
    mask[5:10, 5:10] = 1
    inside, moved = original.copy(), original.copy()
    inside[5:10, 5:10] ^= 255
    moved[0, 0, 1] ^= 4
    moved[0, 1] ^= 4
    same = outside(Pair(result=inside, original=original, mask=mask))
    found = outside(Pair(result=moved, original=original, mask=mask))
    assert (same["changed_outside"], found["changed_outside"]) == (0.0, 2.0)
    locked = 20 * 30 - 25
    assert found["psnr_outside"] == pytest.approx(10 * np.log10(255**2 * 3 * locked / (4 * 16)))
    assert same["psnr_outside"] == pytest.approx(10 * np.log10(255**2 * 3 * locked))
    whole = outside(Pair(result=moved, original=original, mask=np.full_like(mask, 255)))
    assert all(isinstance(score, Undefined) for score in whole.values())
