"""Swept values as text: a list `0.3, 0.5, 0.7`, a range `0.3..0.9 x 4`, or a list of both."""

import re

from genimg_ui.core.parameters import PARAMETERS, Kind, Parameter, Value
from genimg_ui.core.request import SEED_LIMIT
from genimg_ui.core.template import Table, parse_template
from genimg_ui.errors import RefusedInput

MAX_VALUES = 256  # of one parameter, before a run's own limit is looked at
DIGITS = 6  # decimals of a value in a range; 0.3..0.9 x 4 is then 0.3, 0.5, 0.7, 0.9

_RANGE = re.compile(r"(?P<low>.*?)\.\.(?P<high>[^x×]*)[x×](?P<count>.*)")


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
    if not text.replace(",", "").strip():
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
