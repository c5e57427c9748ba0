"""The step at the edge of a hole is taken away, and what is no step is left."""

import numpy as np
import pytest
from numpy.typing import NDArray

from genimg_ui.core.colour_match import match_colours
from genimg_ui.core.membrane import edge_membrane
from genimg_ui.core.request import ColourMatch

SIDE = 96
HOLE = np.zeros((SIDE, SIDE), np.bool_)
HOLE[:, 60:] = True  # touches three borders, as outpainting does
Floats = NDArray[np.float32]


def slope() -> Floats:
    ramp = np.linspace(40, 70, SIDE, dtype=np.float32)
    return np.repeat(np.repeat(ramp[:, None, None], SIDE, 1), 3, 2)


def grain(seed: int) -> Floats:
    return np.random.default_rng(seed).normal(0, 6, (SIDE, SIDE, 3)).astype(np.float32)


def step_at_edge(made: Floats, picture: Floats) -> float:
    """Of the mean colours of the columns on both sides."""
    return float(abs(made[:, 60].mean(0) - picture[:, 59].mean(0)).mean())


@pytest.mark.parametrize("largest", [None, 30.0])
def test_a_shade_is_taken_away_all_along_the_edge(largest: float | None) -> None:
    picture = slope()
    made = picture + np.float32(9)
    found = edge_membrane(made, picture, HOLE, along=1.5, largest=largest)
    assert step_at_edge(made, picture) == pytest.approx(9)
    assert step_at_edge(made + found, picture) < 0.6


def test_grain_is_no_step_and_a_shade_under_grain_is_one() -> None:
    picture = slope() + grain(1)
    other = slope() + grain(2)
    untouched = edge_membrane(other, picture, HOLE, along=1.5, largest=60.0)
    trusting = edge_membrane(other, picture, HOLE, along=1.5)
    assert np.abs(untouched[HOLE]).mean() < 0.4 * np.abs(trusting[HOLE]).mean()
    shaded = other + np.float32(25)
    found = edge_membrane(shaded, picture, HOLE, along=1.5, largest=60.0)
    assert step_at_edge(shaded + found, picture) < 0.3 * step_at_edge(shaded, picture)


def test_the_outline_of_a_thing_at_the_edge_is_left() -> None:
    picture = slope()
    made = picture.copy()
    made[30:60, 60:80] += 80  # a thing that ends where the hole does
    found = edge_membrane(made, picture, HOLE, along=1.5, largest=25.0)
    assert np.abs(found).max() < 1
    assert np.abs(edge_membrane(made, picture, HOLE, along=1.5)).max() > 40


@pytest.mark.parametrize("hole", [np.zeros_like(HOLE), np.ones_like(HOLE)])
def test_without_a_neighbour_nothing_is_added(hole: NDArray[np.bool_]) -> None:
    assert not edge_membrane(slope() + 9, slope(), hole, along=1.5, largest=60.0).any()


def test_seam_goes_beyond_blend_where_only_the_hole_is_off() -> None:
    given = np.clip(slope() * 2, 0, 255).astype(np.uint8)
    patch = given.copy()
    patch[HOLE] = np.clip(patch[HOLE].astype(int) + 12, 0, 255).astype(np.uint8)
    composite = np.where(HOLE, np.uint8(255), np.uint8(0))
    # Known pixels came back as they were: the ring tells nothing of the hole.
    blend = match_colours(patch, given, composite, ColourMatch.BLEND)
    seam = match_colours(patch, given, composite, ColourMatch.SEAM)
    assert blend.applied is ColourMatch.OFF and np.array_equal(blend.patch, patch)
    assert seam.applied is ColourMatch.SEAM
    assert step_at_edge(seam.patch.astype(np.float32), given.astype(np.float32)) < 1.5
    assert np.array_equal(seam.patch[~HOLE], given[~HOLE])


def test_a_thing_that_ends_at_a_mask_keeps_its_colour_and_beside_a_border_is_led_on() -> None:
    given = np.clip(slope() * 2, 0, 255).astype(np.uint8)
    for painted, tinted in ((False, True), (True, False)):
        hole = HOLE.copy()
        hole[5, 20] = painted  # no longer a border alone
        patch = given.copy()
        patch[30:60, 60:80] = (230, 30, 30)
        composite = np.where(hole, np.uint8(255), np.uint8(0))
        found = match_colours(patch, given, composite, ColourMatch.SEAM).patch
        moved = np.abs(found[40:50, 60:64].astype(int) - patch[40:50, 60:64]).mean()
        assert (moved > 30) == tinted and (moved < 3) == painted


def test_what_was_not_painted_stays() -> None:
    given = np.clip(slope() * 2 + grain(3), 0, 255).astype(np.uint8)
    composite = np.where(HOLE, np.uint8(255), np.uint8(0))
    assert np.array_equal(match_colours(given, given, composite, ColourMatch.SEAM).patch, given)
