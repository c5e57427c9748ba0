"""SSIM, MS-SSIM and GMSD against piq, in the hole against their own maps, and at the edges."""

import numpy as np
import piq
import pytest
import torch
from skimage.metrics import structural_similarity

from genimg_ui.evaluation.metrics.base import Pair, Undefined
from genimg_ui.evaluation.metrics.structural import gmsd, ms_ssim, ssim
from tests.evaluation.metrics.made_pairs import mask_of, pair, picture, worse

pytestmark = pytest.mark.torch


def _tensors(one: Pair) -> tuple[torch.Tensor, torch.Tensor]:
    first, second = (
        torch.from_numpy(values.transpose(2, 0, 1)[None] / 255)
        for values in (one.result, one.original)
    )
    return first, second


@pytest.mark.parametrize("amount", [2.0, 20.0])
def test_ssim_equals_piq(amount: float) -> None:
    one = pair(picture(), worse(picture(), amount))
    other = piq.ssim(*_tensors(one), kernel_size=11, kernel_sigma=1.5, downsample=False)
    assert ssim(one)["ssim"] == pytest.approx(float(other), abs=1e-4)


def test_ssim_in_the_hole_is_the_mean_of_the_map_there() -> None:
    original = picture()
    result = original.copy()
    rows, columns = np.nonzero(mask_of(original))
    result[rows, columns] = worse(original)[rows, columns]
    one = pair(original, result)
    inside, whole = ssim(one)["ssim_hole"], ssim(one)["ssim"]
    channels = [
        structural_similarity(
            original[..., channel],
            result[..., channel],
            data_range=255,
            gaussian_weights=True,
            use_sample_covariance=False,
            full=True,
        )[1][one.hole].mean()
        for channel in range(3)
    ]
    assert inside == pytest.approx(float(np.mean(channels)), abs=1e-9)
    assert isinstance(inside, float) and isinstance(whole, float) and inside < whole < 1


@pytest.mark.parametrize("amount", [5.0, 60.0])
def test_ms_ssim_equals_piq(amount: float) -> None:
    one = pair(picture(), worse(picture(), amount))
    other = piq.multi_scale_ssim(*_tensors(one))
    assert ms_ssim(one)["ms_ssim"] == pytest.approx(float(other), abs=1e-4)


@pytest.mark.parametrize("amount", [2.0, 30.0])
def test_gmsd_equals_piq(amount: float) -> None:
    one = pair(picture(), worse(picture(), amount))
    assert gmsd(one)["gmsd"] == pytest.approx(float(piq.gmsd(*_tensors(one))), abs=1e-4)


def test_gmsd_in_the_hole_sees_only_what_is_near_it() -> None:
    original = picture()
    one = pair(original, worse(original))
    far = one.result.copy()
    far[-40:] = 0
    assert gmsd(pair(original, far))["gmsd_hole"] == gmsd(one)["gmsd_hole"]
    all_of_it = Pair(
        result=one.result, original=original, mask=np.full(original.shape[:2], 255, np.uint8)
    )
    assert gmsd(all_of_it)["gmsd_hole"] == gmsd(all_of_it)["gmsd"]


def test_identical_and_constant_pictures() -> None:
    for original in (picture(), np.full((180, 190, 3), 77, np.uint8)):
        same = pair(original, original)
        scores = ssim(same) | ms_ssim(same) | gmsd(same)
        assert scores == pytest.approx(
            {"ssim": 1, "ssim_hole": 1, "ms_ssim": 1, "gmsd": 0, "gmsd_hole": 0}, abs=1e-9
        )
    flat = np.full((180, 190, 3), 10, np.uint8)
    moved = pair(flat, flat + 100)
    luminance = (2 * 10 * 110 + 6.5025) / (10**2 + 110**2 + 6.5025)
    assert ssim(moved)["ssim"] == pytest.approx(luminance, abs=1e-4)


def test_pictures_that_turn_everything_round_have_finite_values() -> None:
    original = picture()
    opposite = pair(original, 255 - original)
    scores = ssim(opposite) | ms_ssim(opposite) | gmsd(opposite)
    assert all(isinstance(value, float) and np.isfinite(value) for value in scores.values())
    assert scores["ms_ssim"] == 0


def test_small_pictures_are_told_by_what_is_needed() -> None:
    tiny = pair(picture(10, 40))
    need = "SSIM needs sides of at least 11 pixels, got 40x10."
    assert ssim(tiny) == {name: Undefined(name, need) for name in ("ssim", "ssim_hole")}
    middle = pair(picture(160, 160))
    assert isinstance(ssim(middle)["ssim"], float)
    lack = ms_ssim(middle)["ms_ssim"]
    assert isinstance(lack, Undefined) and "at least 176 pixels, got 160x160" in lack.sentence
    assert isinstance(ms_ssim(pair(picture(176, 176)))["ms_ssim"], float)
    assert isinstance(gmsd(pair(picture(3, 9)))["gmsd"], Undefined)
    assert isinstance(gmsd(pair(picture(5, 9)))["gmsd"], float)


def test_a_hole_of_one_pixel_and_none() -> None:
    original = picture(60, 60)
    mask = np.zeros((60, 60), np.uint8)
    one = Pair(result=worse(original), original=original, mask=mask)
    assert isinstance(ssim(one)["ssim_hole"], Undefined)
    assert isinstance(gmsd(one)["gmsd_hole"], Undefined)
    mask[59, 59] = 255
    assert isinstance(ssim(one)["ssim_hole"], float)
    deviation = gmsd(one)["gmsd_hole"]
    assert isinstance(deviation, Undefined) and "at least 2 pixels" in deviation.sentence
