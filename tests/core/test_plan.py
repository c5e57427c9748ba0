import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genimg_ui.core.geometry import Box, Size
from genimg_ui.core.plan import Context, EditPlan, crop, crop_mask, make_plan, stitch
from genimg_ui.errors import RefusedInput


@st.composite
def plans(draw: st.DrawFn):
    canvas = Size(draw(st.integers(1, 90)), draw(st.integers(1, 90)))
    left, top = draw(st.integers(0, canvas.width - 1)), draw(st.integers(0, canvas.height - 1))
    masked = Box(
        left,
        top,
        draw(st.integers(left + 1, canvas.width)),
        draw(st.integers(top + 1, canvas.height)),
    )
    drawn = Box(
        draw(st.integers(0, masked.left)),
        draw(st.integers(0, masked.top)),
        draw(st.integers(masked.right, canvas.width)),
        draw(st.integers(masked.bottom, canvas.height)),
    )
    context = Context(
        box=draw(st.none() | st.just(drawn)),
        padding=draw(st.integers(0, 40)),
        ratio=draw(st.sampled_from([0.0, 1.5])),
        only_masked=draw(st.booleans()),
        native_size=draw(st.sampled_from([0, 16, 64])),
        multiple=draw(st.sampled_from([1, 8])),
        anchor=draw(st.none() | st.just((3, 5))),
    )
    return make_plan(canvas, masked, context), masked


def _noise(size: Size) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (size.height, size.width, 3), np.uint8)


@given(plans())
def test_mask_lies_in_context_lies_in_canvas(drawn) -> None:
    plan, masked = drawn
    assert plan.box.contains(masked)
    assert Box.of(plan.canvas).contains(plan.box)


@given(plans())
def test_stitching_an_untouched_crop_gives_the_picture_back(drawn) -> None:
    plan, _ = drawn
    pixels = _noise(plan.canvas)
    given_crop = crop(plan, pixels)
    assert given_crop.shape == (plan.working.height, plan.working.width, 3)
    original = pixels[plan.box.slices]
    assert np.array_equal(stitch(plan, given_crop, given_crop, original), original)


@given(plans())
def test_what_an_engine_changed_arrives(drawn) -> None:
    plan, _ = drawn
    pixels = np.zeros((plan.canvas.height, plan.canvas.width, 3), np.uint8)
    given_crop = crop(plan, pixels)
    back = stitch(plan, given_crop + 200, given_crop, pixels[plan.box.slices])
    assert (back == 200).all()


# A pixel whose middle lies on the edge of two cells of the smaller mask (57 rows to 30).
_ON_AN_EDGE = EditPlan(
    canvas=Size(16, 57), box=Box(0, 0, 16, 57), content=Size(8, 30), working=Size(8, 30)
)


@example((_ON_AN_EDGE, Box(0, 28, 1, 29)))
@given(plans())
def test_no_painted_pixel_is_lost_when_the_mask_is_scaled(drawn) -> None:
    plan, masked = drawn
    mask = np.zeros((plan.canvas.height, plan.canvas.width), np.uint8)
    mask[masked.top, masked.left] = 255
    assert crop_mask(plan, mask).max() == 255


def test_a_small_region_is_scaled_up_to_the_native_size() -> None:
    context = Context(padding=32, native_size=512, multiple=8)
    plan = make_plan(Size(4000, 3000), Box(1000, 1000, 1064, 1064), context)
    assert plan.box == Box(968, 968, 1096, 1096)
    assert plan.working == Size(512, 512)
    assert plan.scale == 4


def test_a_small_region_is_left_alone_where_the_model_does_not_enlarge() -> None:
    context = Context(padding=32, native_size=512, multiple=8, enlarges=False)
    plan = make_plan(Size(4000, 3000), Box(1000, 1000, 1064, 1064), context)
    assert plan.exact and plan.working == Size(128, 128)
    large = make_plan(Size(4000, 3000), Box(1000, 1000, 2000, 2000), context)
    assert large.working == Size(512, 512)


def test_the_context_box_slides_inside_instead_of_shrinking() -> None:
    context = Context(padding=10, native_size=64, multiple=8)
    plan = make_plan(Size(200, 200), Box(190, 100, 200, 180), context)
    assert plan.box.right == 200
    assert plan.box.size.width == plan.box.size.height == 100


def test_padding_to_the_multiple_repeats_pixels_and_is_locked() -> None:
    context = Context(padding=0, only_masked=False, native_size=0, multiple=8)
    plan = make_plan(Size(13, 9), Box(0, 0, 13, 9), context)
    assert plan.working == Size(16, 16)
    assert (crop_mask(plan, np.full((9, 13), 255, np.uint8))[9:] == 0).all()
    pixels = _noise(plan.canvas)
    assert np.array_equal(crop(plan, pixels)[12, :13], pixels[8])


@pytest.mark.parametrize("ratio", [0.0, 2.0])
def test_context_ratio_widens_the_context(ratio: float) -> None:
    plan = make_plan(Size(900, 900), Box(400, 400, 500, 450), Context(padding=10, ratio=ratio))
    assert plan.box.size.width == 100 + 2 * max(10, round(100 * ratio))


DRAWN = Box(100, 40, 300, 240)


def test_a_drawn_box_is_what_the_engine_sees_whatever_the_padding() -> None:
    masked = Box(150, 100, 200, 150)
    for padding in (0, 64):
        context = Context(padding=padding, ratio=1.5, native_size=512, multiple=8, box=DRAWN)
        plan = make_plan(Size(400, 300), masked, context)
        assert plan.box == DRAWN
        assert plan.working == Size(512, 512)  # a small box is scaled up to the model's own size
    wide = make_plan(Size(4000, 3000), masked, Context(padding=0, native_size=512, box=DRAWN))
    large = Context(padding=0, native_size=512, box=Box(0, 0, 2048, 2048))
    assert make_plan(Size(4000, 3000), masked, large).working == Size(512, 512)  # a large one down
    assert wide.scale > 1


@pytest.mark.parametrize(
    ("masked", "words"),
    [
        (Box(88, 100, 200, 150), "12 px (left) too short"),
        (Box(150, 33, 307, 245), "7 px (top), 7 px (right), 5 px (bottom) too short"),
    ],
)
def test_a_drawn_box_that_does_not_hold_the_mask_is_refused(masked: Box, words: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        make_plan(Size(400, 300), masked, Context(padding=0, box=DRAWN))
    assert words in str(refused.value)


def test_a_drawn_box_beyond_the_canvas_is_refused() -> None:
    with pytest.raises(RefusedInput, match=r"canvas \(280×300\): it reaches 20 px \(right\)"):
        make_plan(Size(280, 300), Box(150, 100, 200, 150), Context(padding=0, box=DRAWN))
