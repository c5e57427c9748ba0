"""Context boxes of the ladder hold what is wanted, and hold still while a mask grows."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genimg_ui.backend.diffusion.noise import latent_cells
from genimg_ui.core.context_ladder import ladder_box
from genimg_ui.core.geometry import Box, Size
from genimg_ui.core.plan import Context, make_plan

NATIVES = {512: 8, 1024: 16, 768: 64, 128: 8, 64: 8}  # native size: multiple
CELL = 8  # working pixels
GROWTH = 1.1


@st.composite
def places(draw: st.DrawFn) -> tuple[Size, Box, tuple[int, int], int]:
    """A canvas, a mask's box on it, where the source begins, and a native size."""
    canvas = Size(draw(st.integers(1, 3000)), draw(st.integers(1, 3000)))
    left, top = draw(st.integers(0, canvas.width - 1)), draw(st.integers(0, canvas.height - 1))
    right, bottom = (
        draw(st.integers(left + 1, canvas.width)),
        draw(st.integers(top + 1, canvas.height)),
    )
    anchor = draw(st.integers(0, 500)), draw(st.integers(0, 500))
    return canvas, Box(left, top, right, bottom), anchor, draw(st.sampled_from(list(NATIVES)))


@given(places(), st.integers(0, 300))
def test_the_box_holds_mask_and_padding_and_lies_on_the_canvas(place, padding) -> None:
    canvas, masked, anchor, native = place
    wanted = masked.padded(padding).within(canvas)
    context = Context(padding=padding, native_size=native, multiple=NATIVES[native], anchor=anchor)
    plan = make_plan(canvas, masked, context)
    assert plan.box.contains(wanted)
    assert Box.of(canvas).contains(plan.box)
    bare = make_plan(canvas, masked, Context(padding=padding, native_size=native))
    assert max(plan.box.size) <= max(native // 8, 1.75 * max(bare.box.size))  # not far more


@given(places(), st.integers(0, 40), st.integers(0, 40))
def test_the_box_moves_with_the_source_when_a_border_is_added(place, left, top) -> None:
    _, masked, _, native = place
    canvas = Size(9000, 9000)
    inside = masked.moved(3000, 3000)
    options = {"native_size": native, "multiple": NATIVES[native]}
    here = ladder_box(canvas, inside, (0, 0), **options)
    there = ladder_box(canvas, inside.moved(left, top), (left, top), **options)
    if Box.of(Size(8000, 8000)).contains(here) and min(here[:2]) > 0:  # off the canvas's edges
        assert there == here.moved(left, top)


@given(places(), st.integers(0, 64), st.integers(0, 64))
def test_boxes_of_one_size_lie_whole_cells_apart(place, across, down) -> None:
    """So noise that belongs to the canvas lies under the same pixels in all of them."""
    _, masked, _, native = place
    canvas = Size(9000, 9000)
    inside = masked.moved(3000, 3000)
    context = Context(padding=0, native_size=native, multiple=NATIVES[native], anchor=(0, 0))
    one, other = (make_plan(canvas, box, context) for box in (inside, inside.moved(across, down)))
    if one.box.size != other.box.size or min(*one.box[:2], *other.box[:2]) == 0:
        return
    cells = [
        latent_cells(plan.box[:2], plan.scale, rows=1, columns=1, factor=CELL)
        for plan in (one, other)
    ]
    for axis in (0, 1):
        moved = (other.box[axis] - one.box[axis]) * one.scale / CELL
        assert abs(moved - (cells[1][axis] - cells[0][axis])) <= max(0.51, one.scale) / CELL + 1e-9


def _grown(masked: Box, canvas: Size, side: int | None) -> Box:
    """A tenth more area: all round, or on one side only."""
    width, height = masked.size
    if side is None:
        half = width + height
        rim = (-half + (half**2 + 4 * (GROWTH - 1) * width * height) ** 0.5) / 4
        return masked.padded(max(1, round(rim))).within(canvas)
    longer = [0, 0, 0, 0]
    longer[side] = round((GROWTH - 1) * (width if side % 2 == 0 else height))
    left, top, right, bottom = longer
    return Box(
        masked.left - left, masked.top - top, masked.right + right, masked.bottom + bottom
    ).within(canvas)


def _cases(count: int) -> list[tuple[Size, Box]]:
    rng = np.random.default_rng(5)
    made = []
    for _ in range(count):
        canvas = Size(*(int(side) for side in rng.integers(600, 4000, 2)))
        width, height = (int(np.exp(rng.uniform(np.log(20), np.log(0.6 * n)))) for n in canvas)
        left = int(rng.integers(0, canvas.width - width))
        top = int(rng.integers(0, canvas.height - height))
        made.append((canvas, Box(left, top, left + width, top + height)))
    return made


@pytest.mark.parametrize(("one_sided", "share"), [(False, 0.93), (True, 0.78)])
def test_a_mask_that_grows_by_a_tenth_mostly_keeps_its_box(one_sided: bool, share: float) -> None:
    sides = random.Random(3)
    still = {True: 0, False: 0}
    cases = _cases(400)
    for canvas, masked in cases:
        wider = _grown(masked, canvas, sides.randrange(4) if one_sided else None)
        for anchored in still:
            context = Context(
                padding=64,
                native_size=512,
                multiple=8,
                anchor=(0, 0) if anchored else None,
            )
            one, other = (make_plan(canvas, box, context) for box in (masked, wider))
            still[anchored] += one.box == other.box
    assert still[True] >= share * len(cases)
    assert still[False] <= 0.2 * len(cases)  # a box that follows the mask does not


def test_the_ladder_goes_by_the_root_of_two() -> None:
    options = {"native_size": 512, "multiple": 8}
    sides = [
        max(ladder_box(Size(8000, 8000), Box(4000, 4000, 4000 + n, 4001), (0, 0), **options).size)
        for n in (1, 80, 120, 200, 300, 420, 600, 890)
    ]
    assert sides == [64, 90, 128, 256, 362, 512, 724, 1024]
    assert ladder_box(Size(300, 900), Box(0, 0, 300, 900), (0, 0), **options) == Box(0, 0, 300, 900)
