"""The judge is right on true scenes, and not because it says what it was told."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from training.shapes.judge import judge_background, judge_region, main
from training.shapes.masks import around
from training.shapes.outlines import name_outline
from training.shapes.render import render, shape_coverage
from training.shapes.scenes import Scene, Thing, sample_background, sample_scene, sample_thing
from training.shapes.validation import bent, noisy, validate
from training.shapes.words import BACKGROUNDS, COLOURS, SHAPES

WHOLE = np.ones((128, 128), np.bool_)


def _picture(scene: Scene) -> NDArray[np.uint8]:
    pixels = (render([scene])[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    return np.ascontiguousarray(pixels)


@pytest.mark.parametrize(
    "seen", [noisy(0), noisy(4), bent(1.5, 3)], ids=["clean", "noisy", "bent and tinted"]
)
def test_it_is_right_on_true_scenes(seen: Callable[[Tensor, Generator], Tensor]) -> None:
    for question, right, _ in validate(30, seen, seed=3).rows():
        assert right >= (0.85 if "its colours under" in question else 0.98), question


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("turn", [0.0, 0.7, 2.1])
def test_outlines_are_known_in_any_turn_and_with_rough_edges(shape: str, turn: float) -> None:
    thing = Thing(shape, "red", (1, 0, 0), 0.45, 0.55, 0.17, turn)
    patch = shape_coverage([thing])[0].numpy() > 0.5
    assert name_outline(patch).shape == shape
    rough = cv2.medianBlur(patch.astype(np.uint8) * 255, 5) > 0
    assert name_outline(rough).shape == shape


def test_a_patch_of_no_shape_overlaps_badly() -> None:
    bar = np.zeros((128, 128), np.bool_)
    bar[60:66, 10:110] = True
    assert name_outline(bar).iou < 0.5


@pytest.mark.parametrize("colour", COLOURS)
def test_the_colour_is_read_from_the_picture(colour: str) -> None:
    rng = np.random.default_rng(4)
    first = "white" if colour != "white" else "blue"
    background = sample_background(rng, "plain", first)
    thing = sample_thing(rng, background, colour=colour)
    verdict = judge_region(_picture(Scene(background, (thing,))), WHOLE, background)
    assert (verdict.colour, verdict.shape) == (colour, thing.shape)


def test_nothing_is_found_outside_the_mask_and_where_nothing_stands() -> None:
    rng = np.random.default_rng(5)
    scene = sample_scene(rng, 1)
    mask = around(scene.things[0], rng)
    picture = _picture(scene)
    assert judge_region(picture, ~mask, scene.background).colour is None
    assert judge_region(picture, mask, scene.background).colour == scene.things[0].colour
    bare = _picture(Scene(scene.background))
    assert judge_region(bare, mask, scene.background).colour is None


def test_a_leftover_of_an_odd_colour_is_a_thing_too() -> None:
    background = sample_background(np.random.default_rng(6), "plain", "white")
    brown = Thing("circle", "", (0.45, 0.3, 0.2), 0.5, 0.5, 0.08)
    assert judge_region(_picture(Scene(background, (brown,))), WHOLE, background).colour


@pytest.mark.parametrize("kind", BACKGROUNDS)
def test_the_kind_of_a_background_is_read_from_the_picture(kind: str) -> None:
    rng = np.random.default_rng(7)
    for _ in range(3):
        scene = sample_scene(rng, 1, sample_background(rng, kind))
        ground = judge_background(_picture(scene), WHOLE)
        assert (ground.kind, set(ground.colours)) == (kind, set(scene.background.colours))


def test_noise_is_not_a_pattern() -> None:
    noise = np.random.default_rng(8).integers(0, 256, (128, 128, 3), np.uint8)
    assert judge_background(noise, WHOLE).kind == "cloudy"  # what no pattern explains


def test_two_colours_are_told_from_two_shades() -> None:
    rng = np.random.default_rng(9)
    two = sample_background(rng, "striped", "blue", "white")
    shades = replace(two, second=None, second_rgb=tuple(0.7 * c for c in two.first_rgb))
    seen = [set(judge_background(_picture(Scene(b)), WHOLE).colours) for b in (two, shades)]
    assert seen == [{"blue", "white"}, {"blue"}]


def test_a_region_that_is_too_small_is_refused() -> None:
    mask = np.zeros((128, 128), np.bool_)
    mask[3, 3] = True
    with pytest.raises(ValueError, match="too small to judge"):
        judge_background(np.zeros((128, 128, 3), np.uint8), mask)


def test_the_command_prints_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--count", "3"])
    printed = capsys.readouterr().out
    assert "noise of 4 levels" in printed and "background under a mask" in printed
