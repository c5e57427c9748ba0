"""Which units may be asked for: annotators, their numbers, several at once."""

import pytest

from genimg_ui.core.annotators import ANNOTATORS
from genimg_ui.core.control import MAX_UNITS, check_controls, check_unit
from genimg_ui.core.request import ControlUnit
from genimg_ui.core.serial import from_json, to_json
from genimg_ui.errors import RefusedInput


@pytest.mark.parametrize("item", ANNOTATORS.values(), ids=lambda item: item.name)
def test_every_limit_of_every_parameter_holds(item):
    for knob in item.knobs:
        for value in (knob.low, knob.high, knob.default):
            if item.name != "canny":
                item.values({knob.name: value})
        for value in (knob.low - 1, knob.high + 1, float("nan")):
            with pytest.raises(RefusedInput, match=f"{knob.name} must be in"):
                item.values({knob.name: value})
        if knob.whole:
            with pytest.raises(RefusedInput, match="must be a whole number"):
                item.values({knob.name: knob.low + 0.5})


def test_what_is_left_out_has_its_default():
    assert ANNOTATORS["canny"].values({"low_threshold": 5}) == {
        "low_threshold": 5,
        "high_threshold": 200,
    }


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        (ControlUnit(kind="canny", parameters={"sigma": 2}), "takes low_threshold, high_threshold"),
        (
            ControlUnit(kind="canny", parameters={"low_threshold": 220}),
            "low_threshold must be at most high_threshold, got 220 and 200",
        ),
        (ControlUnit(kind="inpaint", parameters={"x": 1}), "takes no parameters; got 'x'"),
        (ControlUnit(kind="canny", annotator="xdog"), "must be one of canny, got 'xdog'"),
        (
            ControlUnit(kind="canny", annotator="canny", map="0" * 64),
            "A ready map is shown as it is",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(unit: ControlUnit, said: str):
    with pytest.raises(RefusedInput, match=said):
        check_unit(unit)


def test_a_ready_map_may_be_of_a_kind_that_nothing_here_draws():
    check_unit(ControlUnit(kind="qr", map="0" * 64))


def test_units_are_counted_and_each_must_be_offered():
    canny = ControlUnit(kind="canny")
    check_controls((canny,) * MAX_UNITS, ("canny",), "Model")
    with pytest.raises(RefusedInput, match="At most 3 controls work together, got 4"):
        check_controls((canny,) * (MAX_UNITS + 1), ("canny",), "Model")
    with pytest.raises(RefusedInput, match="Model takes these controls: canny; got 'tile'"):
        check_controls((canny, ControlUnit(kind="tile")), ("canny",), "Model")


def test_a_unit_comes_back_from_json_and_an_old_one_gets_the_defaults():
    unit = ControlUnit(
        kind="canny", annotator="canny", parameters={"low_threshold": 30.0}, map=None
    )
    assert from_json(ControlUnit, to_json(unit)) == unit
    old = {
        "kind": "canny",
        "controlnet_conditioning_scale": 0.5,
        "control_guidance_start": 0.0,
        "control_guidance_end": 1.0,
    }
    assert from_json(ControlUnit, old) == ControlUnit(
        kind="canny", controlnet_conditioning_scale=0.5
    )
