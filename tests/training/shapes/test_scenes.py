"""Scenes keep their promises: things stand apart, inside, and out of their background's colours."""

import itertools

import numpy as np
import pytest

from training.shapes.scenes import (
    clear_colours,
    sample_background,
    sample_scene,
    sample_thing,
    touches,
)
from training.shapes.words import BACKGROUNDS, COLOURS, SHAPES


def test_things_stand_apart_and_inside_in_colours_of_their_own() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        scene = sample_scene(rng)
        for one, other in itertools.combinations(scene.things, 2):
            assert not touches(one, other) and one.colour != other.colour
        for thing in scene.things:
            assert thing.extent <= min(thing.x, thing.y, 1 - thing.x, 1 - thing.y)
            assert thing.colour not in scene.background.colours


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_scene_has_as_many_things_as_were_asked_for(count: int) -> None:
    rng = np.random.default_rng(count)
    assert {len(sample_scene(rng, count).things) for _ in range(50)} == {count}


def test_more_things_than_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="0 to 3 things, not 4"):
        sample_scene(np.random.default_rng(0), 4)


def test_the_same_seed_makes_the_same_scene() -> None:
    assert sample_scene(np.random.default_rng(7)) == sample_scene(np.random.default_rng(7))


def test_all_kinds_colours_and_shapes_come_up() -> None:
    rng = np.random.default_rng(1)
    scenes = [sample_scene(rng) for _ in range(400)]
    assert {scene.background.kind for scene in scenes} == set(BACKGROUNDS)
    assert {scene.background.first for scene in scenes} == set(COLOURS)
    assert {thing.shape for scene in scenes for thing in scene.things} == set(SHAPES)
    two = np.mean([scene.background.second is not None for scene in scenes])
    assert 0.12 < two < 0.3  # one in four of those that are not plain


def test_what_is_asked_for_is_taken() -> None:
    rng = np.random.default_rng(2)
    background = sample_background(rng, "striped", "red", "blue")
    assert (background.kind, background.colours) == ("striped", ("red", "blue"))
    thing = sample_thing(rng, background, shape="star", colour="green", radius=(0.2, 0.2))
    assert (thing.shape, thing.colour, thing.radius) == ("star", "green", 0.2)


def test_every_background_leaves_colours_for_three_things() -> None:
    rng = np.random.default_rng(3)
    assert min(len(clear_colours(sample_background(rng))) for _ in range(500)) >= 3
