"""Older entries become those of the present schema, one step at a time.

Used wherever an entry is read: from a line of a seed log, a row of the index, a file's text. A
step takes and returns the JSON of an entry; it never fails for an entry that its schema allows,
and leaves to the reader what it does not understand.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from genimg_ui.core.serial import Json
from genimg_ui.errors import RefusedInput
from genimg_ui.history.record import SCHEMA

_RUNTIME = ("device", "dtype", "attention")
_LIBRARIES = ("genimg_ui", "numpy", "numba", "torch", "diffusers", "transformers")


def migrate(data: Json) -> dict[str, Json]:
    """Bring an entry's JSON to the present schema; raises RefusedInput for an unknown one."""
    if not isinstance(data, dict):
        raise RefusedInput(f"An entry must be a JSON object, got {type(data).__name__}.")
    schema = data.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or not 1 <= schema <= SCHEMA:
        raise RefusedInput(
            f"An entry's schema must be in [1, {SCHEMA}], got {str(schema)[:40]!r}.",
            remedy="It may come from a newer version of this program.",
        )
    migrated: dict[str, Json] = data
    for step in range(schema, SCHEMA):
        migrated = {**MIGRATIONS[step](migrated), "schema": step + 1}
    return migrated


def _to_second(data: dict[str, Json]) -> dict[str, Json]:
    """Schema 1 held versions, machine and weights together in `facts`."""
    facts = data.get("facts", {})
    if not isinstance(facts, dict) or not all(isinstance(v, str) for v in facts.values()):
        return data
    left = dict(facts)
    environment = {name: left.pop(name) for name in _LIBRARIES if name in left}
    runtime: dict[str, Json] = {name: left.pop(name) for name in _RUNTIME if name in left}
    if left.get("threads", "").isdecimal():
        runtime["threads"] = int(left.pop("threads"))
    known = {"environment": environment, "facts": left}
    if runtime:
        known["runtime"] = runtime
    request = data.get("request")
    if isinstance(request, dict) and len(facts) > 1:  # else no engine had told anything yet
        model = {"engine": "engine", "model": "source", "revision": "revision"}
        known["model"] = {"id": request.get("model", "exemplar")} | {
            new: left.pop(old) for old, new in model.items() if old in left
        }
    return {**data, **known}


# From schema n to n + 1, by n.
MIGRATIONS: Mapping[int, Callable[[dict[str, Json]], dict[str, Json]]] = MappingProxyType(
    {1: _to_second}
)
