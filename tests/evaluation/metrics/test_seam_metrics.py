"""Seams: known pictures have known scores, and a mask without an edge has none."""

import numpy as np
import pytest

from genimg_ui.core.report import colour_shift, seam_score
from genimg_ui.evaluation.metrics.base import Pair, Undefined
from genimg_ui.evaluation.metrics.seam import seams
from tests.evaluation.metrics.made_pairs import pair, picture, worse


def _ramp(step: int) -> Pair:
    """A ramp of 2 levels a column with a step of `step` at the hole's left edge."""
    values = np.tile(2 * np.arange(40), (30, 1))
    values[:, 20:] += step
    result = np.repeat(values[..., None], 3, axis=2).astype(np.uint8)
    mask = np.zeros((30, 40), np.uint8)
    mask[:, 20:] = 1
    return Pair(result=result, original=np.zeros_like(result), mask=mask)


def test_known_steps_have_known_scores() -> None:
    # Beside the edge half of the steps are along the ramp (2 levels) and half across it (0).
    score = seams(_ramp(0))["seam"]
    assert isinstance(score, float)
    stepped = seams(_ramp(18))["seam"]
    assert stepped == pytest.approx(10 * score, rel=1e-6)


def test_are_those_that_entries_have() -> None:
    one = pair()
    assert seams(one) == {
        "seam": seam_score(one.result, one.mask),
        "colour_shift": colour_shift(one.result, one.mask),
    }
    other = Pair(result=one.result, original=worse(picture(seed=9)), mask=one.mask)
    assert seams(other) == seams(one)


def test_colours_that_jump_are_seen() -> None:
    original = np.full((40, 40, 3), 100, np.uint8)
    assert seams(pair(original, original)) == {"seam": 1.0, "colour_shift": 0.0}
    red = original.copy()
    red[pair(original, original).hole, 0] = 200
    assert float(seams(pair(original, red))["colour_shift"]) > 30  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0, 255])
def test_a_mask_without_an_edge_has_no_scores(value: int) -> None:
    original = picture(20, 20)
    one = Pair(result=original, original=original, mask=np.full((20, 20), value, np.uint8))
    assert all(isinstance(score, Undefined) for score in seams(one).values())


def test_a_hole_of_one_pixel_has_scores() -> None:
    original = picture(20, 20)
    mask = np.zeros((20, 20), np.uint8)
    mask[0, 5] = 255
    scores = seams(Pair(result=original, original=original, mask=mask))
    assert all(isinstance(value, float) and np.isfinite(value) for value in scores.values())
