"""How far beyond its mask a model repaints: what is pasted always lies well inside that."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genimg_ui.backend.diffusion.blend import grown_by_one, touched_cells
from genimg_ui.core.mask import make_masks
from genimg_ui.core.request import MaskParams

pytestmark = pytest.mark.torch


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([8, 16]),
    st.integers(0, 10_000),
    st.integers(-3, 6),
    st.integers(0, 8),
    st.booleans(),
)
def test_cells_are_repainted_one_to_two_cells_beyond_the_mask(
    factor: int, seed: int, grow: int, feather: int, soft: bool
) -> None:
    rng = np.random.default_rng(seed)
    painted = np.zeros((8 * factor, 10 * factor), np.uint8)
    for _ in range(3):
        x, y = rng.integers(0, 10 * factor), rng.integers(0, 8 * factor)
        cv2.circle(
            painted, (int(x), int(y)), int(rng.integers(1, 20)), int(rng.integers(1, 256)), -1
        )
    masks = make_masks(painted, MaskParams(grow=grow, feather=feather), soft=soft)
    assert (masks.denoise[masks.composite > 0] > 0).all()
    if not masks.denoise.any():
        return
    repainted = (
        np.kron(grown_by_one(touched_cells(masks.denoise, factor)), np.ones((factor, factor))) > 0
    )
    outside = np.where(masks.denoise > 0, np.uint8(0), np.uint8(255))
    away = cv2.distanceTransform(outside, cv2.DIST_C, 3)  # the larger of the two directions
    assert repainted[away <= factor].all()
    assert not repainted[away > 2 * factor - 1].any()
