"""The parameters that a run can sweep, by their names in the request, and their values as text.

Values are a list, `0.3, 0.5, 0.7`, a range with a count, `0.3..0.9 x 4`, or a list of both.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from genimg_ui.core.request import SEED_LIMIT, ColourMatch, EditRequest, FillMode
from genimg_ui.core.resolve import Abilities
from genimg_ui.core.template import Table, parse_template
from genimg_ui.errors import RefusedInput

MAX_VALUES = 256  # of one parameter, before a run's own limit is looked at
DIGITS = 6  # decimals of a value in a range; 0.3..0.9 x 4 is then 0.3, 0.5, 0.7, 0.9

Value = str | int | float
_RANGE = re.compile(r"(?P<low>.*?)\.\.(?P<high>[^x×]*)[x×](?P<count>.*)")


class Kind(StrEnum):
    """What the values of a parameter are."""

    NUMBER = "number"
    WHOLE = "whole"
    NAME = "name"
    SEED = "seed"
    PROMPT = "prompt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One swept parameter: what people call it, how it is read, and where it goes."""

    name: str
    label: str
    kind: Kind
    put: Callable[[EditRequest, Value], EditRequest]
    used: Callable[[Abilities], bool] = lambda _: True
    example: str = ""

    def lack(self, request: EditRequest, abilities: Abilities) -> str | None:
        """Why varying this would change nothing, in a sentence; None where it does."""
        if not self.used(abilities):
            return f"{abilities.title} does not use {self.label}."
        if self.name == "controlnet_conditioning_scale" and not request.controls:
            return "Control weight can vary only where a control is chosen, and none is."
        return None


def _of(part: str, name: str) -> Callable[[EditRequest, Value], EditRequest]:
    def put(request: EditRequest, value: Value) -> EditRequest:
        changed: Any = replace(getattr(request, part), **{name: value})
        return replace(request, **{part: changed})

    return put


def _put_fill_mode(request: EditRequest, value: Value) -> EditRequest:
    if value not in tuple(FillMode):
        allowed = ", ".join(FillMode)
        raise RefusedInput(f"Fill mode must be one of {allowed}, got {value!r}.")
    return replace(request, inpaint=replace(request.inpaint, fill_mode=FillMode(value)))


def _put_colour_match(request: EditRequest, value: Value) -> EditRequest:
    if value not in tuple(ColourMatch):
        allowed = ", ".join(ColourMatch)
        raise RefusedInput(f"Colour match must be one of {allowed}, got {value!r}.")
    match = ColourMatch(value)
    return replace(request, inpaint=replace(request.inpaint, colour_match=match))


def _put_weight(request: EditRequest, value: Value) -> EditRequest:
    weight = float(value)
    controls = tuple(
        replace(unit, controlnet_conditioning_scale=weight) for unit in request.controls
    )
    return replace(request, controls=controls)


_ALL = (
    Parameter(
        name="seed",
        label="Seed",
        kind=Kind.SEED,
        put=_of("sampling", "seed"),
        example="4, or 7, 11, 42",
    ),
    Parameter(
        name="strength",
        label="Denoise",
        kind=Kind.NUMBER,
        put=_of("sampling", "strength"),
        used=lambda abilities: abilities.uses_strength,
        example="0.4..1 x 4",
    ),
    Parameter(
        name="guidance_scale",
        label="CFG",
        kind=Kind.NUMBER,
        put=_of("sampling", "guidance_scale"),
        used=lambda abilities: abilities.uses_guidance,
        example="3, 5, 7, 9",
    ),
    Parameter(
        name="true_cfg_scale",
        label="True CFG",
        kind=Kind.NUMBER,
        put=_of("sampling", "true_cfg_scale"),
        used=lambda abilities: abilities.uses_true_cfg,
        example="1, 2, 4",
    ),
    Parameter(
        name="guidance_end",
        label="CFG until",
        kind=Kind.NUMBER,
        put=_of("speed", "guidance_end"),
        used=lambda abilities: abilities.uses_guidance_end,
        example="0.6, 0.8, 1",
    ),
    Parameter(
        name="refiner_switch_at",
        label="Refiner from",
        kind=Kind.NUMBER,
        put=_of("sampling", "refiner_switch_at"),
        used=lambda abilities: abilities.uses_refiner,
        example="0.6, 0.8, 1",
    ),
    Parameter(
        name="num_inference_steps",
        label="Steps",
        kind=Kind.WHOLE,
        put=_of("sampling", "num_inference_steps"),
        used=lambda abilities: abilities.uses_steps,
        example="10..40 x 4",
    ),
    Parameter(
        name="scheduler",
        label="Scheduler",
        kind=Kind.NAME,
        put=_of("sampling", "scheduler"),
        used=lambda abilities: bool(abilities.schedulers),
        example="euler, ddim, dpmpp_2m",
    ),
    Parameter(
        name="controlnet_conditioning_scale",
        label="Control weight",
        kind=Kind.NUMBER,
        put=_put_weight,
        used=lambda abilities: bool(abilities.controls),
        example="0.4..1.2 x 3",
    ),
    Parameter(
        name="fill_mode",
        label="Fill mode",
        kind=Kind.NAME,
        put=_put_fill_mode,
        used=lambda abilities: not abilities.uses_strength,
        example="remove, closest, balanced",
    ),
    Parameter(
        name="grow", label="Grow", kind=Kind.WHOLE, put=_of("mask", "grow"), example="0..12 x 4"
    ),
    Parameter(
        name="feather",
        label="Feather",
        kind=Kind.WHOLE,
        put=_of("mask", "feather"),
        example="0..12 x 4",
    ),
    Parameter(
        name="padding",
        label="Context padding",
        kind=Kind.WHOLE,
        put=_of("inpaint", "padding"),
        example="32..128 x 4",
    ),
    Parameter(
        name="colour_match",
        label="Colour match",
        kind=Kind.NAME,
        put=_put_colour_match,
        used=lambda abilities: abilities.uses_colour_match,
        example="off, offset, blend",
    ),
    Parameter(
        name="model",
        label="Model",
        kind=Kind.NAME,
        put=lambda request, value: replace(request, model=str(value)),
        example="model ids",
    ),
    Parameter(
        name="prompt",
        label="Prompt",
        kind=Kind.PROMPT,
        put=_of("sampling", "prompt"),
        used=lambda abilities: abilities.uses_prompt,
        example="a {red|blue} cup, [light]",
    ),
)
PARAMETERS: Mapping[str, Parameter] = MappingProxyType({item.name: item for item in _ALL})


def parse_values(
    name: str, text: str, *, first_seed: int = 0, table: Table | None = None
) -> tuple[Value, ...]:
    """The values that `text` means for a parameter; raises RefusedInput.

    One whole number for `seed` is a count: that many seeds from `first_seed` on. A prompt is a
    template whose fields `table` fills.
    """
    parameter = PARAMETERS.get(name)
    if parameter is None:
        raise RefusedInput(f"What varies must be one of {', '.join(PARAMETERS)}, got {name!r}.")
    if not text.strip():
        raise RefusedInput(
            f"{parameter.label} has no values.", remedy=f"Write them as {parameter.example}."
        )
    if parameter.kind is Kind.PROMPT:
        return parse_template(text).expand(table or {}, limit=MAX_VALUES)
    pieces = [piece.strip() for piece in text.replace("\n", ",").split(",") if piece.strip()]
    if parameter.kind is Kind.SEED and len(pieces) == 1 and ".." not in text:
        count = _count(parameter, pieces[0])
        return tuple((first_seed + i) % SEED_LIMIT for i in range(count))
    values: list[Value] = []
    for piece in pieces:
        values += _range(parameter, piece) if ".." in piece else [_value(parameter, piece)]
        if len(values) > MAX_VALUES:
            raise RefusedInput(f"{parameter.label} may have at most {MAX_VALUES} values.")
    for index, value in enumerate(values):
        if value in values[:index]:
            raise RefusedInput(f"{parameter.label} has the value {shown(value)} twice.")
    return tuple(values)


def shown(value: Value) -> str:
    """A value as it is written: 0.5, 30, ddim."""
    return f"{value:.{DIGITS + 2}g}" if isinstance(value, float) else str(value)


def _value(parameter: Parameter, piece: str) -> Value:
    if parameter.kind is Kind.NAME:
        return piece
    number = _number(parameter, piece)
    if parameter.kind is Kind.NUMBER:
        return number
    if number != int(number):
        raise RefusedInput(f"{parameter.label} must be whole numbers, got {piece!r}.")
    return int(number)


def _range(parameter: Parameter, piece: str) -> list[Value]:
    found = _RANGE.fullmatch(piece)
    if found is None or parameter.kind is Kind.NAME:
        raise RefusedInput(
            f"{parameter.label}: a range must say how many values, as in 0.3..0.9 x 4; "
            f"got {piece!r}."
        )
    low, high = (_number(parameter, found[end].strip()) for end in ("low", "high"))
    count = _count(parameter, found["count"].strip(), least=2)
    step = (high - low) / (count - 1)
    numbers = [round(low + step * i, DIGITS) for i in range(count)]
    if parameter.kind is Kind.NUMBER:
        return list(numbers)
    broken = next((number for number in numbers if number != int(number)), None)
    if broken is not None:
        raise RefusedInput(
            f"{parameter.label} must be whole numbers, and {piece} has {broken:g}.",
            remedy="Use another count, or a list.",
        )
    return [int(number) for number in numbers]


def _number(parameter: Parameter, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):  # also where it is no number at all
        raise RefusedInput(
            f"{parameter.label} must be numbers such as {parameter.example}; got {text[:40]!r}."
        )
    return value


def _count(parameter: Parameter, text: str, *, least: int = 1) -> int:
    count = int(text) if text.isdecimal() and len(text) < 10 else 0
    if not least <= count <= MAX_VALUES:
        raise RefusedInput(
            f"{parameter.label}: how many must be a whole number in [{least}, {MAX_VALUES}], "
            f"got {text[:40]!r}."
        )
    return count
