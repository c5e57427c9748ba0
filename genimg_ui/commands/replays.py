"""The commands `replay` and `bundle`; `flags` is what `cli` parsed."""

import argparse
import json
import sys
from functools import partial
from pathlib import Path

from genimg_ui import bundle as bundles
from genimg_ui.commands.workbench import Workbench
from genimg_ui.core.serial import to_json
from genimg_ui.errors import RefusedInput, StorageError, UnknownItem
from genimg_ui.evaluation.baselines import with_baselines
from genimg_ui.history.files import make_folder, write_whole
from genimg_ui.history.metadata import entry_from_file
from genimg_ui.history.record import LogEntry
from genimg_ui.history.store import Store
from genimg_ui.replay import LogLine, Replayed, Subject, Verdict, attempt, log_lines, opened, worst
from genimg_ui.replay import replay as run_again

STATUS = {Verdict.IDENTICAL: 0, Verdict.DIFFERS: 1, Verdict.REFUSED: 2}
FAILURE = 3  # of the program itself; 1 says that pixels differ
ENDINGS = (
    "Exit status: 0 every pixel is the same, 1 pixels differ, 2 it cannot run or there is nothing "
    "to replay, 3 the program failed. Of several entries, 1 outweighs 2."
)


def replay(flags: argparse.Namespace) -> int:
    """Run one entry or a whole log again; 0 only where every pixel is the same."""
    if (flags.entry is None) == (flags.all is None):
        raise RefusedInput("replay must be given one entry, or --all with a log.")
    if flags.heatmap is not None:
        make_folder(flags.heatmap)
    with Workbench(flags) as place:
        return _one(place, flags) if flags.all is None else _all(place, flags)


def bundle(flags: argparse.Namespace) -> int:
    """Write the replay bundle of an entry, or of the one result whose PNG is given."""
    if flags.out.suffix.lower() != ".zip":
        raise RefusedInput(f"--out must name a .zip file, got {flags.out.name!r}.")
    store = Store.open(flags.data_dir)
    try:
        entry, index = _entry_and_index(store, flags.entry)
        _write(store, entry, index, flags.out)
    finally:
        store.close()
    size = flags.out.stat().st_size
    if flags.json:
        print(json.dumps({"path": str(flags.out), "entry": entry.id, "bytes": size}))
    else:
        print(f"{flags.out}  entry {entry.id}  {size / 1e6:.2f} MB")
    return STATUS[Verdict.IDENTICAL]


def _one(place: Workbench, flags: argparse.Namespace) -> int:
    with opened(place.store, flags.entry) as subject:
        outcome = _again(place, subject, flags)
    if flags.json:
        print(json.dumps(_told(outcome)))
    elif outcome.verdict is Verdict.REFUSED:
        print("\n".join(outcome.sentences()), file=sys.stderr)
    else:
        print("\n".join(outcome.sentences()))
    return STATUS[outcome.verdict]


def _all(place: Workbench, flags: argparse.Namespace) -> int:
    """Every entry of a log that has results; the others are counted.

    Raises RefusedInput where no line has anything to replay.
    """
    outcomes: list[Replayed] = []
    skipped = 0
    for line in log_lines(place.store, flags.all):
        if line.entry is not None and not line.entry.results:
            skipped += 1
            continue
        outcomes.append(_of_line(place, line, flags))
        if not flags.json:
            for sentence in outcomes[-1].sentences():
                print(f"{outcomes[-1].entry}  {sentence}", flush=True)
    if not outcomes:
        raise RefusedInput(
            f"There is nothing to replay in {flags.all}: {skipped} entries, none with a result."
        )
    counts = {str(v): sum(o.verdict is v for o in outcomes) for v in Verdict}
    verdict = worst(outcome.verdict for outcome in outcomes)
    if flags.json:
        told = [_told(outcome) for outcome in outcomes]
        summary = {"verdict": str(verdict), "without_result": skipped, **counts}
        print(json.dumps({**summary, "entries": told}))
    else:
        words = ", ".join(f"{count} {name}" for name, count in counts.items())
        print(f"{len(outcomes)} entries: {words}; {skipped} without a result passed over")
    return STATUS[verdict]


def _of_line(place: Workbench, line: LogLine, flags: argparse.Namespace) -> Replayed:
    if line.entry is None:
        name = f"line {line.number}"
        return Replayed(entry=name, verdict=Verdict.REFUSED, reason=line.problem)
    subject = Subject(entry=line.entry, store=place.store)
    return attempt(line.entry.id, lambda: _again(place, subject, flags))


def _again(place: Workbench, subject: Subject, flags: argparse.Namespace) -> Replayed:
    # The plain fills of an evaluation are in no models.yaml, and its store has their entries.
    editor = place.editor_of(subject.store, with_baselines(place.registry))
    keep = None if flags.heatmap is None else partial(_keep_heat_map, flags.heatmap)
    return run_again(editor, subject, keep_heat_map=keep)


def _keep_heat_map(folder: Path, name: str, png: bytes) -> Path:
    target = folder / Path(name).name
    write_whole(target, png, "the heat map")
    return target


def _told(outcome: Replayed) -> dict[str, object]:
    identical = outcome.verdict is Verdict.IDENTICAL
    return {**to_json(outcome), "identical": identical}


def _entry_and_index(store: Store, name: str) -> tuple[LogEntry, int | None]:
    """The entry that is named by its id, or by the PNG of one of its results."""
    path = Path(name)
    if path.suffix.lower() != ".png" and not path.exists():
        return store.entry(name), None
    if not path.is_file():
        raise RefusedInput(f"There is no file {path}.")
    claimed = entry_from_file(path)
    for record in claimed.results:
        try:
            return store.find_result(record.pixels_sha256)
        except UnknownItem:
            continue
    raise UnknownItem(
        f"The result {path.name} is not in the data folder: its bundle can only be made there.",
        remedy="Choose the data folder of the edit with --data-dir.",
    )


def _write(store: Store, entry: LogEntry, index: int | None, out: Path) -> None:
    unfinished = out.with_name(f".{out.name}.part")
    try:
        with unfinished.open("wb") as file:
            bundles.pack(store, entry, file, index=index)
        unfinished.replace(out)
    except OSError as error:
        raise StorageError(f"{out} could not be written: {error.strerror}.") from error
    finally:
        unfinished.unlink(missing_ok=True)
