"""The share of the smooth continuation: it helps, and gives way where patches know more."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.restoration import inpaint_biharmonic

from genimg_ui.core.fill import blend, exemplar, plate, recipe
from genimg_ui.core.request import FillMode

SIDE = 48
HOLE = np.s_[16:32, 14:30]
CLOSEST = recipe.RECIPES[FillMode.CLOSEST]


def never() -> None:
    return None


def mask() -> NDArray[np.bool_]:
    hole = np.zeros((SIDE, SIDE), np.bool_)
    hole[HOLE] = True
    return hole


def slope() -> NDArray[np.float32]:
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.repeat((40 + 2 * y + x)[..., None], 3, axis=2).astype(np.float32)


def filled(level: float, error: float) -> blend.Filled:
    """Patches that left the hole `level` off a slope, in a texture of 20."""
    hole = mask()
    count = int(hole.sum())
    values = slope()
    values[hole] += level
    texture = np.full((count, 2), 20, np.uint8)
    errors = np.full(count, error, np.float32)
    return blend.Filled(values, hole, texture, errors, np.zeros(count, np.float32))


def moved(level: float, error: float, mode: recipe.Recipe = CLOSEST) -> float:
    """Share of the way to the plate, which is right here."""
    patches = filled(level, error)
    joined = blend.joined(patches, mode, never)
    return float((patches.values[patches.hole] - joined).mean() / level)


def test_the_plate_is_that_of_the_biharmonic_equation() -> None:
    picture = np.random.default_rng(0).random((SIDE, SIDE, 3)).astype(np.float32)
    peer = inpaint_biharmonic(picture, mask(), channel_axis=-1)
    ours = plate.continued(picture, ~mask(), 8.0, never)
    assert np.abs(ours - peer).max() < 1e-3


def test_the_share_is_the_recipes_where_patches_miss_and_do_not_contradict() -> None:
    assert moved(5, 20) == pytest.approx(CLOSEST.plate, abs=0.03)
    assert moved(5, 20, replace(CLOSEST, plate=0.2)) == pytest.approx(0.2, abs=0.02)


def test_balanced_leaves_the_patches_what_is_finest_alone() -> None:
    """Of patches with grain on a level of their own, the grain stays and the level goes."""
    mode = recipe.RECIPES[FillMode.BALANCED]
    patches = filled(8, 20)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    grain = np.where((rows + columns) % 2, 4, -4).astype(np.float32)[..., None]
    patches.values[mask()] += np.broadcast_to(grain, patches.values.shape)[mask()]
    off = blend.joined(patches, mode, never) - slope()[mask()]
    inner = cv2.erode(mask().astype(np.uint8), np.ones((7, 7)))[mask()] > 0
    assert np.abs(off[inner].mean()) < 1.0
    assert off[inner].std() == pytest.approx(4, rel=0.15)


def test_patches_that_fit_their_texture_are_left_alone() -> None:
    assert moved(5, 0.0) == 0
    assert 0 < moved(5, 1.0) < 0.5 * moved(5, 20)


def test_the_share_falls_where_both_contradict_each_other() -> None:
    assert moved(blend.CONTRADICTION, 20) == pytest.approx(0.5 * CLOSEST.plate, abs=0.06)
    assert moved(100, 20) < 0.4 * moved(5, 20)


def test_detail_is_kept_where_the_recipe_says_so() -> None:
    patches = filled(0.0, 20)
    y, x = np.mgrid[:SIDE, :SIDE]
    checks = np.where((x + y) % 2, 10, -10)[..., None].astype(np.float32)
    patches.values[patches.hole] += np.broadcast_to(checks, patches.values.shape)[patches.hole]
    sharp, soft = (
        np.ptp(blend.joined(patches, replace(CLOSEST, keep_detail=keep), never) - slope()[mask()])
        for keep in (True, False)
    )
    assert sharp > 19
    assert soft < 12


@pytest.mark.parametrize("mode", [FillMode.BALANCED, FillMode.CLOSEST])
def test_the_mode_takes_its_share(mode: FillMode, monkeypatch: pytest.MonkeyPatch) -> None:
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    hill = 40 + 180 * np.exp(-(x * x + y * y) / (2 * 14.0**2))
    picture = np.repeat(hill[..., None], 3, axis=2).astype(np.uint8)
    joined = exemplar.fill(picture, mask(), seed=1, mode=mode)
    monkeypatch.setitem(recipe.RECIPES, mode, replace(recipe.RECIPES[mode], plate=0.0))
    patches = exemplar.fill(picture, mask(), seed=1, mode=mode)
    assert not np.array_equal(joined, patches)
    truth = hill[mask()][:, None]
    errors = [np.square(found[mask()] - truth).mean() for found in (joined, patches)]
    assert errors[0] < errors[1]
