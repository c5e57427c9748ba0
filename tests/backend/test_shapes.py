"""The embedded `shapes` model: what its pictures show, by a judge without learned weights.

Cases are few, so bounds are loose; `benchmarks/shapes.py` has the figures.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.shapes_cases import (
    Case,
    add_a_thing,
    add_without_black,
    avoiding,
    exchange,
    from_nothing,
    guided_by_edges,
    guided_by_segments,
    outpaint,
    removal,
)
from benchmarks.shapes_rows import (
    asked,
    cleared,
    continued,
    exchanged,
    free_of,
    inked,
    outlined,
    pictured,
)
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


def test_beside_a_border_the_background_goes_on(studio: Studio) -> None:
    cases = [outpaint(i, 0.25) for i in range(12)]
    assert mean(studio, cases, continued, "background") >= 0.7


@pytest.mark.parametrize("model", ["shapes", "shapes-free"])
def test_words_alone_draw_the_thing(model: str) -> None:
    cases = [from_nothing(7 * i) for i in range(12)]
    assert mean(open_studio(MODELS, model, threads=2), cases, pictured, "object") >= 0.7


def test_the_model_of_whole_pictures_draws_the_background_that_was_asked_for() -> None:
    free = open_studio(MODELS, "shapes-free", threads=2)
    assert mean(free, [from_nothing(9 * i) for i in range(20)], pictured, "background") >= 0.7


@pytest.mark.parametrize(
    ("control", "guided"), [("canny", guided_by_edges), ("segmentation", guided_by_segments)]
)
def test_a_control_map_gives_the_outline(control: str, guided: Callable[[int], Case]) -> None:
    studio = open_studio(MODELS, "shapes", threads=2, control=control)
    cases = [guided(7 * i) for i in range(8)]
    without = [replace(c, controlnet_conditioning_scale=0.0) for c in cases]
    begun = [replace(c, control_guidance_end=0.3) for c in cases]
    overlap = [mean(studio, each, outlined, "iou") for each in (without, begun, cases)]
    assert overlap[2] >= 0.75
    assert overlap[0] < overlap[1] <= overlap[2]


def test_the_lora_of_ink_outlines_in_proportion_to_its_weight(studio: Studio) -> None:
    cases = [add_without_black(5 * i) for i in range(6)]
    chroma, ink = (
        [
            mean(studio, [replace(c, lora_scale=w) for c in cases], inked, name)
            for w in (0.0, 0.5, 1.0)
        ]
        for name in ("chroma", "ink")
    )
    assert chroma[0] > chroma[1] > chroma[2]
    assert ink[2] > ink[0] + 0.02


def test_a_negative_prompt_keeps_its_colour_away(studio: Studio) -> None:
    without = [avoiding("red", "red")(i) for i in range(12)]
    assert mean(studio, without, free_of("red"), "red") <= 0.1


@pytest.mark.parametrize(
    ("model", "made"), [("shapes", add_a_thing), ("shapes-free", from_nothing)]
)
def test_a_seed_gives_the_same_pixels_alone_and_among_variants(
    model: str, made: Callable[[int], Case]
) -> None:
    studio, case = open_studio(MODELS, model, threads=2), made(3)
    alone = studio.paint(case)[0].patch
    among = studio.paint(replace(case, seed=case.seed - 2, variants=4))
    assert np.array_equal(alone, studio.paint(case)[0].patch)
    assert np.array_equal(alone, among[2].patch)
    assert not np.array_equal(alone, among[1].patch)
