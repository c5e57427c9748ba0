"""Runs an entry again with an editor, and compares pixel by pixel."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from genimg_ui.backend.base import CancelToken, OnEvent, Preview, Progress
from genimg_ui.core.difference import difference, heat_map, same_kind
from genimg_ui.core.image import Limits, decode, stored_limits
from genimg_ui.core.picture import Picture
from genimg_ui.core.png import encode_png
from genimg_ui.core.request import EditRequest
from genimg_ui.core.resolve import Bounds
from genimg_ui.editor import Editor, begin_entry, finish
from genimg_ui.errors import BackendError, RefusedInput
from genimg_ui.history.record import LogEntry, ResultRecord
from genimg_ui.preparation import Running
from genimg_ui.replay.changes import changes, weight_changes
from genimg_ui.replay.subject import Subject
from genimg_ui.replay.verdict import Replayed, ReplayedResult, Verdict, worst

KeepHeatMap = Callable[[str, bytes], Path]  # keeps a PNG; where
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
    running = Running(begin_entry(_same_seeds(entry), entry.inputs))
    try:
        outcome = editor.compute(running, on_event, cancel or CancelToken())
    except (RefusedInput, BackendError) as problem:
        return Replayed(entry=entry.id, verdict=Verdict.REFUSED, reason=str(problem))
    differing = tuple(changes(entry, running.entry))
    results = []
    for record, patch in zip(entry.results, outcome.patches, strict=True):
        again = finish(outcome.prepared, patch)
        kept = _kept(record, subject)
        result = _compare(record, again, kept, "; ".join(differing))
        if keep_heat_map is not None and kept is not None and result.difference is not None:
            shown = encode_png(Picture(heat_map(kept, again)))
            path = keep_heat_map(f"{entry.id}-seed-{record.seed}.png", shown)
            result = replace(result, heat_map=str(path))
        results.append(result)
    return _judged(entry, running.entry, results, differing)


def _judged(
    before: LogEntry,
    after: LogEntry,
    results: Sequence[ReplayedResult],
    differing: tuple[str, ...],
) -> Replayed:
    """The whole verdict. Other pixels of other weights are no difference: it was another model."""
    verdict, reason = worst(result.verdict for result in results), ""
    others = list(weight_changes(before.model, after.model))
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


def _same_seeds(entry: LogEntry) -> EditRequest:
    """The request with the seeds that the results have, whatever was drawn or left out."""
    seeds = [record.seed for record in entry.results]
    first = replace(entry.request.sampling, seed=seeds[0], variants=len(seeds))
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


def _kept(record: ResultRecord, subject: Subject) -> Picture | None:
    """The result as it lies on disk; None where its file is not here.

    A file in hand is held to its own pixels, whatever its entry says of them.
    """
    if subject.picture is not None:
        return decode(subject.picture, RESULT_LIMITS)
    try:
        return decode(subject.store.result_path(record.sha256), RESULT_LIMITS)
    except RefusedInput:
        return None


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
