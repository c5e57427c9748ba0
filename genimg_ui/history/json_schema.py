"""JSON Schema (draft 2020-12) of a log line, made from the dataclasses themselves.

`docs/log-entry.schema.json` is this, written down; a test holds them together. Run
`python -m genimg_ui.history.json_schema > docs/log-entry.schema.json` after a change.
"""

import dataclasses
import inspect
import json
import types
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

from genimg_ui.core.serial import Json
from genimg_ui.history.record import SCHEMA, LogEntry

_SCALARS: dict[object, Json] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
}
_DIGEST = "^([0-9a-f]{64})?$"  # "" where there is none


def log_entry_schema() -> dict[str, Json]:
    """The schema of one line of the present form."""
    definitions: dict[str, Json] = {}
    _of(LogEntry, definitions)
    entry = definitions.pop("LogEntry")
    entry["properties"]["schema"] = {"const": SCHEMA}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Entry of a seed log, schema {SCHEMA}",
        **entry,
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text() -> str:
    """The same as the file holds it."""
    return json.dumps(log_entry_schema(), indent=2, ensure_ascii=False) + "\n"


def _of(hint: Any, definitions: dict[str, Json]) -> Json:
    """The schema of what `core.serial` writes for a value of this type."""
    origin, parts = get_origin(hint), get_args(hint)
    if hint in _SCALARS:
        return dict(_SCALARS[hint])
    if origin in (Union, types.UnionType):
        return {"anyOf": [_of(part, definitions) for part in parts]}
    if hint is type(None):
        return {"type": "null"}
    if origin is tuple and parts[-1] is Ellipsis:
        return {"type": "array", "items": _of(parts[0], definitions)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _of(parts[1], definitions)}
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"enum": [str(member) for member in hint]}
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        return _named_tuple(hint, definitions)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _dataclass(hint, definitions)
    raise TypeError(f"a log line cannot hold {hint!r}")


def _named_tuple(hint: Any, definitions: dict[str, Json]) -> Json:
    """An array with one item for each field, in their order."""
    hints = get_type_hints(hint)
    items = [_of(hints[name], definitions) | {"title": name} for name in hint._fields]
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


def _dataclass(hint: type[Any], definitions: dict[str, Json]) -> Json:
    if hint.__name__ not in definitions:
        definitions[hint.__name__] = {}  # a type that holds itself would end here
        hints = get_type_hints(hint)
        properties: dict[str, Json] = {}
        for field in dataclasses.fields(hint):
            properties[field.name] = _of(hints[field.name], definitions)
            if field.name.endswith("sha256") and hints[field.name] is str:
                properties[field.name]["pattern"] = _DIGEST
        definitions[hint.__name__] = {
            "type": "object",
            "description": inspect.getdoc(hint),
            "properties": properties,
            "required": [field.name for field in dataclasses.fields(hint) if _must_be(field)],
            "additionalProperties": False,
        }
    return {"$ref": f"#/$defs/{hint.__name__}"}


def _must_be(field: "dataclasses.Field[Any]") -> bool:
    """Whether a line must have it: lines of an older program lack what has a default since."""
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


if __name__ == "__main__":
    print(schema_text(), end="")
