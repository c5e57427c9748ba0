"""The choice among the fills, and the plain ones."""

import numpy as np
import pytest
from numpy.typing import NDArray

from genimg_ui.core.fill import fill
from genimg_ui.core.request import FillMode, FillUnderMask


def picture() -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Left half red, right half blue, with a hole across the border."""
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, :30, 0] = 200
    image[:, 30:, 2] = 220
    mask = np.zeros((40, 60), np.bool_)
    mask[10:30, 20:40] = True
    image[mask] = (0, 255, 0)
    return image, mask


def run(name: FillUnderMask, seed: int = 1) -> NDArray[np.uint8]:
    image, mask = picture()
    return fill(image, mask, name=name, mode=FillMode.REMOVE, seed=seed)


@pytest.mark.parametrize("name", list(FillUnderMask))
def test_known_pixels_stay_and_input_is_untouched(name: FillUnderMask) -> None:
    image, mask = picture()
    before = image.copy()
    filled = fill(image, mask, name=name, mode=FillMode.REMOVE, seed=1)
    assert np.array_equal(filled[~mask], image[~mask])
    assert np.array_equal(image, before)
    assert filled is not image


def test_original_keeps_what_is_there() -> None:
    assert np.array_equal(run(FillUnderMask.ORIGINAL), picture()[0])


@pytest.mark.parametrize("name", [FillUnderMask.TELEA, FillUnderMask.BLUR, FillUnderMask.EXEMPLAR])
def test_the_surroundings_come_in_and_the_object_goes(name: FillUnderMask) -> None:
    filled = run(name)
    assert filled[10:30, 20:40, 1].max() < 40, "no green is left"
    assert filled[20, 21, 0] > filled[20, 21, 2]
    assert filled[20, 38, 2] > filled[20, 38, 0]


def test_neutral_is_middle_grey() -> None:
    _, mask = picture()
    assert (run(FillUnderMask.NEUTRAL)[mask] == 128).all()


def test_noise_follows_the_seed_and_is_bound_to_the_place() -> None:
    image, mask = picture()
    first = run(FillUnderMask.NOISE)
    assert np.array_equal(first, run(FillUnderMask.NOISE))
    assert not np.array_equal(first, run(FillUnderMask.NOISE, seed=2))
    assert first[mask].std() > 60
    wider = mask.copy()
    wider[5:35, 15:45] = True
    again = fill(image, wider, name=FillUnderMask.NOISE, mode=FillMode.REMOVE, seed=1)
    assert np.array_equal(again[mask], first[mask])


@pytest.mark.parametrize("name", [FillUnderMask.TELEA, FillUnderMask.BLUR, FillUnderMask.NEUTRAL])
def test_a_mask_over_everything_is_grey(name: FillUnderMask) -> None:
    image = np.zeros((9, 5, 3), np.uint8)
    mask = np.ones((9, 5), np.bool_)
    filled = fill(image, mask, name=name, mode=FillMode.REMOVE, seed=0)
    assert (filled == 128).all()
