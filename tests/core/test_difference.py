"""Where two pictures differ: in their own depth and mode, with a picture that shows it."""

import numpy as np
import pytest

from genimg_ui.core.difference import DIMMED, OUTLINE, Difference, difference, heat_map, same_kind
from genimg_ui.core.geometry import Box
from genimg_ui.core.picture import Picture

SHAPES = [(20, 30), (20, 30, 2), (20, 30, 3), (20, 30, 4)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_largest_step_count_and_box(shape: tuple[int, ...], dtype: type) -> None:
    pixels = np.random.default_rng(3).integers(0, 200, shape).astype(dtype)
    other = pixels.copy()
    other[4, 7] += 5
    other[9, 21] += 2
    assert difference(Picture(pixels), Picture(pixels.copy())) is None
    assert difference(Picture(pixels), Picture(other)) == Difference(
        largest=5, mean=3.5, pixels=2, of=600, box=Box(7, 4, 22, 10)
    )
    assert difference(Picture(other), Picture(pixels)) == difference(
        Picture(pixels), Picture(other)
    )


def test_one_channel_counts_once() -> None:
    pixels = np.zeros((5, 6, 3), np.uint8)
    other = pixels.copy()
    other[2, 3, 1] = 255
    found = difference(Picture(pixels), Picture(other))
    assert found is not None and (found.pixels, found.largest, found.mean) == (1, 255, 85.0)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_heat_map_marks_what_differs_and_dims_the_rest(shape: tuple[int, ...]) -> None:
    pixels = np.full(shape, 100, np.uint8)
    other = pixels.copy()
    other[10, 15] += 50
    other[10, 18] += 2
    shown = heat_map(Picture(pixels), Picture(other))
    assert shown.shape == (20, 30, 3) and shown.dtype == np.uint8
    assert shown[10, 15].tolist() == [255, 255, 255]
    red, green, blue = (int(level) for level in shown[10, 18])
    assert red > 100 and green < 100 and blue == 0
    assert shown[9, 14].tolist() == list(OUTLINE)
    assert shown[0, 0].tolist() == [int(100 * DIMMED)] * 3


def test_a_single_pixel_of_a_large_picture_can_be_seen() -> None:
    pixels = np.zeros((1000, 1600, 3), np.uint8)
    other = pixels.copy()
    other[500, 800] = 255
    marked = (heat_map(Picture(pixels), Picture(other)) == 255).all(axis=2)
    assert marked.sum() >= 64


def test_other_kinds_are_not_compared() -> None:
    grey = Picture(np.zeros((4, 4), np.uint8))
    for other in (np.zeros((4, 5), np.uint8), np.zeros((4, 4, 3), np.uint8)):
        assert not same_kind(grey, Picture(other))
        with pytest.raises(ValueError, match="of one kind"):
            difference(grey, Picture(other))
    assert not same_kind(grey, Picture(np.zeros((4, 4), np.uint16)))
