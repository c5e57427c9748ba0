"""Passes cover what is to be painted exactly, and each of them sees what is there already."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.outpaint import inner_box
from genimg_ui.core.passes import (
    needs_passes,
    outpaint_strips,
    strip_plan,
    tile_mask,
    tile_paste,
    tiles,
)
from genimg_ui.core.plan import Context
from genimg_ui.errors import RefusedInput

SIDES = st.integers(1, 90)
WIDTHS = st.integers(0, 250)
BORDERS = st.builds(Sides, WIDTHS, WIDTHS, WIDTHS, WIDTHS)


@given(st.builds(Size, SIDES, SIDES), BORDERS)
def test_strips_cover_the_border_exactly_and_once(size, border):
    canvas = border.expand(size)
    painted = np.zeros((canvas.height, canvas.width), np.int32)
    for strip in outpaint_strips(size, border):
        painted[strip.painted.slices] += 1
    inner = np.zeros_like(painted, bool)
    inner[inner_box(size, border).slices] = True
    assert not painted[inner].any()
    assert (painted[~inner] == 1).all()


@given(st.builds(Size, SIDES, SIDES), BORDERS)
def test_a_strip_touches_what_is_known_and_adds_at_most_half_of_it(size, border):
    known = inner_box(size, border)
    for strip in outpaint_strips(size, border):
        assert strip.known == known
        assert strip.seen == known.union(strip.painted)
        assert strip.seen.size.width <= max(known.size.width * 1.5, known.size.width + 1)
        assert strip.seen.size.height <= max(known.size.height * 1.5, known.size.height + 1)
        known = strip.seen
    assert known == Box.of(border.expand(size))


@given(
    st.builds(Size, SIDES, SIDES),
    BORDERS,
    st.integers(0, 80),
    st.booleans(),
    st.sampled_from([0, 64]),
)
def test_what_a_pass_sees_holds_the_overlap(size, border, overlap, only_masked, native):
    context = Context(padding=0, only_masked=only_masked, native_size=native, multiple=8)
    for strip in outpaint_strips(size, border):
        plan = strip_plan(strip, context, overlap)
        box = plan.box.moved(strip.seen.left, strip.seen.top)
        assert strip.seen.contains(box) and box.contains(strip.painted)
        seen_known = (
            box.size.width - strip.painted.size.width
            if strip.known.size.height == strip.seen.size.height
            else box.size.height - strip.painted.size.height
        )
        there = (
            strip.known.size.width
            if strip.known.size.height == strip.seen.size.height
            else strip.known.size.height
        )
        assert seen_known >= min(overlap, there)


def test_passes_begin_beyond_half_of_the_picture():
    size = Size(100, 60)
    assert not needs_passes(size, Sides(50, 30, 50, 30))
    assert needs_passes(size, Sides(51, 0, 0, 0))
    assert needs_passes(size, Sides(0, 0, 0, 31))


def test_a_large_border_grows_by_half_at_a_time():
    strips = outpaint_strips(Size(100, 60), Sides(0, 0, 200, 0))
    assert [strip.painted.size.width for strip in strips] == [50, 75, 75]


@given(
    st.builds(Size, st.integers(1, 700), st.integers(1, 700)),
    st.sampled_from([64, 128]),
    st.integers(0, 32),
)
def test_tiles_cover_the_canvas_and_neighbours_share_the_overlap(canvas, side, overlap):
    made = tiles(canvas, side=side, overlap=overlap, multiple=8)
    covered = np.zeros((canvas.height, canvas.width), bool)
    pasted = np.zeros((canvas.height, canvas.width))
    for tile in made:
        assert Box.of(canvas).contains(tile.box)
        assert tile.box.left % 8 == 0 and tile.box.top % 8 == 0
        assert tile.box.size.width < side + 8 and tile.box.size.height < side + 8
        shared = covered[tile.box.slices]
        if tile.left:
            assert tile.left >= overlap and shared[:, : tile.left].all()
        if tile.top:
            assert tile.top >= overlap and shared[: tile.top].all()
        mask, paste = tile_mask(tile), tile_paste(tile)
        assert mask.shape == paste.shape == shared.shape
        assert (mask[~shared] == 255).all()  # all that is new is repainted
        assert (paste <= mask).all()
        assert (mask[tile.top :, tile.left :] == 255).all()
        covered[tile.box.slices] = True
        weight = paste / 255
        pasted[tile.box.slices] = pasted[tile.box.slices] * (1 - weight) + weight
    assert covered.all()
    assert np.allclose(pasted, 1)  # nothing of the canvas shines through
    assert made[0].left == 0 and made[0].top == 0


def test_a_tile_fades_in_over_what_it_shares():
    tile = tiles(Size(200, 64), side=128, overlap=32, multiple=8)[1]
    row = tile_mask(tile)[0].astype(int)
    assert tile.left >= 32 and tile.top == 0
    assert row[0] == 0 and row[tile.left - 1] == 255
    assert (np.diff(row) >= 0).all() and len(set(row[: tile.left])) > 8


def test_nothing_is_left_of_a_tile_where_it_sees_least() -> None:
    """Each tile's outer pixels are marked; the mark must not be in what all tiles give."""
    canvas = np.zeros((300, 280))
    for tile in tiles(Size(280, 300), side=128, overlap=32, multiple=8):
        marked = np.ones((tile.box.size.height, tile.box.size.width))
        left, right = tile.left // 4, marked.shape[1] - tile.right // 4
        top, bottom = tile.top // 4, marked.shape[0] - tile.bottom // 4
        marked[top:bottom, left:right] = 0
        weight = tile_paste(tile) / 255
        canvas[tile.box.slices] = canvas[tile.box.slices] * (1 - weight) + marked * weight
    assert canvas.max() == 0


def test_an_overlap_beyond_half_of_a_tile_is_refused():
    with pytest.raises(RefusedInput, match=r"must be in \[0, 64\].*got 65"):
        tiles(Size(500, 500), side=128, overlap=65, multiple=8)
