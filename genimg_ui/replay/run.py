"""Runs an entry again with an editor, and compares pixel by pixel."""

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from genimg_ui.backend.base import CancelToken, OnEvent, Preview, Progress
from genimg_ui.core.difference import difference, heat_map, same_kind
from genimg_ui.core.image import Limits, decode, stored_limits
from genimg_ui.core.picture import Picture
from genimg_ui.core.png import encode_png
from genimg_ui.core.request import SEED_LIMIT, EditRequest
from genimg_ui.core.resolve import Bounds
from genimg_ui.editor import NO_MEMORY, Editor, begin_entry
from genimg_ui.errors import BackendError, Cancelled, GenimgError, RefusedInput, UnknownItem
from genimg_ui.history.record import LogEntry, ResultRecord
from genimg_ui.pasting import finish
from genimg_ui.preparation import Running
from genimg_ui.replay.before import again_of
from genimg_ui.replay.changes import changes, weight_changes
from genimg_ui.replay.subject import Subject
from genimg_ui.replay.verdict import Replayed, ReplayedResult, Verdict, worst

KeepHeatMap = Callable[[str, bytes], Path]  # keeps a PNG; where
_LOG = logging.getLogger(__name__)
LONGEST_ID = 64  # characters of an entry's id in a file's name
RESULT_LIMITS = stored_limits(Limits(), Bounds())  # a result is larger than its source by a border


def _ignore(event: Progress | Preview) -> None:
    """Nobody watches."""


def replay(
    editor: Editor,
    subject: Subject,
    *,
    keep_heat_map: KeepHeatMap | None = None,
    on_event: OnEvent = _ignore,
    cancel: CancelToken | None = None,
) -> Replayed:
    """Run every variant of the subject again; what cannot run is a verdict, too.

    Where pixels differ, `keep_heat_map` gets a heat map under the name ENTRY-seed-SEED.png.
    Raises Cancelled, and what `keep_heat_map` raises.
    """
    entry = subject.entry
    if not entry.results or entry.resolved is None:
        reason = f"Entry {entry.id} ended as {entry.state}: it has no result to compare with."
        return Replayed(entry=entry.id, verdict=Verdict.REFUSED, reason=reason)
    results: list[ReplayedResult] = []
    differing: dict[str, None] = {}  # in the order in which they were found
    others: dict[str, None] = {}
    for records in _stretches(entry.results):
        running = Running(begin_entry(_same_seeds(entry, records), entry.inputs))
        again = again_of(entry, [record.seed for record in records])
        try:
            outcome = editor.compute(running, on_event, cancel or CancelToken(), again)
        except (RefusedInput, BackendError) as problem:
            return Replayed(entry=entry.id, verdict=Verdict.REFUSED, reason=str(problem))
        found = tuple(changes(replace(entry, executions=again.executions), running.entry))
        differing |= dict.fromkeys(found)
        others |= dict.fromkeys(weight_changes(entry, running.entry))
        for record, patch in zip(records, outcome.patches, strict=True):
            made = finish(outcome.prepared, patch)
            results.append(_held(subject, record, made, "; ".join(found), keep_heat_map))
    return _judged(entry, results, tuple(differing), tuple(others))


def attempt(entry_id: str, run: Callable[[], Replayed]) -> Replayed:
    """What `run` gives, or why it failed: one entry of many must not end the others.

    Raises Cancelled.
    """
    try:
        return run()
    except Cancelled:
        raise
    except GenimgError as problem:
        reason = str(problem)
    except MemoryError:
        reason = NO_MEMORY
    except Exception as problem:
        _LOG.exception("the replay of %s failed", entry_id)
        reason = f"The replay failed unexpectedly ({type(problem).__name__}: {problem})."
    return Replayed(entry=entry_id, verdict=Verdict.REFUSED, reason=reason)


def _stretches(records: Sequence[ResultRecord]) -> Iterator[tuple[ResultRecord, ...]]:
    """The results in order, those together that one request can ask for: each seed one more."""
    stretch: list[ResultRecord] = []
    for record in records:
        if stretch and record.seed != (stretch[-1].seed + 1) % SEED_LIMIT:
            yield tuple(stretch)
            stretch = []
        stretch.append(record)
    yield tuple(stretch)


def _held(
    subject: Subject,
    record: ResultRecord,
    again: Picture,
    changed: str,
    keep_heat_map: KeepHeatMap | None,
) -> ReplayedResult:
    """One variant held against its file, or against its digest where the file is not here."""
    try:
        kept = _kept(record, subject)
    except RefusedInput as problem:
        return _damaged(record, again, problem, changed)
    result = _compare(record, again, kept, changed)
    if keep_heat_map is None or kept is None or result.difference is None:
        return result
    shown = encode_png(Picture(heat_map(kept, again)))
    path = keep_heat_map(_heat_map_name(subject.entry, record), shown)
    return replace(result, heat_map=str(path))


def _heat_map_name(entry: LogEntry, record: ResultRecord) -> str:
    """A name without folders, whatever the entry calls itself."""
    plain = re.sub(r"[^0-9A-Za-z_-]", "_", entry.id)[:LONGEST_ID]
    return f"{plain}-seed-{record.seed}.png"


def _judged(
    before: LogEntry,
    results: Sequence[ReplayedResult],
    differing: tuple[str, ...],
    others: tuple[str, ...],
) -> Replayed:
    """The whole verdict. Other pixels of other weights are no difference: it was another model."""
    verdict, reason = worst(result.verdict for result in results), ""
    if others and verdict is Verdict.DIFFERS:
        verdict = Verdict.REFUSED
        reason = f"The weights here are not those of the edit: {'; '.join(others)}."
    return Replayed(
        entry=before.id,
        verdict=verdict,
        results=tuple(results),
        changes=differing,
        reason=reason,
    )


def _same_seeds(entry: LogEntry, records: Sequence[ResultRecord]) -> EditRequest:
    """The request with the seeds of these results, whatever was drawn or left out."""
    first = replace(entry.request.sampling, seed=records[0].seed, variants=len(records))
    return replace(entry.request, sampling=first)


def _compare(
    record: ResultRecord, again: Picture, kept: Picture | None, changed: str
) -> ReplayedResult:
    made = again.pixels_sha256()
    wanted = record.pixels_sha256 if kept is None else kept.pixels_sha256()
    if made == wanted:
        note = " to what the entry says; the result itself is not here" if kept is None else ""
        sentence = f"seed {record.seed}: identical{note}"
        return ReplayedResult(seed=record.seed, verdict=Verdict.IDENTICAL, sentence=sentence)
    if made == record.pixels_sha256:
        changed = "the file's pixels were changed after the edit, which comes out as it was"
    because = changed or "nothing that the entry records differs"
    found, words = None, "by how much cannot be told, for the result is not here"
    if kept is not None:
        found = difference(kept, again) if same_kind(kept, again) else None
        words = _in_words(kept, again)
    return ReplayedResult(
        seed=record.seed,
        verdict=Verdict.DIFFERS,
        sentence=f"seed {record.seed}: differs ({words}): {because}",
        difference=found,
    )


def _damaged(
    record: ResultRecord, again: Picture, problem: RefusedInput, changed: str
) -> ReplayedResult:
    """A file that is here and cannot be compared: never the same pixels."""
    because = changed or "nothing that the entry records differs"
    if again.pixels_sha256() == record.pixels_sha256:
        because = "the edit itself comes out as it was"
    what = f"the result's file is damaged: {problem.sentence.rstrip('.')}"
    return ReplayedResult(
        seed=record.seed,
        verdict=Verdict.DIFFERS,
        sentence=f"seed {record.seed}: differs ({what}): {because}",
    )


def _kept(record: ResultRecord, subject: Subject) -> Picture | None:
    """The result as it lies on disk; None where its file is not here.

    A file in hand is held to its own pixels, whatever its entry says of them. Raises RefusedInput
    where a file is here and is damaged.
    """
    if subject.picture is not None:
        return decode(subject.picture, RESULT_LIMITS)
    if not record.sha256:  # a file that is handed on does not name itself
        return None
    try:
        path = subject.store.result_path(record.sha256)
    except UnknownItem:
        return None
    return decode(path, RESULT_LIMITS)


def _in_words(before: Picture, after: Picture) -> str:
    if before.size != after.size:
        return f"{before.size} became {after.size}"
    if not same_kind(before, after):
        return f"{before.mode} of {before.bits} bits became {after.mode} of {after.bits} bits"
    found = difference(before, after)
    if found is None:
        raise ValueError("the pictures must differ")
    left, top, right, bottom = found.box
    return (
        f"largest difference {found.largest}, in {found.pixels} of {found.of} pixels, "
        f"from {left},{top} to {right - 1},{bottom - 1}"
    )
