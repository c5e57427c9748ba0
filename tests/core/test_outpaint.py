import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genimg_ui.core.geometry import Sides, Size
from genimg_ui.core.mask import mask_box
from genimg_ui.core.outpaint import (
    border_box,
    border_for_aspect,
    border_from_percent,
    expand_mask,
    inner_box,
)
from genimg_ui.errors import RefusedInput

BORDERS = st.builds(Sides, *[st.integers(0, 9)] * 4)


@given(st.integers(1, 12), st.integers(1, 12), BORDERS)
def test_the_border_is_painted_and_the_source_keeps_its_own_mask(w, h, border) -> None:
    painted = np.random.default_rng(w * 13 + h).integers(0, 256, (h, w), np.uint8)
    mask = expand_mask(painted, border)
    inner = inner_box(Size(w, h), border).slices
    assert mask.shape == (h + border.top + border.bottom, w + border.left + border.right)
    assert np.array_equal(mask[inner], painted)
    mask = mask.copy()
    mask[inner] = 255
    assert (mask == 255).all()


@given(st.integers(1, 12), st.integers(1, 12), BORDERS)
def test_border_box_is_the_box_of_the_painted_border(w, h, border) -> None:
    mask = expand_mask(np.zeros((h, w), np.uint8), border)
    assert border_box(Size(w, h), border) == mask_box(mask)


@pytest.mark.parametrize(
    ("aspect", "anchor", "expected"),
    [
        (1.0, (0.5, 0.5), Sides(0, 50, 0, 50)),
        (3.0, (0.0, 0.5), Sides(0, 0, 100, 0)),
        (3.0, (1.0, 0.5), Sides(100, 0, 0, 0)),
    ],
    ids=["square-centred", "wide-left", "wide-right"],
)
def test_border_reaches_the_aspect(aspect, anchor, expected) -> None:
    assert border_for_aspect(Size(200, 100), aspect, anchor) == expected


@given(st.integers(1, 5000), st.integers(1, 5000), st.floats(0.1, 10))
def test_aspect_border_never_cuts(w, h, aspect) -> None:
    border = border_for_aspect(Size(w, h), aspect, (0.5, 0.5))
    assert min(border) >= 0
    assert border.left == 0 and border.right == 0 or border.top == 0 and border.bottom == 0


def test_an_impossible_aspect_is_refused() -> None:
    with pytest.raises(RefusedInput, match="above 0, got -1"):
        border_for_aspect(Size(10, 10), -1, (0, 0))


def test_per_cent_counts_the_sides_own_length() -> None:
    assert border_from_percent(Size(200, 100), (10, 10, 0, 50)) == Sides(20, 10, 0, 50)
