"""Control maps lie on the crop pixel by pixel."""

import numpy as np
import pytest

from genimg_ui.backend.annotators import KINDS, annotate
from genimg_ui.errors import RefusedInput


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (65, 63), (513, 511)])
def test_a_map_has_exactly_the_size_of_its_picture(size: tuple[int, int]):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    result = annotate("canny", image)
    assert result.shape == image.shape
    assert result.dtype == np.uint8


def test_canny_finds_the_edge_where_it_is():
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, 31:] = 255
    edges = annotate("canny", image)
    columns = np.flatnonzero(edges.any(axis=(0, 2)))
    assert set(columns) <= {30, 31}
    assert len(columns) > 0
    assert set(np.unique(edges)) == {0, 255}


def test_a_view_of_a_larger_picture_is_read_rightly():
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, 31:] = 255
    np.testing.assert_array_equal(
        annotate("canny", image[::-1, 10:]), annotate("canny", image[:, 10:].copy())
    )


def test_an_unknown_kind_is_refused_with_the_known_ones():
    with pytest.raises(RefusedInput, match='must be one of canny, got "depth"'):
        annotate("depth", np.zeros((8, 8, 3), np.uint8))
    assert KINDS == ("canny",)
