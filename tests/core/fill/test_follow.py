"""The exemplar fill that follows a guide: its outlines and colours, the picture's own texture."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from genimg_ui.core.fill import exemplar
from genimg_ui.core.request import FillMode

RED, BLUE = np.array([180, 70, 60]), np.array([60, 80, 190])
SIDE = 96
MOVES = (cv2.erode, cv2.dilate)


def woven(is_red: NDArray[np.bool_], seed: int = 0) -> NDArray[np.uint8]:
    """Two colours with one fine texture."""
    noise = np.random.default_rng(seed).normal(size=is_red.shape).astype(np.float32)
    colours = (
        np.where(is_red[..., None], RED, BLUE)
        + 45 * cv2.GaussianBlur(noise, (0, 0), 0.7)[..., None]
    )
    return np.clip(colours, 0, 255).astype(np.uint8)


def halves() -> NDArray[np.bool_]:
    """Red above, blue below."""
    return np.repeat(np.arange(SIDE)[:, None] < SIDE // 2, SIDE, 1)


def hole() -> NDArray[np.bool_]:
    mask = np.zeros((SIDE, SIDE), np.bool_)
    mask[28:68, 30:66] = True
    return mask


def flat(is_red: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The two colours without texture, blurred as a network paints."""
    return cv2.GaussianBlur(np.where(is_red[..., None], RED, BLUE).astype(np.uint8), (0, 0), 3)


def fineness(pixels: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(cv2.Laplacian(grey, cv2.CV_32F)[where].std())


@pytest.mark.parametrize("seed", range(3))
def test_the_guide_decides_where_the_outline_runs(seed: int) -> None:
    image, mask = woven(halves(), seed), hole()
    across = np.arange(SIDE)[None]
    # One and the same surroundings: in the hole the red goes down on the left, or on the right.
    for side, leans in (("left", across < SIDE // 2), ("right", across >= SIDE // 2)):
        wanted = np.where(mask, np.broadcast_to(leans, mask.shape), halves())
        filled = exemplar.follow(image, mask, flat(wanted), seed=seed)
        is_red = filled[..., 0].astype(int) > filled[..., 2]
        low, high = (reach(wanted.astype(np.uint8), np.ones((9, 9))) for reach in MOVES)
        inner = (cv2.erode(mask.astype(np.uint8), np.ones((9, 9))) > 0) & (low == high)
        assert inner.sum() > 300 and (is_red == wanted)[inner].mean() > 0.85, side


def test_the_texture_is_the_pictures_and_not_the_guides() -> None:
    image, mask = woven(halves()), hole()
    guide = flat(halves())
    filled = exemplar.follow(image, mask, guide, seed=0)
    inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5))) > 0
    assert fineness(guide, inner) < 0.1 * fineness(image, inner)
    assert fineness(filled, inner) > 0.6 * fineness(image, inner)


def test_known_pixels_stay_and_only_the_seed_changes_the_rest() -> None:
    image, mask = woven(halves()), hole()
    image[mask] = (255, 255, 0)
    guide = flat(halves())
    first = exemplar.follow(image, mask, guide, seed=4, threads=1)
    assert np.array_equal(first[~mask], image[~mask])
    assert (first[mask] != (255, 255, 0)).any(axis=1).all()
    assert np.array_equal(first, exemplar.follow(image, mask, guide, seed=4, threads=3))
    assert not np.array_equal(first, exemplar.follow(image, mask, guide, seed=5))
    elsewhere = np.where(mask[..., None], guide, np.uint8(255))
    assert np.array_equal(first, exemplar.follow(image, mask, elsewhere, seed=4))


def test_a_hole_of_several_islands_follows_the_guide_in_each() -> None:
    image = np.tile(woven(halves()), (1, 4, 1))
    mask = np.zeros(image.shape[:2], np.bool_)
    mask[30:60, 20:50] = mask[30:60, 330:360] = True
    swapped = flat(np.broadcast_to(True, mask.shape))
    filled = exemplar.follow(image, mask, swapped, seed=0)
    red = filled[..., 0].astype(int) > filled[..., 2]
    assert red[35:55, 25:45].mean() > 0.9 and red[35:55, 335:355].mean() > 0.9
    usual = exemplar.fill(image, mask, seed=0, mode=FillMode.BALANCED)
    assert (usual[..., 0].astype(int) > usual[..., 2])[35:55, 25:45].mean() < 0.8


def test_outwards_what_is_foreign_at_the_edge_does_not_come_in() -> None:
    """A blurred guide that leans to a colour which is only in the middle of the picture."""
    grey = np.random.default_rng(0).normal(150, 8, (120, 120, 1)).repeat(3, 2)
    for x, y in ((35, 60), (80, 50), (60, 85)):
        cv2.ellipse(grey, (x, y), (9, 13), 0, 0, 360, (30.0, 60.0, 220.0), -1)
    image = np.pad(np.clip(grey, 0, 255).astype(np.uint8), ((0, 0), (0, 50), (0, 0)))
    mask = np.zeros((120, 170), np.bool_)
    mask[:, 120:] = True
    guide = np.full((120, 170, 3), (60, 85, 205), np.uint8)
    came = [
        (exemplar.follow(image, mask, guide, seed=seed, outwards=outwards)[mask][:, 0] < 80).mean()
        for outwards in (True, False)
        for seed in range(3)
    ]
    assert max(came[:3]) < 0.01 and min(came[3:]) > 0.5


def test_where_no_whole_patch_is_known_the_guide_is_the_fill() -> None:
    image = woven(halves())[:12, :12]
    mask = np.ones((12, 12), np.bool_)
    mask[:3] = False
    guide = np.full((12, 12, 3), (10, 255, 0), np.uint8)
    filled = exemplar.follow(image, mask, guide, seed=0)
    assert np.array_equal(filled[~mask], image[~mask]) and (filled[mask] == (10, 255, 0)).all()


def test_a_guide_that_does_not_fit_is_refused() -> None:
    image, mask = woven(halves()), hole()
    guide = flat(halves())
    with pytest.raises(ValueError, match=r"guide must be uint8 \(96, 96, 3\), got float64"):
        exemplar.follow(image, mask, guide.astype(np.float64), seed=0)
    with pytest.raises(ValueError, match=r"got uint8 \(96, 96\)"):
        exemplar.follow(image, mask, guide[..., 0], seed=0)
    with pytest.raises(ValueError, match=r"mask must be bool \(96, 96\), got bool \(4, 4\)"):
        exemplar.follow(image, mask[:4, :4], guide, seed=0)
