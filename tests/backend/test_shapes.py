"""The embedded `shapes` model: what its pictures show, by a judge without learned weights.

Cases are few, so bounds are loose; `benchmarks/shapes.py` has the figures.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.shapes_cases import Case, add_a_thing, avoiding, exchange, removal
from benchmarks.shapes_rows import asked, cleared, exchanged, free_of
from benchmarks.shapes_studio import Painted, Studio, open_studio
from genimg_ui.registry import availability, load_registry

pytestmark = pytest.mark.torch

MODELS = Path(__file__).parents[2] / "models.yaml"
Score = Callable[[Case, list[Painted]], dict[str, float | str]]


@pytest.fixture(scope="module")
def studio() -> Studio:
    return open_studio(MODELS, "shapes", threads=2)


def mean(studio: Studio, cases: list[Case], score: Score, name: str) -> float:
    """The mean of one score over the cases."""
    return float(np.mean([float(score(case, studio.paint(case))[name]) for case in cases]))


def test_the_embedded_model_is_whole() -> None:
    assert availability(load_registry(MODELS).get("shapes")) is None


def test_colour_and_shape_of_the_prompt_appear(studio: Studio) -> None:
    cases = [replace(add_a_thing(7 * i), guidance_scale=5.0) for i in range(20)]
    assert mean(studio, cases, asked, "colour") >= 0.85
    assert mean(studio, cases, asked, "shape") >= 0.75  # by chance: 0.2


def test_strength_says_how_far_the_picture_may_change(studio: Studio) -> None:
    cases = [exchange(7 * i) for i in range(8)]
    likeness = [
        mean(studio, [replace(c, strength=s) for c in cases], exchanged, "psnr")
        for s in (0.2, 0.5, 1.0)
    ]
    assert likeness[0] > likeness[1] > likeness[2]
    assert mean(studio, cases, exchanged, "old") <= 0.2


@pytest.mark.parametrize("prompt", ["", "nothing"])
def test_nothing_is_left_where_nothing_is_asked(studio: Studio, prompt: str) -> None:
    cases = [replace(removal(i), prompt=prompt) for i in range(12)]
    assert mean(studio, cases, cleared, "clear") >= 0.7


def test_a_negative_prompt_keeps_its_colour_away(studio: Studio) -> None:
    without = [avoiding("red", "red")(i) for i in range(12)]
    assert mean(studio, without, free_of("red"), "red") <= 0.1


def test_a_seed_gives_the_same_pixels_alone_and_among_variants(studio: Studio) -> None:
    case = add_a_thing(3)
    alone = studio.paint(case)[0].patch
    among = studio.paint(replace(case, seed=case.seed - 2, variants=4))
    assert np.array_equal(alone, studio.paint(case)[0].patch)
    assert np.array_equal(alone, among[2].patch)
    assert not np.array_equal(alone, among[1].patch)
