"""What is not as an entry says: its request, the way to the engine, versions, weights, machine."""

from collections.abc import Iterator, Mapping

from genimg_ui.core.provenance import FileRecord, ModelRecord, PartRecord
from genimg_ui.core.serial import Json, to_json
from genimg_ui.history.record import LogEntry
from genimg_ui.replay.before import tells_all

_WORDS = {
    "plan": "the context box or the working size",
    "painted_sha256": "the painted mask",
    "composite_sha256": "the mask",
    "denoise_sha256": "the mask that the engine sees",
    "control_sha256": "a control map",
    "filled_sha256": "the fill under the mask",
}
# Roles of parts that are weights.
_WEIGHTS = (
    "controlnet",
    "embedding",
    "image_encoder",
    "lora",
    "prior",
    "reference",
    "refiner",
    "t2i_adapter",
)
_LATELY = ("image_encoder",)  # roles that older entries do not tell, though they had them
_PAGE = ("gradio",)  # noted for edits of the page alone, and without a part in any pixel
_OF_LOOKS = ("placement", "tuning")  # facts in words; `executions` tells more
_SHOWN = 12  # hex digits of a digest: enough to be told apart


def changes(before: LogEntry, after: LogEntry) -> Iterator[str]:
    """A few words for each thing, also for what only one of the two has.

    What an entry of the first schema does not tell is passed over.
    """
    yield from _request_changes(before)
    for name, words in _WORDS.items():
        then, now = getattr(before, name), getattr(after, name)
        if then and then != now:
            yield f"{words} differs"
    made = _made_changes(before, after)
    yield from dict.fromkeys((*made, *weight_changes(before, after)))  # a part may be in both
    yield from dict.fromkeys(_look_changes(before, after))


def weight_changes(before: LogEntry, after: LogEntry) -> Iterator[str]:
    """Where weights are not those of the edit: other files, or a part that only one of them has."""
    if before.model is None or after.model is None:
        return
    yield from _file_changes(before.model.id, before.model.files, after.model.files)
    then, now = _parts(before.model), _parts(after.model)
    for name in sorted(set(then) & set(now)):
        yield from _file_changes(name, then[name].files, now[name].files)
    for name in sorted(set(then) ^ set(now)):
        part = then.get(name) or now[name]
        told = tells_all(before) and part.role not in _LATELY
        if part.role in _WEIGHTS and (name in then or told):
            was, is_now = (_source(parts[name]) if name in parts else None for parts in (then, now))
            yield _was(name, was, is_now)


def _made_changes(before: LogEntry, after: LogEntry) -> Iterator[str]:
    looks = bool(before.executions and after.executions)
    then, now = _made_with(before, looks=looks), _made_with(after, looks=looks)
    for name in sorted(set(then) | set(now)):
        both = name in then and name in now
        told = name in then or (tells_all(before) and not name.startswith(_LATELY))
        if then.get(name) != now.get(name) and (both or (told and name not in _PAGE)):
            yield _was(name, then.get(name), now.get(name))


def _look_changes(before: LogEntry, after: LogEntry) -> Iterator[str]:
    """Where a look of the model was fitted to the machine in another way."""
    for then, now in zip(before.executions, after.executions, strict=False):
        old, new = to_json(then), to_json(now)
        for name in old:
            if old[name] != new[name]:
                yield _was(name, _shown(old[name]), _shown(new[name]))


def _shown(value: Json) -> Json:
    """A list in words; what was not there as such."""
    return (", ".join(value) or None) if isinstance(value, list) else value


def _was(name: str, then: Json, now: Json) -> str:
    was, is_now = ("absent" if value is None else value for value in (then, now))
    return f"{name} was {was}, is {is_now}"


def _parts(model: ModelRecord) -> Mapping[str, PartRecord]:
    return {f"{part.role} {part.name}": part for part in model.parts}


def _source(part: PartRecord) -> str:
    return " ".join((part.source, part.revision)).strip() or "there"


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


def _made_with(entry: LogEntry, *, looks: bool) -> dict[str, Json]:
    """Versions, engine and machine by name; what is not told is not there.

    With `looks`, what the entry says of each look of the model is compared by itself.
    """
    told: dict[str, Json] = {}
    if entry.model is not None:
        told |= _flat(to_json(entry.model) | {"files": [], "parts": []})
        told |= {name: _source(part) for name, part in _parts(entry.model).items()}
    if entry.runtime is not None:
        told |= _flat(to_json(entry.runtime))
    known = {name: value for name, value in told.items() if value not in ("", 0, [], {}, None)}
    left = _OF_LOOKS if looks else ()
    facts = {name: fact for name, fact in entry.facts.items() if name not in left}
    return known | entry.environment | facts


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
