"""Captions use no word that the vocabulary lacks, and ask for what stands there."""

import numpy as np

from training.shapes.captions import Mention, caption, describe, position_of, size_of
from training.shapes.scenes import Scene, Thing, sample_scene
from training.shapes.words import NOTHING, vocabulary


def test_every_word_of_a_caption_is_in_the_vocabulary() -> None:
    rng, known = np.random.default_rng(0), set(vocabulary())
    for _ in range(1000):
        scene = sample_scene(rng)
        assert set(caption(scene, scene.things, rng, background=True).split()) <= known


def test_a_caption_of_things_is_never_empty_and_says_what_they_are() -> None:
    rng = np.random.default_rng(1)
    for _ in range(500):
        scene = sample_scene(rng, int(rng.integers(1, 4)))
        said = describe(scene, scene.things, rng, background=False)
        assert said.text and said.text not in NOTHING
        assert said.kind is None and said.colours == ()
        assert len(said.mentions) == len(scene.things)
        for mention in said.mentions:
            assert any(_fits(mention, thing) for thing in scene.things)


def test_about_half_of_the_captions_of_the_background_alone_are_empty() -> None:
    rng = np.random.default_rng(2)
    scene = sample_scene(rng, 0)
    texts = [caption(scene, (), rng, background=True) for _ in range(600)]
    assert 0.4 < np.mean([text == "" for text in texts]) < 0.55
    assert any(scene.background.first in text for text in texts)
    assert any(text in NOTHING for text in texts)


def test_a_background_is_named_only_where_it_is_asked_for() -> None:
    rng = np.random.default_rng(3)
    scene = sample_scene(rng, 1)
    for _ in range(100):
        said = describe(scene, scene.things, rng, background=True)
        assert said.kind == scene.background.kind or said.colours


def test_sizes_and_positions_have_words() -> None:
    small_left = Thing("circle", "red", (1, 0, 0), 0.2, 0.5, 0.15)
    big_centre = Thing("circle", "red", (1, 0, 0), 0.5, 0.5, 0.3)
    assert (size_of(small_left), position_of(small_left)) == ("small", "left")
    assert (size_of(big_centre), position_of(big_centre)) == ("big", "centre")


def _fits(mention: Mention, thing: Thing) -> bool:
    return (
        mention.shape in (None, thing.shape)
        and mention.colour in (None, thing.colour)
        and mention.size in (None, size_of(thing))
        and mention.position in (None, position_of(thing))
    )


def test_a_scene_without_things_is_captioned_as_its_background() -> None:
    rng = np.random.default_rng(4)
    scene = Scene(sample_scene(rng).background)
    assert describe(scene, (), rng, background=False).mentions == ()
