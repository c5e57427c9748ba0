"""Run an entry again and say whether the very same pixels come out.

An entry comes from the data folder or out of a result's PNG; the pictures that it names must be
in the data folder, except that the result itself may be anywhere.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from genimg_ui.backend.base import CancelToken, Preview, Progress
from genimg_ui.core.image import decode
from genimg_ui.core.picture import Picture
from genimg_ui.editor import Editor, finish
from genimg_ui.errors import RefusedInput
from genimg_ui.history.metadata import entry_from_png
from genimg_ui.history.record import LogEntry, ResultRecord
from genimg_ui.history.store import Store
from genimg_ui.preparation import Stopwatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of one variant; `sentence` says it in words."""

    seed: int
    identical: bool
    sentence: str


def replay(editor: Editor, store: Store, entry: LogEntry) -> list[Replayed]:
    """Run every stored variant of `entry` again; raises RefusedInput, BackendError."""
    if not entry.results or entry.resolved is None:
        raise RefusedInput(f"Entry {entry.id} was {entry.state} and has no result to compare with.")
    seeds = tuple(record.seed for record in entry.results)
    first = replace(entry.request.sampling, seed=seeds[0], variants=len(seeds))
    again = replace(entry, request=replace(entry.request, sampling=first), results=())
    outcome = editor.compute(again, Stopwatch(), _ignore, CancelToken())
    facts = _different_facts(entry, outcome.entry)
    return [
        _compare(record, finish(outcome.prepared, patch), store, facts)
        for record, patch in zip(entry.results, outcome.patches, strict=True)
    ]


def _ignore(event: Progress | Preview) -> None:
    """Nobody watches a replay."""


def _compare(record: ResultRecord, picture: Picture, store: Store, facts: str) -> Replayed:
    if picture.pixels_sha256() == record.pixels_sha256:
        sentence = f"seed {record.seed}: identical"
        return Replayed(seed=record.seed, identical=True, sentence=sentence)
    difference = _largest_difference(_stored(record, store), picture)
    because = f"; {facts}" if facts else "; the versions recorded are the same"
    sentence = f"seed {record.seed}: differs ({difference}){because}"
    return Replayed(seed=record.seed, identical=False, sentence=sentence)


def _stored(record: ResultRecord, store: Store) -> Picture | None:
    """The stored result; None where its file is not in this data folder."""
    try:
        sha256 = record.sha256
        if not sha256:
            entry, index = store.find_result(record.pixels_sha256)
            sha256 = entry.results[index].sha256
        return decode(store.result_path(sha256))
    except RefusedInput:
        return None


def _largest_difference(before: Picture | None, after: Picture) -> str:
    if before is None:
        return "the stored result is not in this data folder, so not by how much"
    if before.pixels.shape != after.pixels.shape:
        return f"{before.size} became {after.size}"
    step = np.abs(before.pixels.astype(np.int64) - after.pixels.astype(np.int64))
    return f"largest difference {int(step.max())}, in {int(np.count_nonzero(step))} values"


def _different_facts(before: LogEntry, after: LogEntry) -> str:
    """Versions, device and kernel that are not what they were."""
    names = sorted(set(before.facts) | set(after.facts))
    pairs = [(name, before.facts.get(name, "?"), after.facts.get(name, "?")) for name in names]
    changes = [f"{name} was {old}, is {new}" for name, old, new in pairs if old != new]
    return "; ".join(changes)


def entry_named(store: Store, name: str) -> LogEntry:
    """The entry that a command line names: a result's PNG, or an entry's id."""
    path = Path(name)
    if path.suffix.lower() == ".png" or path.exists():
        return _from_png(path)
    return store.entry(name)


def _from_png(path: Path) -> LogEntry:
    if not path.exists():
        raise RefusedInput(f"There is no file {path}.")
    return entry_from_png(path)
