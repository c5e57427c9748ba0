"""Run an entry again and say whether the very same pixels come out.

An entry comes from the data folder or out of a result's PNG; the pictures that it names must be
in the data folder, except that the result itself may be anywhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from genimg_ui.backend.base import CancelToken, Preview, Progress
from genimg_ui.core.image import Limits, decode, stored_limits
from genimg_ui.core.picture import Picture
from genimg_ui.core.resolve import Bounds
from genimg_ui.core.serial import Json, to_json
from genimg_ui.editor import Editor, begin_entry, finish
from genimg_ui.errors import RefusedInput
from genimg_ui.history.metadata import entry_from_png
from genimg_ui.history.record import LogEntry, ResultRecord
from genimg_ui.history.store import Store
from genimg_ui.preparation import Running

RESULT_LIMITS = stored_limits(Limits(), Bounds())  # a result is larger than its source by a border


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of one variant; `sentence` says it in words."""

    seed: int
    identical: bool
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a person names to be replayed: an entry, and the PNG in hand where it came from one."""

    entry: LogEntry
    png: Path | None = None


def replay(editor: Editor, store: Store, named: Named) -> list[Replayed]:
    """Run every variant that was named again; raises RefusedInput, BackendError.

    A PNG in hand is held to its own pixels, whatever its entry says of them.
    """
    entry = named.entry
    if not entry.results or entry.resolved is None:
        raise RefusedInput(
            f"Entry {entry.id} ended as {entry.state}: it has no result to compare with."
        )
    seeds = tuple(record.seed for record in entry.results)
    first = replace(entry.request.sampling, seed=seeds[0], variants=len(seeds))
    running = Running(begin_entry(replace(entry.request, sampling=first), entry.inputs))
    outcome = editor.compute(running, _ignore, CancelToken())
    changes = "; ".join(_changes(entry, running.entry))
    return [
        _compare(record, finish(outcome.prepared, patch), _kept(record, store, named.png), changes)
        for record, patch in zip(entry.results, outcome.patches, strict=True)
    ]


def _ignore(event: Progress | Preview) -> None:
    """Nobody watches a replay."""


def _compare(record: ResultRecord, again: Picture, kept: Picture | None, changes: str) -> Replayed:
    made = again.pixels_sha256()
    wanted = record.pixels_sha256 if kept is None else kept.pixels_sha256()
    if made == wanted:
        note = " to what the entry says; the result itself is not here" if kept is None else ""
        return Replayed(
            seed=record.seed, identical=True, sentence=f"seed {record.seed}: identical{note}"
        )
    if made == record.pixels_sha256:
        changes = "the file's pixels were changed after the edit, which comes out as it was"
    because = changes or "nothing that the entry records differs"
    sentence = f"seed {record.seed}: differs ({_largest_difference(kept, again)}): {because}"
    return Replayed(seed=record.seed, identical=False, sentence=sentence)


def _kept(record: ResultRecord, store: Store, png: Path | None) -> Picture | None:
    """The result as it lies on disk; None where its file is not in this data folder."""
    if png is not None:
        return decode(png, RESULT_LIMITS)
    try:
        return decode(store.result_path(record.sha256), RESULT_LIMITS)
    except RefusedInput:
        return None


def _largest_difference(before: Picture | None, after: Picture) -> str:
    if before is None:
        return "by how much cannot be told, for the result is not in this data folder"
    if before.size != after.size:
        return f"{before.size} became {after.size}"
    if before.pixels.shape != after.pixels.shape or before.bits != after.bits:
        return f"{before.mode} of {before.bits} bits became {after.mode} of {after.bits} bits"
    step = np.abs(before.pixels.astype(np.int32) - after.pixels.astype(np.int32))
    changed = step if step.ndim == 2 else step.max(axis=2)
    return f"largest difference {int(step.max())}, in {int(np.count_nonzero(changed))} pixels"


def _changes(before: LogEntry, after: LogEntry) -> Iterator[str]:
    """What is not as the entry says: request, plan, masks, versions, device and kernel."""
    yield from _request_changes(before)
    for name in _WORDS:
        then, now = getattr(before, name), getattr(after, name)
        if then and then != now:
            yield f"{_WORDS[name]} differs"
    made_then, made_now = _made_with(before), _made_with(after)
    for name in sorted(set(made_then) & set(made_now)):
        if made_then[name] != made_now[name]:
            yield f"{name} was {made_then[name]}, is {made_now[name]}"


_WORDS = {
    "plan": "the context box or the working size",
    "painted_sha256": "the painted mask",
    "composite_sha256": "the mask",
    "denoise_sha256": "the mask that the engine sees",
    "control_sha256": "a control map",
    "filled_sha256": "the fill under the mask",
}


def _made_with(entry: LogEntry) -> dict[str, Json]:
    """Versions, weights and machine by name; what an older entry does not tell is not there."""
    told = _flat({"model": to_json(entry.model), "runtime": to_json(entry.runtime)})
    known = {name.partition(".")[2] or name: value for name, value in told.items()}
    known = {name: value for name, value in known.items() if value not in ("", 0, [], None)}
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


def entry_named(store: Store, name: str) -> Named:
    """What a command line names: a result's PNG, or an entry's id."""
    path = Path(name)
    if path.suffix.lower() != ".png" and not path.exists():
        return Named(entry=store.entry(name))
    if not path.is_file():
        raise RefusedInput(f"There is no file {path}.")
    return Named(entry=entry_from_png(path), png=path)
