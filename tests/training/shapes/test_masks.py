"""Masks hold what they are painted around, and captions name what lies under them."""

from collections import Counter

import numpy as np
import pytest

from training.shapes.masks import (
    TASKS,
    around,
    border,
    hidden_part,
    render_examples,
    sample_example,
)
from training.shapes.render import shape_coverage
from training.shapes.scenes import Thing, sample_scene
from training.shapes.words import NOTHING


def test_a_mask_around_a_thing_holds_all_of_it() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        thing = sample_scene(rng, 1).things[0]
        solid = shape_coverage([thing])[0].numpy() > 0.5
        assert (solid & ~around(thing, rng)).sum() <= 0.01 * solid.sum()


def test_masks_tell_nothing_of_the_shape() -> None:
    """The same draw gives the same mask around any shape of the same reach."""
    circle = Thing("circle", "red", (1, 0, 0), 0.5, 0.5, 0.24)
    star = Thing("star", "red", (1, 0, 0), 0.5, 0.5, 0.2)
    for seed in range(20):
        one = around(circle, np.random.default_rng(seed))
        assert (one == around(star, np.random.default_rng(seed))).all()


def test_margins_vary() -> None:
    thing = Thing("circle", "red", (1, 0, 0), 0.5, 0.5, 0.2)
    rng = np.random.default_rng(1)
    areas = [around(thing, rng).mean() / (np.pi * 0.2**2) for _ in range(200)]
    assert min(areas) < 1.35 and max(areas) > 2.2


@pytest.mark.parametrize("task", TASKS)
def test_captions_name_what_lies_under_the_mask(task: str) -> None:
    rng = np.random.default_rng(2)
    for _ in range(80):
        example = sample_example(rng, task=task)
        under = [t for t in example.scene.things if hidden_part(t, example.mask) >= 0.5]
        assert len(example.said.mentions) == len(under)
        assert example.mask.any() and example.task == task
        if under:
            assert example.caption and example.caption not in NOTHING
        if task == "background":
            assert all(hidden_part(t, example.mask) == 0 for t in example.scene.things)
        if task == "thing":
            assert len(under) == 1
        if task == "whole":
            assert example.mask.all()


def test_borders_leave_a_quarter_between_opposite_sides() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        free = ~border(rng)
        rows, columns = free.any(1).sum(), free.any(0).sum()
        assert min(rows, columns) >= 0.24 * 128
        assert free.sum() == rows * columns  # one rectangle
        assert rows + columns <= 2 * 128 - 12


def test_tasks_come_in_their_shares() -> None:
    rng = np.random.default_rng(4)
    seen = Counter(sample_example(rng, 32).task for _ in range(1200))
    assert all(abs(seen[task] / 1200 - share) < 0.05 for task, share in TASKS.items())


def test_examples_render_as_a_batch() -> None:
    rng = np.random.default_rng(5)
    examples = [sample_example(rng, 64) for _ in range(5)]
    pictures, masks = render_examples(examples)
    assert pictures.shape == (5, 3, 64, 64) and masks.shape == (5, 1, 64, 64)
    assert all((masks[i, 0].numpy() == e.mask).all() for i, e in enumerate(examples))
