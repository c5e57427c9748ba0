import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from genimg_ui.core.geometry import Box
from genimg_ui.core.mask import make_masks, mask_box
from genimg_ui.core.request import MaskParams

MASKS = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=24))


def _painted(height: int = 21, width: int = 31) -> np.ndarray:
    mask = np.zeros((height, width), np.uint8)
    mask[8:13, 10:20] = 255
    return mask


def _distance_to(support: np.ndarray) -> np.ndarray:
    """Brute force Euclidean distance of every pixel to the nearest True."""
    ys, xs = np.nonzero(support)
    rows, columns = np.indices(support.shape)
    return np.sqrt(((rows[..., None] - ys) ** 2 + (columns[..., None] - xs) ** 2).min(axis=-1))


@pytest.mark.parametrize("grow", [1, 3, 7])
def test_growing_reaches_exactly_the_euclidean_distance(grow: int) -> None:
    painted = _painted()
    grown = make_masks(painted, MaskParams(grow=grow, feather=0), soft=False).composite
    assert np.array_equal(grown > 0, _distance_to(painted > 0) <= grow)


@pytest.mark.parametrize("shrink", [1, 2])
def test_shrinking_removes_exactly_the_euclidean_distance(shrink: int) -> None:
    painted = _painted()
    shrunk = make_masks(painted, MaskParams(grow=-shrink, feather=0), soft=False).composite
    assert np.array_equal(shrunk > 0, _distance_to(painted == 0) > shrink)


@given(MASKS, st.integers(-3, 5), st.integers(0, 6), st.booleans())
def test_nothing_beyond_painted_plus_grow_is_touched(
    painted: np.ndarray, grow: int, feather: int, soft: bool
) -> None:
    masks = make_masks(painted, MaskParams(grow=grow, feather=feather), soft=soft)
    touched = (masks.composite > 0) | (masks.denoise > 0)
    if not painted.any():
        assert not touched.any()
        return
    assert not (touched & (_distance_to(painted > 0) > max(0, grow))).any()


@given(MASKS, st.integers(-3, 5), st.integers(0, 6), st.booleans())
def test_what_is_pasted_was_repainted(
    painted: np.ndarray, grow: int, feather: int, soft: bool
) -> None:
    masks = make_masks(painted, MaskParams(grow=grow, feather=feather), soft=soft)
    assert not ((masks.composite > 0) & (masks.denoise == 0)).any()


def test_feather_ramps_linearly_inside_and_not_at_the_edge_of_the_picture() -> None:
    painted = np.zeros((9, 20), np.uint8)
    painted[:, 10:] = 255
    composite = make_masks(painted, MaskParams(grow=0, feather=3), soft=False).composite
    assert composite[4, 9:15].tolist() == [0, 64, 128, 192, 255, 255]
    assert (composite[:, -1] == 255).all()


def test_partial_strength_is_pasted_partially_unless_the_engine_honours_it() -> None:
    painted = np.where(_painted() > 0, np.uint8(100), np.uint8(0))
    params = MaskParams(grow=2, feather=0)
    hard = make_masks(painted, params, soft=False)
    soft = make_masks(painted, params, soft=True)
    assert set(np.unique(hard.composite)) == {0, 100}
    assert set(np.unique(hard.denoise)) == {0, 255}
    assert set(np.unique(soft.composite)) == {0, 255}
    assert set(np.unique(soft.denoise)) == {0, 100}


def test_growing_carries_the_nearest_strength_outwards() -> None:
    painted = np.zeros((5, 12), np.uint8)
    painted[2, 3], painted[2, 8] = 60, 200
    grown = make_masks(painted, MaskParams(grow=2, feather=0), soft=False).composite
    assert grown[2, 1] == 60
    assert grown[2, 10] == 200


def test_box_holds_every_painted_pixel() -> None:
    assert mask_box(_painted()) == Box(10, 8, 20, 13)
    assert mask_box(np.zeros((4, 4), np.uint8)) is None
