"""What goes on around a hole is copied, not landmarks from elsewhere in the picture."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from genimg_ui.core.fill import belonging, exemplar, seam
from genimg_ui.core.fill.recipe import RECIPES
from genimg_ui.core.request import FillMode

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def landmark_before_a_wall() -> tuple[Image, Mask]:
    """A wall above a dark floor, a blue figure on both, and a hole where they meet again.

    The figure's outline fits the hole: wall above, floor below. A thing at the hole's edge makes
    its plain continuation dearer than the copy of the figure.
    """
    image = np.empty((240, 240, 3), np.uint8)
    image[:] = (170, 165, 160)
    image[150:] = (25, 25, 28)
    cv2.ellipse(image, (70, 130), (28, 55), 0, 0, 360, (30, 60, 220), -1)
    cv2.rectangle(image, (146, 60), (160, 150), (215, 210, 205), -1)
    noise = np.random.default_rng(1).normal(0, 3, image.shape)
    image = np.clip(image + noise, 0, 255).astype(np.uint8)
    mask = np.zeros((240, 240), np.bool_)
    mask[20:215, 160:238] = True
    image[mask] = (0, 255, 0)
    return image, mask


def blue(colours: Image) -> float:
    """Share of pixels (n, 3) that have the figure's colour."""
    red, blueness = colours[:, 0].astype(int), colours[:, 2].astype(int)
    return float(np.mean(blueness - red > 60))


@pytest.mark.parametrize("seed", range(5))
def test_a_landmark_is_not_copied_into_the_hole(seed: int) -> None:
    image, mask = landmark_before_a_wall()
    filled = exemplar.fill(image, mask, seed=seed, mode=FillMode.REMOVE)
    assert blue(filled[mask]) == 0


def test_a_colour_is_foreign_where_the_ring_does_not_show_it() -> None:
    image, mask = landmark_before_a_wall()
    kinds, foreign = belonging.belonging(image, ~mask)
    cost = kinds @ foreign[60, 200]  # of each pixel, for a place in the upper part of the hole
    assert cost[130, 70] > 0.8, "the figure"
    assert cost[60, 20] < 0.2, "the wall"
    low = kinds @ foreign[200, 200]
    assert low[225, 20] < 0.2, "the floor is welcome below"
    assert cost[225, 20] > low[225, 20] + 0.3, "and less so above"


def test_what_is_common_on_the_ring_is_welcome_at_any_weight() -> None:
    halves = np.zeros((120, 120, 3), np.uint8)
    halves[:, :60], halves[:, 60:] = (200, 40, 40), (40, 40, 200)
    mask = np.zeros((120, 120), np.bool_)
    mask[40:80, 40:80] = True
    filled = exemplar.fill(halves, mask, seed=1, mode=FillMode.REMOVE)
    wrong = np.abs(filled.astype(int) - halves).max(axis=2) > 60
    assert wrong[mask].mean() < 0.1


def framed(picture: Image, share: float) -> tuple[Image, Mask]:
    """The picture with a border to fill, `share` of its own sides wide, and that border."""
    rows, columns = (round(share * side) for side in picture.shape[:2])
    around = ((rows, rows), (columns, columns))
    canvas = np.pad(picture, (*around, (0, 0)))
    return canvas, np.pad(np.zeros(picture.shape[:2], np.bool_), around, constant_values=True)


@pytest.mark.parametrize("seed", range(5))
def test_what_stands_in_the_middle_does_not_come_again_beside_the_picture(
    seed: int,
) -> None:
    rng = np.random.default_rng(2)
    image = np.empty((120, 120, 3), np.float64)
    image[:] = np.linspace(120, 200, 120)[:, None, None]
    for x, y in ((35, 60), (80, 50), (60, 85)):
        cv2.ellipse(image, (x, y), (9, 13), 0, 0, 360, (30.0, 60.0, 220.0), -1)
    image = np.clip(image + rng.normal(0, 6, image.shape), 0, 255)
    canvas, border = framed(image.astype(np.uint8), 0.5)
    filled = exemplar.fill(canvas, border, seed=seed, mode=FillMode.EXTEND)
    assert blue(filled[border]) < 0.002


def test_the_modes_that_are_looked_at_judge_colours() -> None:
    judging = [mode for mode, recipe in RECIPES.items() if recipe.foreign]
    assert judging == [FillMode.REMOVE, FillMode.EXTEND]


def test_a_sky_needs_its_seam_corrected_from_far_and_grass_does_not() -> None:
    texture = np.array([[0, 0], [5, 10], [40, 0], [255, 255]], np.uint8)
    assert seam.roughness(texture).tolist() == [0, 0.5, 1, 1]


def test_patches_that_repeat_a_texture_need_no_smooth_continuation() -> None:
    missing = np.array([[0, 0, 0], [1, 0.5, 1], [6, 2, 3], [0, 0, 0]], np.float32)
    texture = np.array([[100, 20], [100, 100], [10, 10], [0, 0]], np.uint8)
    bricks, stones, face, flat = seam.unmatched(missing, texture).tolist()
    assert bricks < 0.05 < stones < 0.2
    assert (face, flat) == (1, 1)
