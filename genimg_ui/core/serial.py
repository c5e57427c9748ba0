"""Frozen dataclasses ⇄ JSON values, by walking their fields.

`from_json(cls, to_json(x)) == x`. Unknown keys are refused by name, so that a record of a newer
program is not half-read; missing keys take the dataclass's default.
"""

import dataclasses
import types
from enum import StrEnum
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
Json = Any  # None | bool | int | float | str | list[Json] | dict[str, Json]


def to_json(value: Any) -> Json:
    """Turn dataclasses, named tuples, tuples, dicts and enums into plain JSON values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    return value


def from_json(cls: type[T], data: Json, where: str = "") -> T:
    """Build `cls` from what `to_json` gave; raises ValueError that names the field."""
    return cast(T, _read(cls, data, where or cls.__name__))


def _read(hint: Any, data: Json, where: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _read_optional(get_args(hint), data, where)
    if dataclasses.is_dataclass(hint):
        return _read_dataclass(cast(type[Any], hint), data, where)
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        return hint(*_expect(data, list, where))
    if origin is tuple:
        return _read_tuple(get_args(hint), _expect(data, list, where), where)
    if origin is dict:
        value_hint = get_args(hint)[1]
        items = _expect(data, dict, where).items()
        return {key: _read(value_hint, item, f"{where}.{key}") for key, item in items}
    return _read_scalar(hint, data, where)


def _read_optional(hints: tuple[Any, ...], data: Json, where: str) -> Any:
    if data is None and type(None) in hints:
        return None
    present = [hint for hint in hints if hint is not type(None)]
    return _read(present[0], data, where)


def _read_dataclass(cls: type[Any], data: Json, where: str) -> Any:
    given = _expect(data, dict, where)
    hints = get_type_hints(cls)
    names = {f.name for f in dataclasses.fields(cls)}
    unknown = sorted(set(given) - names)
    if unknown:
        raise ValueError(f"{where} has an unknown key {unknown[0]!r}")
    try:
        return cls(**{k: _read(hints[k], v, f"{where}.{k}") for k, v in given.items()})
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from error


def _read_tuple(hints: tuple[Any, ...], data: list[Json], where: str) -> tuple[Any, ...]:
    if len(hints) == 2 and hints[1] is Ellipsis:
        return tuple(_read(hints[0], item, f"{where}[{i}]") for i, item in enumerate(data))
    if len(hints) != len(data):
        raise ValueError(f"{where} must have {len(hints)} items, got {len(data)}")
    pairs = zip(hints, data, strict=True)
    return tuple(_read(hint, item, f"{where}[{i}]") for i, (hint, item) in enumerate(pairs))


def _read_scalar(hint: Any, data: Json, where: str) -> Any:
    if hint is Any:
        return data
    if hint is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if issubclass(hint, StrEnum):
        try:
            return hint(data)
        except ValueError as error:
            allowed = ", ".join(hint)
            raise ValueError(f"{where} must be one of {allowed}, got {data!r}") from error
    if hint is int and isinstance(data, bool):
        raise ValueError(f"{where} must be int, got {data!r}")
    return _expect(data, hint, where)


def _expect(data: Json, kind: type[Any], where: str) -> Any:
    if not isinstance(data, kind):
        raise ValueError(f"{where} must be {kind.__name__}, got {data!r}")
    return data
