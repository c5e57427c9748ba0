"""Colours are matched where that is shown to fit, and left alone where it is not."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from genimg_ui.core.colour_match import FALL_OFF, Matched, match_colours
from genimg_ui.core.request import ColourMatch

Rgb = NDArray[np.uint8]
OFFSET, BLEND = ColourMatch.OFFSET, ColourMatch.BLEND
SIDE = 256
TINT = np.array([14.0, -6.0, -12.0])


def picture(side: int = SIDE) -> Rgb:
    """Light, shapes and texture of a photograph, without any."""
    y, x = np.mgrid[:side, :side] / side
    planes = [110 + 50 * np.sin(5 * x + k) * np.cos(4 * y - k) for k in range(3)]
    texture = np.random.default_rng(3).normal(0, 8, (side, side, 1))
    return np.clip(np.stack(planes, axis=2) + texture, 0, 255).astype(np.uint8)


def disc(side: int = SIDE, radius: int = 60) -> NDArray[np.uint8]:
    mask = np.zeros((side, side), np.uint8)
    cv2.circle(mask, (side // 2, side // 2), radius, 255, -1)
    return mask


def painted_by(model: NDArray[np.float64], seed: int = 0) -> Rgb:
    """What an engine returns that meant `model`: with a texture of its own."""
    own = np.random.default_rng(seed).normal(0, 4, model.shape)
    return np.clip(model + own + 0.5, 0, 255).astype(np.uint8)


def error(patch: Rgb, truth: Rgb, where: NDArray[np.bool_]) -> float:
    """Mean ΔE of the low frequencies."""
    labs = [
        cv2.cvtColor(cv2.GaussianBlur(p, (0, 0), 5).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        for p in (patch, truth)
    ]
    return float(np.linalg.norm(labs[0] - labs[1], axis=2)[where].mean())


def matched(model: NDArray[np.float64], mode: ColourMatch) -> tuple[Rgb, Matched]:
    patch = painted_by(model)
    return patch, match_colours(patch, picture(), disc(), mode)


@pytest.mark.parametrize("mode", [OFFSET, BLEND])
def test_a_tint_is_taken_away(mode: ColourMatch) -> None:
    patch, found = matched(picture() + TINT, mode)
    inside = disc() > 0
    assert found.applied is not ColourMatch.OFF
    assert error(found.patch, picture(), inside) < 0.35 * error(patch, picture(), inside)
    assert found.error_before is not None and found.error_after is not None
    assert found.error_after < 0.25 * found.error_before


def test_a_slope_of_colour_needs_the_low_frequencies() -> None:
    x = np.linspace(-1, 1, SIDE)[None, :, None]
    patch, blended = matched(picture() + 1.4 * x * TINT, BLEND)
    _, shifted = matched(picture() + 1.4 * x * TINT, OFFSET)
    rim = (disc() > 0) & (disc(radius=44) == 0)
    assert blended.applied is BLEND
    assert error(blended.patch, picture(), rim) < 0.4 * error(patch, picture(), rim)
    assert error(blended.patch, picture(), rim) < 0.6 * error(shifted.patch, picture(), rim)


@pytest.mark.parametrize("mode", [OFFSET, BLEND])
def test_colours_that_fit_are_left_alone(mode: ColourMatch) -> None:
    rng = np.random.default_rng(5)
    for seed in range(6):
        other = picture().astype(np.float64)
        other[disc(radius=50) > 0] = rng.uniform(0, 255, 3)  # another thing inside is no tint
        patch = painted_by(other, seed)
        found = match_colours(patch, picture(), disc(), mode)
        assert found.applied is ColourMatch.OFF
        assert np.array_equal(found.patch, patch)
        assert found.error_after == found.error_before


def test_only_the_side_that_is_off_is_corrected() -> None:
    left = (np.arange(SIDE) < SIDE // 2)[None, :, None]
    patch, found = matched(picture() + left * TINT * 0.6, BLEND)
    assert found.applied is BLEND
    moved = np.abs(found.patch.astype(int) - patch).max(axis=2)
    rim = (disc() > 0) & (disc(radius=50) == 0)
    columns = np.arange(SIDE)[None, :]
    assert moved[rim & (columns < SIDE // 2 - 30)].mean() > 3
    assert moved[rim & (columns > SIDE // 2 + 30)].mean() < 1


def test_a_correction_falls_off_inside() -> None:
    side, mask = 512, disc(512, 200)
    truth = picture(side)
    patch = painted_by(truth + TINT)
    moved = np.abs(match_colours(patch, truth, mask, OFFSET).patch.astype(float) - patch)
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    at = [float(moved[np.abs(depth - d) < 4].mean()) for d in (5, 60, 120, 190)]
    assert at[0] > at[1] > at[2] > at[3] > 0
    assert at[3] / at[0] == pytest.approx(np.exp(-185 / FALL_OFF), abs=0.08)


def test_what_came_back_as_it_was_given_stays_so() -> None:
    patch = painted_by(picture() + TINT)
    kept = np.zeros((SIDE, SIDE), bool)
    kept[100:140, 100:140] = True
    patch[kept] = picture()[kept]
    found = match_colours(patch, picture(), disc(), OFFSET)
    assert found.applied is OFFSET
    assert np.array_equal(found.patch[kept], picture()[kept])


def test_nothing_is_done_where_nothing_is_known_or_asked() -> None:
    patch = painted_by(picture() + TINT)
    whole = np.full((SIDE, SIDE), 255, np.uint8)
    for mask, mode in ((whole, BLEND), (np.zeros_like(whole), BLEND), (disc(), ColourMatch.OFF)):
        found = match_colours(patch, picture(), mask, mode)
        assert found.patch is patch
        assert (found.applied, found.error_before) == (ColourMatch.OFF, None)


def test_pictures_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="of one size"):
        match_colours(picture(), picture(128), disc(), OFFSET)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from(ColourMatch), st.integers(0, 99))
def test_any_size_and_mask_gives_a_patch_of_its_size(
    width: int, height: int, mode: ColourMatch, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    given_ = rng.integers(0, 256, (height, width, 3), np.uint8)
    patch = np.clip(given_ + rng.integers(-60, 60, 3), 0, 255).astype(np.uint8)
    mask = np.where(rng.random((height, width)) < 0.3, 255, 0).astype(np.uint8)
    mask[: height // 2, : width // 2] = 255
    found = match_colours(patch, given_, mask, mode)
    assert found.patch.shape == patch.shape and found.patch.dtype == np.uint8
    again = match_colours(patch, given_, mask, mode)
    assert np.array_equal(found.patch, again.patch)
