from dataclasses import replace

import pytest

from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.request import (
    SEED_LIMIT,
    ControlUnit,
    EditRequest,
    FillMode,
    InpaintParams,
    MaskParams,
    PassParams,
    Region,
    SamplingParams,
)
from genimg_ui.core.resolve import Abilities, Bounds, resolve, without_guidance
from genimg_ui.errors import RefusedInput

MODEL = Abilities(
    id="m",
    title="Model M",
    uses_strength=True,
    uses_guidance=True,
    uses_steps=True,
    schedulers=("Euler", "DDIM"),
    controls=("canny",),
)


def _resolve(request: EditRequest, abilities: Abilities = MODEL, bounds: Bounds | None = None):
    return resolve(request, abilities, Size(100, 80), bounds or Bounds(), drawn_seed=11)


def _sampling(**values) -> EditRequest:
    return EditRequest(sampling=SamplingParams(**values))


def test_each_variant_gets_the_next_seed_and_wraps() -> None:
    assert _resolve(_sampling(variants=3)).seeds == (11, 12, 13)
    assert _resolve(_sampling(seed=SEED_LIMIT - 1, variants=2)).seeds == (SEED_LIMIT - 1, 0)


def test_scheduler_default_is_named() -> None:
    assert _resolve(EditRequest()).scheduler == "Euler"
    assert _resolve(_sampling(scheduler="DDIM")).scheduler == "DDIM"
    assert _resolve(EditRequest(), Abilities(id="e", title="E")).scheduler == ""


def test_fill_mode_follows_the_task_unless_chosen() -> None:
    assert _resolve(EditRequest()).fill_mode is FillMode.REMOVE
    assert _resolve(EditRequest(border=Sides(right=3))).fill_mode is FillMode.EXTEND
    chosen = EditRequest(inpaint=InpaintParams(fill_mode=FillMode.CLOSEST))
    assert _resolve(chosen).fill_mode is FillMode.CLOSEST


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (_sampling(strength=1.4), r"strength .*must be in \(0, 1\], got 1.4"),
        (_sampling(strength=0.0), r"got 0\."),
        (_sampling(strength=float("nan")), "got nan"),
        (_sampling(guidance_scale=0.5), r"\[1, 30\], got 0.5"),
        (_sampling(true_cfg_scale=0.5), r"true_cfg_scale .*\[1, 30\], got 0.5"),
        (_sampling(refiner_switch_at=0.0), r"refiner_switch_at must be in \(0, 1\], got 0"),
        (_sampling(num_inference_steps=0), "num_inference_steps must be in"),
        (_sampling(variants=17), r"variants must be in \[1, 16\], got 17"),
        (_sampling(seed=-1), "seed must be in"),
        (_sampling(strength=0.1, num_inference_steps=5), "at least 1, got 0.1 × 5"),
        (_sampling(scheduler="Foo"), "one of Euler, DDIM, got 'Foo'"),
        (_sampling(prompt="x" * 4001), "prompt may have at most 4000 characters, got 4001"),
        (_sampling(negative_prompt="x" * 4001), "negative prompt may have at most"),
        (EditRequest(mask=MaskParams(feather=-1)), "feather must be in"),
        (EditRequest(inpaint=InpaintParams(padding=-1)), "padding must be in"),
        (EditRequest(inpaint=InpaintParams(box=Box(5, 5, 5, 9))), "left below its right.*5,5,5,9"),
        (EditRequest(inpaint=InpaintParams(box=Box(0, 0, 40_000, 9))), "context box right must be"),
        (EditRequest(inpaint=InpaintParams(box=Box(0, 0, "9", 9))), "whole number, got '9'"),
        (
            EditRequest(inpaint=InpaintParams(box=Box(0, 0, 9, 9), only_masked=False)),
            "either the whole picture or the box",
        ),
        (EditRequest(border=Sides(left=-1)), "border left must be in"),
        (EditRequest(border=Sides(left=29_950)), "at most"),
        (EditRequest(controls=(ControlUnit(kind="pose"),)), "canny; got 'pose'"),
        (
            EditRequest(
                controls=(
                    ControlUnit(kind="canny", control_guidance_start=0.9, control_guidance_end=0.5),
                )
            ),
            "below control_guidance_end, got 0.9 and 0.5",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(request_, sentence) -> None:
    with pytest.raises(RefusedInput, match=sentence):
        _resolve(request_)


def test_bounds_of_the_installation_hold() -> None:
    with pytest.raises(RefusedInput, match=r"\[1, 2\], got 3"):
        _resolve(_sampling(variants=3), bounds=Bounds(variants=2))
    with pytest.raises(RefusedInput, match="0.01 megapixels"):
        wide = EditRequest(border=Sides(right=100))
        _resolve(wide, bounds=replace(Bounds(), megapixels=0.01))


def test_passes_are_bounded_by_tiles_or_strips_times_variants() -> None:
    tiled = replace(MODEL, native_size=64, size_multiple=8)
    large = replace(
        _sampling(variants=2), region=Region.WHOLE, upscale=2, passes=PassParams(overlap=16)
    )  # 200 × 160: 4 columns of 3 tiles
    assert _resolve(large, tiled, Bounds(passes=24)).seeds == (11, 12)
    told = r"at most 23 passes .*got 24: 12 tiles × variants 2.*smaller factor.*fewer variants"
    with pytest.raises(RefusedInput, match=told):
        _resolve(large, tiled, Bounds(passes=23))
    _resolve(large, MODEL, Bounds(passes=1))  # a model for any size needs one look
    strips = PassParams(progressive=True)
    wide = EditRequest(border=Sides(right=120), passes=strips)  # 50, then 70 more
    _resolve(wide, tiled, Bounds(passes=2))
    with pytest.raises(RefusedInput, match=r"got 2: 2 strips × variants 1.*a smaller border\.$"):
        _resolve(wide, tiled, Bounds(passes=1))
    _resolve(replace(wide, passes=PassParams()), tiled, Bounds(passes=1))


def test_guidance_of_a_model_that_runs_without_is_refused_but_for_what_ran_before() -> None:
    turbo = replace(MODEL, uses_guidance=False)
    asked = _sampling(guidance_scale=5.0)
    with pytest.raises(RefusedInput, match=r"Model M runs without .* be 1, got 5\. Set it to 1"):
        _resolve(asked, turbo)
    assert _resolve(_sampling(guidance_scale=1.0), turbo).request.sampling.guidance_scale == 1
    before = resolve(asked, turbo, Size(100, 80), Bounds(), drawn_seed=1, again=True)
    assert before.request == asked
    assert without_guidance(asked, turbo) == _sampling(guidance_scale=1.0)
    for other in (MODEL, Abilities(id="e", title="E")):  # an engine without steps has no such knob
        assert _resolve(asked, other).request == without_guidance(asked, other) == asked
