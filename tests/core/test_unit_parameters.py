"""Runs over the numbers of one control, and over those of annotators."""

from dataclasses import replace
from typing import Any

import pytest

from genimg_ui.core.annotators import ANNOTATORS
from genimg_ui.core.geometry import Size
from genimg_ui.core.parameters import PARAMETERS, Kind
from genimg_ui.core.request import ControlUnit, EditRequest, SamplingParams
from genimg_ui.core.resolve import Bounds
from genimg_ui.core.sweep import Axis, Sweep, describe_cell, make_cells
from genimg_ui.core.sweep_values import parse_values
from genimg_ui.errors import RefusedInput
from genimg_ui.registry import abilities
from tests.editing import SQUARE

CANNY, DEPTH = ControlUnit(kind="canny"), ControlUnit(kind="depth")
KINDS = tuple({annotator.kind: ("", "a/b") for annotator in ANNOTATORS.values()})
SPEC = replace(SQUARE, controls=tuple((kind, "a/b") for kind in KINDS))
SCALE = "controls.1.controlnet_conditioning_scale"


def cells(name: str, *values: Any, units: tuple[ControlUnit, ...] = (CANNY, DEPTH)) -> list[Any]:
    request = EditRequest(model="square", sampling=SamplingParams(seed=1), controls=units)
    sweep = Sweep(axes=(Axis(parameter=name, values=values),))
    made = make_cells(request, sweep, {"square": abilities(SPEC)}, Size(64, 64), Bounds())
    return [cell.request.controls for cell in made]


def refusal(name: str, *values: Any, units: tuple[ControlUnit, ...] = (CANNY, DEPTH)) -> str:
    with pytest.raises(RefusedInput) as refused:
        cells(name, *values, units=units)
    return str(refused.value)


def test_the_weight_of_one_control_varies_and_the_other_stays() -> None:
    low, high = cells(SCALE, 0.3, 1.5)
    assert low == (CANNY, replace(DEPTH, controlnet_conditioning_scale=0.3))
    assert high == (CANNY, replace(DEPTH, controlnet_conditioning_scale=1.5))
    assert describe_cell({SCALE: "0.3"}) == "Weight of control 2 0.3"
    assert "only where so many controls are chosen, got 1" in refusal(SCALE, 0.3, units=(CANNY,))
    assert "controlnet_conditioning_scale must be in [0, 2]" in refusal(SCALE, 3.0)


def test_an_annotators_number_varies_where_it_draws() -> None:
    name = "controls.parameters.low_threshold"
    given = replace(CANNY, parameters={"high_threshold": 90})
    values = parse_values(name, "20..60 x 3")
    assert values == (20, 40, 60)
    made = cells(name, *values, units=(given, DEPTH))
    assert [units[0].parameters for units in made] == [
        {"high_threshold": 90, "low_threshold": value} for value in values
    ]
    assert all(units[1] == DEPTH for units in made)
    assert "low_threshold must be at most high_threshold" in refusal(name, 95, units=(given,))
    assert "Low threshold can vary only where a control is chosen whose map is drawn by canny" in (
        refusal(name, 20, units=(DEPTH,))
    )
    ready = replace(CANNY, map="a" * 64)
    assert "whose map is drawn by" in refusal(name, 20, units=(ready,))


@pytest.mark.parametrize("name", [name for name in PARAMETERS if ".parameters." in name])
def test_every_number_of_every_annotator_reaches_it(name: str) -> None:
    knob = name.rpartition(".")[2]
    for annotator in ANNOTATORS.values():
        [own] = [k for k in annotator.knobs if k.name == knob] or [None]
        if own is None:
            continue
        unit = ControlUnit(kind=annotator.kind, annotator=annotator.name)
        request = EditRequest(controls=(unit,))
        assert PARAMETERS[name].lack(request, abilities(SPEC)) is None
        after = PARAMETERS[name].put(request, own.low).controls[0]
        assert after == replace(unit, parameters={knob: own.low})
        assert (PARAMETERS[name].kind is Kind.WHOLE) == own.whole
