"""Runs: their cells, their limits, and what is refused before anything is queued."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genimg_ui.core.geometry import Size
from genimg_ui.core.request import (
    ControlUnit,
    EditRequest,
    FillMode,
    LoraUnit,
    ReferenceUnit,
    SamplingParams,
)
from genimg_ui.core.resolve import Bounds
from genimg_ui.core.sweep import (
    Axis,
    Cell,
    Past,
    Sweep,
    count_cells,
    describe,
    describe_cell,
    estimate_seconds,
    make_cells,
)
from genimg_ui.errors import RefusedInput
from genimg_ui.registry import abilities
from genimg_ui.registry.adapters import LoraSpec, ReferenceSpec
from tests.editing import EXEMPLAR, PLAIN, SQUARE

ADDED = {
    "loras": (LoraSpec(name="ink", source="a/i"),),
    "references": (ReferenceSpec(kind="ip_adapter", source="a/r"),),
}
MODELS = {spec.id: abilities(spec) for spec in (EXEMPLAR, PLAIN, replace(SQUARE, **ADDED))}
SIZE = Size(100, 80)


def asked(model: str = "square", **sampling: Any) -> EditRequest:
    controls = (ControlUnit(kind="canny"),) if model == "square" else ()
    sampling = {"seed": 7, "variants": 3} | sampling
    return EditRequest(
        model=model,
        sampling=SamplingParams(**sampling),
        controls=controls,
        loras=(LoraUnit(name="ink"),) if model == "square" else (),
        references=(ReferenceUnit(picture="3" * 64),) if model == "square" else (),
    )


def cells(*axes: tuple[str, tuple[Any, ...]], new_seeds: bool = False) -> tuple[Cell, ...]:
    sweep = Sweep(axes=tuple(Axis(parameter=n, values=v) for n, v in axes), new_seeds=new_seeds)
    made = make_cells(asked(), sweep, MODELS, SIZE, Bounds())
    assert len(made) == count_cells(sweep)
    return made


def refusal(*axes: tuple[str, tuple[Any, ...]], model: str = "square", **more: Any) -> str:
    sweep = Sweep(
        axes=tuple(Axis(parameter=n, values=v) for n, v in axes),
        new_seeds=more.pop("new_seeds", False),
    )
    with pytest.raises(RefusedInput) as refused:
        make_cells(asked(model, **more), sweep, MODELS, SIZE, Bounds(pictures_of_run=12))
    return str(refused.value)


def test_one_parameter_varies_and_nothing_else() -> None:
    made = cells(("strength", (0.3, 0.5)))
    expected = [asked(variants=1, strength=value) for value in (0.3, 0.5)]
    assert [cell.request for cell in made] == expected
    assert [dict(cell.varies) for cell in made] == [{"strength": "0.3"}, {"strength": "0.5"}]


def test_the_first_parameter_runs_along_the_rows() -> None:
    made = cells(("strength", (0.3, 0.5)), ("num_inference_steps", (10, 20, 30)))
    seen = [
        (cell.request.sampling.strength, cell.request.sampling.num_inference_steps) for cell in made
    ]
    assert seen == [(0.3, 10), (0.5, 10), (0.3, 20), (0.5, 20), (0.3, 30), (0.5, 30)]
    assert list(made[1].varies.items()) == [("strength", "0.5"), ("num_inference_steps", "10")]


def test_seeds_stay_the_same_unless_asked() -> None:
    assert {cell.request.sampling.seed for cell in cells(("strength", (0.3, 0.5)))} == {7}
    fresh = cells(("strength", (0.3, 0.5)), new_seeds=True)
    assert [cell.request.sampling.seed for cell in fresh] == [7, 8]


def test_every_swept_parameter_reaches_its_place() -> None:
    assert cells(("seed", (1, 5)))[1].request.sampling.seed == 5
    assert cells(("guidance_scale", (2.0, 9.0)))[1].request.sampling.guidance_scale == 9
    assert cells(("scheduler", ("default", "ddim")))[1].request.sampling.scheduler == "ddim"
    assert cells(("prompt", ("a", "b")))[1].request.sampling.prompt == "b"
    weights = cells(("controlnet_conditioning_scale", (0.5, 1.5)))
    assert weights[1].request.controls[0].controlnet_conditioning_scale == 1.5
    for name, part in (("lora_scale", "loras"), ("reference_scale", "references")):
        [unit] = getattr(cells((name, (0.5, 1.5)))[1].request, part)
        assert unit.scale == 1.5
    assert cells(("grow", (1, 9)))[1].request.mask.grow == 9
    assert cells(("feather", (1, 9)))[1].request.mask.feather == 9
    assert cells(("padding", (32, 64)))[1].request.inpaint.padding == 64
    sweep = Sweep(axes=(Axis(parameter="fill_mode", values=("remove", "closest")),))
    filled = make_cells(asked("exemplar"), sweep, MODELS, SIZE, Bounds())
    assert filled[1].request.inpaint.fill_mode is FillMode.CLOSEST
    sweep = Sweep(axes=(Axis(parameter="model", values=("plain", "exemplar")),))
    models = make_cells(asked("plain"), sweep, MODELS, SIZE, Bounds())
    assert [cell.request.model for cell in models] == ["plain", "exemplar"]


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ((), "must vary 1 or 2 parameters, got 0"),
        ((("seed", (1,)), ("seed", (2,))), "got seed twice"),
        ((("strength", tuple(i / 20 for i in range(1, 14))),), "at most 12 pictures, got 13"),
        ((("strength", (0.5,) * 4), ("seed", tuple(range(4)))), "12 pictures, got 4 × 4 = 16"),
        ((("strength", (0.5, 1.5)),), "With Denoise 1.5: strength (Denoise) must be in (0, 1]"),
        ((("num_inference_steps", (20, 151)),), "With Steps 151: num_inference_steps must be in"),
        ((("scheduler", ("ddim", "nonsense")),), "With Scheduler nonsense: scheduler must be"),
        ((("model", ("square", "gone")),), "one of exemplar, plain, square, got 'gone'"),
    ],
)  # fmt: skip
def test_a_run_that_cannot_run_is_refused_whole(axes: Any, words: str) -> None:
    assert words in refusal(*axes)


def test_the_cell_that_would_run_no_step_is_named() -> None:
    said = refusal(("strength", (0.5, 0.02)), ("num_inference_steps", (100, 10)))
    assert "With Denoise 0.02, Steps 10: strength × steps must be at least 1" in said


def test_a_parameter_that_the_model_does_not_use_is_refused() -> None:
    assert "Exemplar does not use Denoise." in refusal(("strength", (0.5,)), model="exemplar")
    assert "Plain does not use Prompt." in refusal(("prompt", ("a",)), model="plain")
    without = EditRequest(model="square", sampling=SamplingParams(seed=7))
    sweep = Sweep(axes=(Axis(parameter="controlnet_conditioning_scale", values=(1.0,)),))
    with pytest.raises(RefusedInput, match="only where a control is chosen"):
        make_cells(without, sweep, MODELS, SIZE, Bounds())


def test_a_fill_mode_that_there_is_not_is_refused() -> None:
    said = refusal(("fill_mode", ("remove", "melt")), model="exemplar")
    assert "Fill mode must be one of auto, remove, extend, balanced, closest, got 'melt'" in said


def test_a_new_seed_for_each_and_a_swept_seed_exclude_each_other() -> None:
    assert "varies already" in refusal(("seed", (1, 2)), new_seeds=True)


@given(st.integers(1, 6), st.integers(1, 6))
def test_the_number_of_cells_is_known_before(columns: int, rows: int) -> None:
    steps = tuple(range(10, 10 + columns))
    made = cells(("num_inference_steps", steps), ("seed", tuple(range(rows))))
    assert len({tuple(cell.varies.items()) for cell in made}) == columns * rows


def test_runs_and_cells_are_named_as_on_the_page() -> None:
    seeds = Sweep(axes=(Axis(parameter="seed", values=(1, 2, 3)),))
    both = Sweep(
        axes=(
            Axis(parameter="strength", values=(0.5,)),
            Axis(parameter="guidance_scale", values=(7.0,)),
        )
    )
    assert (describe(seeds), describe(both)) == ("3 seeds", "Denoise × CFG")
    assert describe_cell({"strength": "0.3", "unheard_of": "1"}) == "Denoise 0.3"


def test_the_estimate_follows_the_steps_that_run() -> None:
    known = [Past(request=asked(num_inference_steps=20, strength=0.5), seconds=4.0)]
    known.append(Past(request=asked(), seconds=900.0))  # older: not looked at
    doubled = asked(num_inference_steps=20, strength=1.0)
    assert estimate_seconds([doubled, doubled], known) == pytest.approx(16)
    unguided = asked(num_inference_steps=20, strength=0.5, guidance_scale=1.0)
    assert estimate_seconds([unguided], known) == pytest.approx(2)


def test_nothing_is_estimated_of_a_model_that_has_made_no_picture() -> None:
    known = [Past(request=asked(), seconds=1.0)]
    assert estimate_seconds([asked(), asked("plain")], known) is None


def test_cfg_is_of_those_models_that_have_guidance() -> None:
    turbo = abilities(replace(SQUARE, id="turbo", title="Turbo", uses_guidance=False, **ADDED))
    models = MODELS | {"turbo": turbo}
    both = Sweep(axes=(Axis(parameter="model", values=("square", "turbo")),))
    made = make_cells(asked(guidance_scale=6.0), both, models, SIZE, Bounds())
    assert [cell.request.sampling.guidance_scale for cell in made] == [6.0, 1.0]
    seeds = Sweep(axes=(Axis(parameter="seed", values=(1, 2)),))
    alone = replace(asked(guidance_scale=6.0), model="turbo")
    with pytest.raises(RefusedInput, match="Turbo runs without guidance"):
        make_cells(alone, seeds, models, SIZE, Bounds())
