"""What is not as an entry says: its request, the way to the engine, versions, weights, machine."""

from collections.abc import Iterator

from genimg_ui.core.provenance import FileRecord, ModelRecord
from genimg_ui.core.serial import Json, to_json
from genimg_ui.history.record import LogEntry

_WORDS = {
    "plan": "the context box or the working size",
    "painted_sha256": "the painted mask",
    "composite_sha256": "the mask",
    "denoise_sha256": "the mask that the engine sees",
    "control_sha256": "a control map",
    "filled_sha256": "the fill under the mask",
}
_SHOWN = 12  # hex digits of a digest: enough to be told apart


def changes(before: LogEntry, after: LogEntry) -> Iterator[str]:
    """A few words for each thing; what the older entry does not tell is passed over."""
    yield from _request_changes(before)
    for name, words in _WORDS.items():
        then, now = getattr(before, name), getattr(after, name)
        if then and then != now:
            yield f"{words} differs"
    made_then, made_now = _made_with(before), _made_with(after)
    for name in sorted(set(made_then) & set(made_now)):
        if made_then[name] != made_now[name]:
            yield f"{name} was {made_then[name]}, is {made_now[name]}"
    yield from weight_changes(before.model, after.model)


def weight_changes(before: ModelRecord | None, after: ModelRecord | None) -> Iterator[str]:
    """Where files of weights are not those of the edit."""
    if before is None or after is None:
        return
    yield from _file_changes(before.id, before.files, after.files)
    parts = {(part.role, part.name): part for part in after.parts}
    for part in before.parts:
        now = parts.get((part.role, part.name))
        if now is not None:
            yield from _file_changes(f"{part.role} {part.name}", part.files, now.files)


def _file_changes(
    owner: str, before: tuple[FileRecord, ...], after: tuple[FileRecord, ...]
) -> Iterator[str]:
    if not before or not after:
        return
    then = {file.name: file.sha256 for file in before}
    now = {file.name: file.sha256 for file in after}
    for name in sorted(set(then) | set(now)):
        old, new = then.get(name, "absent"), now.get(name, "absent")
        if old != new:
            yield f"the file {name} of {owner} was {old[:_SHOWN]}, is {new[:_SHOWN]} (SHA-256)"


def _made_with(entry: LogEntry) -> dict[str, Json]:
    """Versions, engine and machine by name; what an older entry does not tell is not there."""
    told: dict[str, Json] = {}
    if entry.model is not None:
        told |= _flat(to_json(entry.model) | {"files": [], "parts": []})
        for part in entry.model.parts:
            told[f"{part.role} {part.name}"] = " ".join((part.source, part.revision)).strip()
    if entry.runtime is not None:
        told |= _flat(to_json(entry.runtime))
    known = {name: value for name, value in told.items() if value not in ("", 0, [], {}, None)}
    return known | entry.environment | entry.facts


def _request_changes(entry: LogEntry) -> Iterator[str]:
    """Where the request is not the one that was resolved when the edit ran."""
    if entry.resolved is None:
        return
    then, now = _flat(to_json(entry.resolved.request)), _flat(to_json(entry.request))
    for name in sorted(set(then) | set(now)):
        old, new = then.get(name), now.get(name)
        if old != new:
            yield f"the request's {name} was {old!r} when the edit ran, is {new!r} in the entry"
    for record in entry.results:
        if record.seed not in entry.resolved.seeds:
            yield f"seed {record.seed} is none of those of the edit"


def _flat(data: Json, name: str = "") -> dict[str, Json]:
    """Nested JSON objects as one, with dotted names."""
    if not isinstance(data, dict):
        return {name: data}
    flat: dict[str, Json] = {}
    for key, value in data.items():
        flat |= _flat(value, f"{name}.{key}" if name else key)
    return flat
