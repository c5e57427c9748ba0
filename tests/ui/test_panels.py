"""Panels: reading is the inverse of writing, and what a model cannot use says why."""

from dataclasses import replace
from typing import Any, NamedTuple

import gradio as gr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.request import (
    SEED_LIMIT,
    ColourMatch,
    ControlUnit,
    EditRequest,
    FillMode,
    FillUnderMask,
    InpaintParams,
    LoraUnit,
    MaskParams,
    PassParams,
    ReferenceUnit,
    Region,
    SamplingParams,
)
from genimg_ui.core.resolve import Abilities, Bounds, resolve
from genimg_ui.core.speed import THRESHOLDS, SpeedParams, StepCache
from genimg_ui.core.tasks import Task
from genimg_ui.errors import RefusedInput
from genimg_ui.registry import ModelSpec, Registry, first_request
from genimg_ui.ui import texts
from genimg_ui.ui.control_panel import NO_CONTROL
from genimg_ui.ui.outpaint_panel import PERCENT, PIXELS, OutpaintPanel, parse_aspect
from genimg_ui.ui.settings_panel import SettingsPanel, build_settings
from tests.editing import EXEMPLAR, PLAIN, SQUARE


class Built(NamedTuple):
    """The right column, with the value that each widget starts with."""

    settings: SettingsPanel
    outpaint: OutpaintPanel
    values: dict[Any, Any]


@pytest.fixture(scope="module")
def built() -> Built:
    with gr.Blocks():
        panel, outpaint, _ = build_settings(Registry((EXEMPLAR, PLAIN, SQUARE), "exemplar"))
    widgets = [*panel.widgets(), *outpaint.numbers()]
    widgets += [outpaint.unit, outpaint.aspect, outpaint.custom, outpaint.anchor]
    return Built(panel, outpaint, {widget: widget.value for widget in widgets})


SPAN = {
    "controlnet_conditioning_scale": st.floats(0, 2),
    "control_guidance_start": st.floats(0, 0.5),
    "control_guidance_end": st.floats(0.51, 1),
}
CONTROLS = st.one_of(
    st.builds(
        ControlUnit,
        kind=st.just("canny"),
        annotator=st.sampled_from(["", "canny"]),
        parameters=st.dictionaries(
            st.sampled_from(["low_threshold", "high_threshold"]), st.floats(1, 255)
        ),
        **SPAN,
    ),
    st.builds(
        ControlUnit,
        kind=st.just("softedge"),
        annotator=st.just("hed"),
        parameters=st.dictionaries(st.sampled_from(["detect_resolution", "safe"]), st.floats(0, 9)),
        **SPAN,
    ),
    st.builds(ControlUnit, kind=st.just("depth"), map=st.just("5" * 64), **SPAN),
)
SPEEDS = st.one_of(
    st.builds(SpeedParams, guidance_end=st.floats(0, 1), step_cache=st.sampled_from(StepCache)),
    st.builds(
        SpeedParams,
        step_cache=st.sampled_from(sorted(THRESHOLDS)),
        step_cache_threshold=st.floats(0.01, 1),
    ),
)
MASKED = st.builds(
    EditRequest,
    model=st.sampled_from(["exemplar", "plain", "square"]),
    sampling=st.builds(
        SamplingParams,
        prompt=st.text(),
        negative_prompt=st.text(),
        strength=st.floats(0.01, 1),
        guidance_scale=st.floats(1, 30),
        true_cfg_scale=st.floats(1, 30),
        refiner_switch_at=st.floats(0.05, 1),
        num_inference_steps=st.integers(1, 150),
        scheduler=st.sampled_from(["default", "ddim"]),
        seed=st.none() | st.integers(0, SEED_LIMIT - 1),
        variants=st.integers(1, 16),
        anchor_step_noise=st.booleans(),
        prompt_weighting=st.booleans(),
    ),
    mask=st.builds(MaskParams, grow=st.integers(-64, 128), feather=st.integers(0, 128)),
    inpaint=st.builds(
        InpaintParams,
        fill=st.sampled_from(FillUnderMask),
        fill_mode=st.sampled_from(FillMode),
        only_masked=st.booleans(),
        padding=st.integers(0, 512),
        box=st.none() | st.just(Box(-3, 4, 50, 60)),
        colour_match=st.sampled_from(ColourMatch),
        anchor_context=st.booleans(),
    ),
    border=st.builds(Sides, *[st.integers(0, 2000)] * 4),
    controls=st.lists(CONTROLS, max_size=3).map(tuple),
    loras=st.lists(
        st.builds(LoraUnit, name=st.sampled_from(["ink", "oil"]), scale=st.floats(-2, 2)),
        max_size=4,
    ).map(tuple),
    references=st.lists(
        st.builds(
            ReferenceUnit,
            picture=st.just("7" * 64),
            scale=st.floats(0, 2),
            start=st.floats(0, 0.5),
            end=st.floats(0.51, 1),
        ),
        max_size=3,
    ).map(tuple),
    speed=SPEEDS,
    passes=st.builds(PassParams, progressive=st.booleans(), overlap=st.integers(0, 64)),
)
REQUESTS = st.one_of(
    MASKED,
    st.builds(
        lambda request, factor: replace(request, region=Region.WHOLE, upscale=factor),
        MASKED.map(lambda request: replace(request, border=Sides())),
        st.sampled_from([1, 2, 4]),
    ),
)


@given(REQUESTS)
def test_reading_is_the_inverse_of_writing(built: Built, request_: EditRequest) -> None:
    shown = built.values | built.settings.write(request_)
    assert built.settings.read(shown, request_.border, request_.inpaint.box) == request_


@settings(max_examples=20)
@given(REQUESTS)
def test_showing_a_request_gives_every_widget_its_value(
    built: Built, request_: EditRequest
) -> None:
    updates = built.settings.show(request_, SQUARE)
    shown = built.values | {
        widget: update["value"] for widget, update in updates.items() if "value" in update
    }
    assert built.settings.read(shown, request_.border, request_.inpaint.box) == request_


def test_what_the_widgets_start_with_is_what_a_person_begins_with(built: Built) -> None:
    assert built.settings.read(built.values, Sides()) == first_request(EXEMPLAR)


def test_every_value_that_a_widget_shows_lies_within_its_limits(built: Built) -> None:
    for widget in built.settings.widgets():
        if isinstance(widget, gr.Slider):
            assert widget.minimum <= widget.value <= widget.maximum


def test_an_unlocked_seed_is_drawn(built: Built) -> None:
    sampling = built.settings.sampling
    values = built.values | {sampling.seed: 99}
    assert sampling.read(values | {sampling.lock: False}).seed is None
    assert sampling.read(values | {sampling.lock: True}).seed == 99


def test_empty_and_broken_numbers_are_refused(built: Built) -> None:
    panel = built.settings
    for widget, value, name in (
        (panel.sampling.variants, None, "Variants"),
        (panel.sampling.num_inference_steps, 2.5, "Steps"),
        (panel.mask.grow, None, "Grow"),
        (panel.inpaint.padding, 1.5, "Padding"),
    ):
        with pytest.raises(RefusedInput, match=f"{name} must be a whole number, got {value!r}"):
            panel.read(built.values | {widget: value}, Sides())


def test_what_a_model_cannot_use_is_disabled_and_says_why(built: Built) -> None:
    panel = built.settings
    for spec in (EXEMPLAR, SQUARE):
        updates = panel.allow(spec)
        for widget in (
            panel.sampling.prompt,
            panel.sampling.strength,
            panel.sampling.guidance_scale,
            panel.sampling.num_inference_steps,
            panel.sampling.scheduler,
            panel.inpaint.fill,
            panel.control.first.kind,
        ):
            assert updates[widget]["interactive"] == (spec is SQUARE)
            says = updates[widget]["info"] in (texts.NEVER, texts.CONTROL_NEVER)
            assert says == (spec is EXEMPLAR)
    assert updates[panel.sampling.scheduler]["choices"] == ["default", "ddim"]
    assert updates[panel.control.first.kind]["choices"] == [NO_CONTROL, "canny"]


@pytest.mark.parametrize(
    ("capability", "widget"),
    [
        ("uses_prompt", "prompt"),
        ("uses_prompt", "negative_prompt"),
        ("uses_strength", "strength"),
        ("uses_guidance", "guidance_scale"),
        ("uses_true_cfg", "true_cfg_scale"),
        ("uses_steps", "num_inference_steps"),
    ],
)
def test_each_capability_opens_its_own_widget(built: Built, capability: str, widget: str) -> None:
    spec = ModelSpec(id="x", title="X", engine="fake", licence="-", **{capability: True})
    updates = built.settings.sampling.allow(spec)
    assert updates[getattr(built.settings.sampling, widget)]["interactive"]
    assert not updates[built.settings.sampling.scheduler]["interactive"]


def test_only_fields_that_a_model_reads_take_room(built: Built) -> None:
    sampling = built.settings.sampling
    spec = ModelSpec(id="x", title="X", engine="fake", licence="-", uses_prompt=True)
    for model, lines in ((spec, 2), (replace(spec, uses_prompt=False), 1)):
        updates = sampling.allow(model)
        assert updates[sampling.prompt]["lines"] == lines
        assert updates[sampling.negative_prompt]["visible"] == model.uses_prompt
    positive = sampling.allow(replace(spec, uses_negative_prompt=False))
    assert not positive[sampling.negative_prompt]["visible"]


def test_savings_are_offered_where_a_model_can_save(built: Built) -> None:
    panel = built.settings.speed
    spec = ModelSpec(
        id="x",
        title="X",
        engine="fake",
        licence="-",
        uses_guidance=True,
        uses_guidance_end=True,
        step_caches=("first_block",),
    )
    updates = panel.allow(spec)
    assert updates[panel.step_cache]["choices"] == ["off", "first_block"]
    assert all(updates[widget]["interactive"] for widget in panel.widgets())
    without = panel.allow(replace(spec, uses_guidance=False, step_caches=()))
    assert not any(without[widget]["interactive"] for widget in panel.widgets())


# -- border


@given(st.builds(Sides, *[st.integers(0, 3000)] * 4))
def test_a_border_in_pixels_is_read_as_written(built: Built, border: Sides) -> None:
    size = Size(1200, 800)
    shown = built.values | built.outpaint.write(border, size, PIXELS)
    assert built.outpaint.read(shown | {built.outpaint.unit: PIXELS}, size) == border


@given(st.builds(Sides, *[st.integers(0, 400)] * 4))
def test_a_border_in_per_cent_is_right_to_a_tenth(built: Built, border: Sides) -> None:
    size = Size(1000, 500)
    shown = built.values | built.outpaint.write(border, size, PERCENT)
    read = built.outpaint.read(shown | {built.outpaint.unit: PERCENT}, size)
    assert read == border  # a tenth of a per cent of 1000 is a pixel


def test_empty_sides_count_as_none(built: Built) -> None:
    shown = built.values | dict.fromkeys(built.outpaint.numbers(), None)
    assert built.outpaint.read(shown, Size(10, 10)) == Sides()


@pytest.mark.parametrize("name", [name for name in texts.ASPECTS if name != "free"])
@pytest.mark.parametrize("anchor", texts.ANCHORS)
def test_an_aspect_is_reached_from_every_anchor(built: Built, name: str, anchor: str) -> None:
    values = built.values | {built.outpaint.aspect: name, built.outpaint.anchor: anchor}
    size = Size(640, 427)
    canvas = built.outpaint.aspect_border(values, size).expand(size)
    assert canvas.width / canvas.height == pytest.approx(texts.ASPECTS[name], rel=0.003)


def test_free_and_custom_aspects(built: Built) -> None:
    free = built.values | {built.outpaint.aspect: "free"}
    assert built.outpaint.aspect_border(free, Size(10, 10)) is None
    custom = built.values | {built.outpaint.aspect: "custom", built.outpaint.custom: "2:1"}
    assert built.outpaint.aspect_border(custom, Size(10, 10)) == Sides(5, 0, 5, 0)


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("21:9", 21 / 9),
        ("4/5", 0.8),
        ("2.33", 2.33),
        ("", None),
        (None, None),
        ("a:b", None),
        ("1:0", None),
        ("1:1000", None),
        ("nan", None),
        ("-2", None),
    ],
)
def test_aspects_are_read_as_people_write_them(text, ratio) -> None:
    assert parse_aspect(text) == ratio


@pytest.mark.parametrize("task", list(Task))
def test_a_task_shows_what_it_needs_and_disables_what_does_not_count(
    built: Built, task: Task
) -> None:
    panel = built.settings
    updates = panel.allow(SQUARE, task)
    masked = task in (Task.INPAINT, Task.OUTPAINT)
    for widget in (panel.mask.grow, panel.mask.feather, panel.inpaint.padding, panel.inpaint.fill):
        assert updates[widget]["interactive"] is masked
        assert (updates[widget]["info"] == texts.TASK_NEVER) is not masked
    strength = updates[panel.sampling.strength]
    assert strength["interactive"] is (task is not Task.TEXT_TO_IMAGE)
    assert updates[panel.task.factor]["visible"] is (task is Task.UPSCALE)
    assert updates[panel.task.progressive]["visible"] is (task is Task.OUTPAINT)
    assert updates[panel.task.overlap]["visible"] is (task in (Task.OUTPAINT, Task.UPSCALE))
    new = panel.new_canvas.allow(task)[panel.new_canvas.box]
    assert new["visible"] is (task is Task.TEXT_TO_IMAGE)
    one_look = panel.allow(EXEMPLAR, Task.OUTPAINT)
    assert one_look[panel.task.progressive]["visible"] is False


def test_every_overlap_that_an_edit_may_have_can_be_shown(built: Built) -> None:
    """Gradio refuses every event of a page whose slider holds more than its maximum."""
    slider = built.settings.task.overlap
    largest = EditRequest(passes=PassParams(overlap=int(slider.maximum)))
    beyond = replace(largest, passes=PassParams(overlap=int(slider.maximum) + 1))
    abilities = Abilities(id="m", title="M")
    resolve(largest, abilities, Size(100, 80), Bounds(), drawn_seed=1)
    with pytest.raises(RefusedInput, match="overlap"):
        resolve(beyond, abilities, Size(100, 80), Bounds(), drawn_seed=1)
