"""Swept parameters of single controls, and of the annotators that draw their maps."""

from collections.abc import Callable
from dataclasses import replace

from genimg_ui.core.annotators import ANNOTATORS, Knob
from genimg_ui.core.control import MAX_UNITS, annotator_of
from genimg_ui.core.parameter import Kind, Parameter, Value
from genimg_ui.core.request import ControlUnit, EditRequest
from genimg_ui.errors import RefusedInput

_SCALE = "controlnet_conditioning_scale"


def _put_scale(place: int) -> Callable[[EditRequest, Value], EditRequest]:
    def put(request: EditRequest, value: Value) -> EditRequest:
        units = list(request.controls)
        if place < len(units):
            units[place] = replace(units[place], controlnet_conditioning_scale=float(value))
        return replace(request, controls=tuple(units))

    return put


def _needs_unit(place: int) -> Callable[[EditRequest], str]:
    def needs(request: EditRequest) -> str:
        count = len(request.controls)
        if place < count:
            return ""
        return (
            f"Weight of control {place + 1} can vary only where so many controls are chosen, got "
            f"{count}."
        )

    return needs


def _draws(unit: ControlUnit, knob: str) -> bool:
    """Whether the unit's map is drawn by an annotator that takes `knob`."""
    if unit.map is not None:
        return False
    try:
        annotator = annotator_of(unit)
    except RefusedInput:  # said where the request is checked
        return False
    return knob in [known.name for known in annotator.knobs]


def _put_knob(name: str) -> Callable[[EditRequest, Value], EditRequest]:
    def put(request: EditRequest, value: Value) -> EditRequest:
        changed = {name: float(value)}
        units = tuple(
            replace(unit, parameters={**unit.parameters, **changed}) if _draws(unit, name) else unit
            for unit in request.controls
        )
        return replace(request, controls=units)

    return put


def _needs_knob(knob: Knob) -> Callable[[EditRequest], str]:
    def needs(request: EditRequest) -> str:
        if any(_draws(unit, knob.name) for unit in request.controls):
            return ""
        names = [a.name for a in ANNOTATORS.values() if knob.name in [k.name for k in a.knobs]]
        return (
            f"{knob.label} can vary only where a control is chosen whose map is drawn by "
            f"{' or '.join(names)}."
        )

    return needs


CONTROL_PARAMETERS = tuple(
    Parameter(
        name=f"controls.{place}.{_SCALE}",
        label=f"Weight of control {place + 1}",
        kind=Kind.NUMBER,
        put=_put_scale(place),
        used=lambda abilities: bool(abilities.controls),
        needs=_needs_unit(place),
        example="0.4..1.2 x 3",
    )
    for place in range(MAX_UNITS)
)
_KNOBS = {knob.name: knob for annotator in ANNOTATORS.values() for knob in annotator.knobs}
ANNOTATOR_PARAMETERS = tuple(
    Parameter(
        name=f"controls.parameters.{knob.name}",
        label=f"Annotator: {knob.label}",
        kind=Kind.WHOLE if knob.whole else Kind.NUMBER,
        put=_put_knob(knob.name),
        used=lambda abilities: bool(abilities.controls),
        needs=_needs_knob(knob),
        example=f"{knob.low:g}..{knob.high:g} x 2",
    )
    for knob in _KNOBS.values()
)
