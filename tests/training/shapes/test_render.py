"""Pictures of scenes: range, places, sizes, and the same whether alone or in a batch."""

import numpy as np
import pytest
import torch

from training.shapes.leaves import dead_leaves
from training.shapes.render import (
    SEGMENT_BACKGROUND,
    SEGMENTS,
    coverage,
    render,
    segmentation,
    shape_coverage,
)
from training.shapes.scenes import Scene, Thing, sample_background, sample_scene
from training.shapes.words import BACKGROUNDS, SHAPES

AREAS = {  # of a circumscribed circle of radius 1
    "circle": np.pi,
    "ring": np.pi * 0.75,
    "square": 2.0,
    "triangle": 3 * np.sqrt(3) / 4,
    "star": 5 * np.sin(np.pi / 5) * 0.45,
}


def test_a_picture_is_the_same_alone_in_a_batch_and_across_chunks() -> None:
    rng = np.random.default_rng(0)
    scenes = [sample_scene(rng) for _ in range(60)]
    batch = render(scenes, 64)
    assert batch.shape == (60, 3, 64, 64) and batch.dtype == torch.float32
    assert float(batch.min()) >= 0 and float(batch.max()) <= 1
    assert all(torch.equal(render([scene], 64)[0], batch[i]) for i, scene in enumerate(scenes))


def test_no_scenes_make_no_pictures() -> None:
    assert render([], 32).shape == (0, 3, 32, 32)


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_have_the_area_and_the_reach_of_their_geometry(shape: str) -> None:
    thing = Thing(shape, "red", (1, 0, 0), 0.5, 0.5, 0.3, 0.4)
    alpha = shape_coverage([thing], 256)[0].numpy()
    assert alpha.mean() == pytest.approx(AREAS[shape] * thing.extent**2, rel=0.01)
    y, x = np.nonzero(alpha > 0.5)
    reach = np.hypot((x + 0.5) / 256 - 0.5, (y + 0.5) / 256 - 0.5).max()
    assert reach == pytest.approx(thing.extent, abs=0.012)


def test_a_star_has_five_equal_points() -> None:
    star = Thing("star", "red", (1, 0, 0), 0.5, 0.5, 0.3)
    turned = Thing("star", "red", (1, 0, 0), 0.5, 0.5, 0.3, 2 * np.pi / 5)
    one, other = shape_coverage([star, turned], 128)
    assert float((one - other).abs().max()) < 0.05


def test_things_have_their_colour_and_the_background_is_behind() -> None:
    scene = sample_scene(np.random.default_rng(5), 1)
    alpha = coverage([scene], 96)[0, 0]
    picture, bare = render([scene, Scene(scene.background)], 96)
    inside = picture[:, alpha == 1].T
    assert torch.allclose(inside, torch.tensor(scene.things[0].rgb).expand_as(inside), atol=1e-6)
    assert torch.equal(picture[:, alpha == 0], bare[:, alpha == 0])


@pytest.mark.parametrize("kind", [kind for kind in BACKGROUNDS if kind != "plain"])
def test_a_background_reaches_both_of_its_colours(kind: str) -> None:
    background = sample_background(np.random.default_rng(6), kind, "black", "white")
    grey = render([Scene(background)], 128)[0].mean(0)
    assert float(grey.min()) < 0.15 and float(grey.max()) > 0.85


def test_a_semantic_map_has_the_colour_of_each_class() -> None:
    scene = sample_scene(np.random.default_rng(8), 2)
    seen = {tuple(c) for c in segmentation([scene], 64)[0].flatten(1).T.tolist()}
    assert seen == {SEGMENT_BACKGROUND, *(SEGMENTS[thing.shape] for thing in scene.things)}


def test_coverage_has_a_layer_for_each_thing_and_none_without() -> None:
    rng = np.random.default_rng(9)
    scenes = [sample_scene(rng, 3), sample_scene(rng, 1)]
    layers = coverage(scenes, 32)
    assert layers.shape == (2, 3, 32, 32)
    assert (layers.flatten(2).amax(2) > 0).tolist() == [[True] * 3, [True, False, False]]
    assert coverage([sample_scene(rng, 0)], 32).shape == (1, 0, 32, 32)


def test_other_pictures_differ_and_keep_their_range() -> None:
    pictures = dead_leaves(np.random.default_rng(1), 4, 48)
    assert pictures.shape == (4, 3, 48, 48)
    assert float(pictures.min()) >= 0 and float(pictures.max()) <= 1
    assert float((pictures[0] - pictures[1]).abs().mean()) > 0.02
