"""Evaluations of one data folder, started from the page, one at a time.

```
data/evaluations/<id>/asked.json   what was asked for, and by which session
                      pictures/    a session's own results, where these are cut and filled anew
                      listed.txt   or the entries and places of those to measure as they are
                      run/         the folder of the evaluation (evaluation/folder.py)
                      log.txt      what the command said
                      alive        locked by the kernel for as long as the process lives
```
So what runs is known whoever watches, also after this program was started again. What was stopped
or killed goes on where it was.
"""

import json
import shutil
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from genimg_ui.core.serial import from_json, to_json
from genimg_ui.errors import RefusedInput, StorageError, UnknownItem
from genimg_ui.evaluation.folder import REPORT
from genimg_ui.evaluations.kept import (
    Evaluation,
    Kept,
    State,
    Wanted,
    check_wanted,
    fraction,
    last_line,
    protocol_path,
)
from genimg_ui.evaluations.process import ask_to_end, spawn
from genimg_ui.history.files import make_folder, storage_error, write_whole
from genimg_ui.history.locks import is_held
from genimg_ui.history.names import check_session, is_session, new_session_key, utc_now

FOLDER, LISTED = "evaluations", "listed.txt"
CLOSED = (
    "This page is open to everyone, so evaluations cannot be started here: whoever runs it does "
    "that on the command line."
)
MOST_PICTURES = 1000  # of a session's own results
_STOP_SECONDS = 10.0  # for the command to end after it was asked to


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """One result of the session: the place in its entry, and its file."""

    entry: str
    index: int
    path: Path


class Evaluations:
    """Starts, follows and stops them; safe to share between threads. `public`: starts none."""

    def __init__(self, data_dir: Path, models: Path, *, public: bool = False) -> None:
        self._data_dir = data_dir
        self._models = models
        self._folder = make_folder(data_dir / FOLDER)
        self.closed = CLOSED if public else ""
        self._lock = threading.Lock()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, session: str, wanted: Wanted, results: Sequence[Own] = ()) -> str:
        """Start one of these results, as pictures or as they are, where there are any; its id.

        Raises RefusedInput, StorageError.
        """
        self._check_open()
        check_wanted(wanted)
        if len(results) > MOST_PICTURES or (wanted.as_they_are and not results):
            raise RefusedInput(
                f"1 to {MOST_PICTURES} results can be evaluated, got {len(results)}."
            )
        kept = Kept(
            id=new_session_key(),
            owner=check_session(session),
            created=utc_now(),
            wanted=wanted,
            own_results=len(results),
        )
        with self._lock:
            self._check_alone()
            folder = make_folder(self._folder / kept.id)
            try:
                if wanted.as_they_are:
                    lines = "".join(f"{one.entry} {one.index}\n" for one in results)
                    write_whole(folder / LISTED, lines.encode(), "the list of results")
                else:
                    self._copy([one.path for one in results], folder / "pictures")
                self._keep(kept)
                self._run(kept)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        return kept.id

    def resume(self, session: str, evaluation_id: str) -> None:
        """Go on with one that was stopped or has failed."""
        self._check_open()
        with self._lock:
            self._check_alone()
            self._run(self._own(session, evaluation_id))

    def stop(self, session: str, evaluation_id: str) -> None:
        """Ask the command to end; what it has made is kept."""
        with self._lock:
            kept = self._own(session, evaluation_id)
            if self._alive(kept.id):
                self._keep(replace(kept, stopped=True))
                ask_to_end(kept.pid)

    def remove(self, session: str, evaluation_id: str) -> None:
        """Remove an evaluation that does not run, with its pictures and report."""
        kept = self._own(session, evaluation_id)
        if self._alive(kept.id):
            raise RefusedInput("An evaluation that runs must be stopped before it is removed.")
        try:
            shutil.rmtree(self._folder / kept.id)
        except OSError as error:
            raise storage_error(error, self._data_dir, "the removal of an evaluation") from error

    def of_session(self, session: str) -> list[Evaluation]:
        """The session's evaluations, newest first."""
        mine = [kept for kept in self._all() if kept.owner == session]
        return [self._now(kept) for kept in sorted(mine, key=lambda k: k.created, reverse=True)]

    def result_folder(self, session: str, evaluation_id: str) -> Path:
        """The folder that `evaluate` writes; UnknownItem where it is not this session's."""
        return self._folder / self._own(session, evaluation_id).id / "run"

    def close(self) -> None:
        """Stop what this program has started; it can go on after the next start."""
        running = []
        for name, process in self._processes.items():
            if process.poll() is None:
                with suppress(UnknownItem, StorageError):
                    self._keep(replace(self._kept(name), stopped=True))
                ask_to_end(process.pid)
                running.append(process)
        for process in running:
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _check_open(self) -> None:
        if self.closed:
            raise RefusedInput(self.closed)

    def _check_alone(self) -> None:
        if any(self._alive(kept.id) for kept in self._all()):
            raise RefusedInput(
                "One evaluation runs at a time, and one is running.",
                remedy="Wait for its end, or stop it.",
            )

    def _run(self, kept: Kept) -> None:
        folder = self._folder / kept.id
        arguments = _of_results(folder, kept) if kept.wanted.as_they_are else _asked(folder, kept)
        arguments += ["--out", str(folder / "run"), "--data-dir", str(self._data_dir)]
        arguments += ["--models-file", str(self._models)]
        process = spawn(arguments, folder / "alive", folder / "log.txt")
        self._processes[kept.id] = process
        self._keep(replace(kept, pid=process.pid, stopped=False))

    def _now(self, kept: Kept) -> Evaluation:
        folder = self._folder / kept.id
        report = folder / "run" / REPORT
        if self._alive(kept.id):
            state = State.STOPPING if kept.stopped else State.RUNNING
        elif report.is_file():
            state = State.DONE
        else:
            state = State.STOPPED if kept.stopped else State.FAILED
        done = state is State.DONE
        return Evaluation(
            kept=kept,
            state=state,
            fraction=1.0 if done else self._fraction(kept),
            text=last_line(folder / "log.txt"),
            report=report if report.is_file() else None,
        )

    def _fraction(self, kept: Kept) -> float:
        total = kept.own_results if kept.wanted.as_they_are else None
        return fraction(self._folder / kept.id / "run", len(kept.wanted.models), total)

    def _all(self) -> list[Kept]:
        for process in self._processes.values():
            process.poll()  # ends what would stay a zombie
        found = []
        for folder in self._folder.iterdir():
            with suppress(UnknownItem, StorageError):
                found.append(self._kept(folder.name))
        return found

    def _alive(self, evaluation_id: str) -> bool:
        return is_held(self._folder / evaluation_id / "alive")

    def _own(self, session: str, evaluation_id: str) -> Kept:
        kept = self._kept(evaluation_id)
        if kept.owner != check_session(session):
            raise UnknownItem(f"The evaluation {evaluation_id[:8]} is not in this session.")
        return kept

    def _kept(self, evaluation_id: str) -> Kept:
        if not is_session(evaluation_id):
            raise UnknownItem(f"There is no evaluation {evaluation_id[:40]!r}.")
        path = self._folder / evaluation_id / "asked.json"
        try:
            return from_json(Kept, json.loads(path.read_text("utf-8")))
        except FileNotFoundError as error:
            raise UnknownItem(f"There is no evaluation {evaluation_id[:8]}.") from error
        except (OSError, ValueError) as error:
            raise StorageError(f"{path} cannot be read: {error}.") from error

    def _keep(self, kept: Kept) -> None:
        content = json.dumps(to_json(kept), ensure_ascii=False, indent=1).encode()
        write_whole(self._folder / kept.id / "asked.json", content, "the evaluation")

    def _copy(self, results: Sequence[Path], folder: Path) -> None:
        """Copies of results, in their order; the same result counts once."""
        if not results:
            return
        make_folder(folder)
        try:
            for number, path in enumerate(dict.fromkeys(results), start=1):
                shutil.copyfile(path, folder / f"{number:04d}{path.suffix}")
        except OSError as error:
            raise storage_error(error, self._data_dir, "the pictures") from error


def _asked(folder: Path, kept: Kept) -> list[str]:
    """The command `evaluate`, but for its places."""
    wanted = kept.wanted
    protocol = str(protocol_path(wanted).resolve())
    arguments = ["evaluate", protocol, "--models", ",".join(wanted.models)]
    if kept.own_results:
        return [*arguments, "--pictures", str(folder / "pictures")]
    if wanted.pictures is None:
        return arguments
    return [*arguments, "--pictures", str(Path(wanted.pictures).expanduser().resolve())]


def _of_results(folder: Path, kept: Kept) -> list[str]:
    """The command `measure`, but for its places."""
    compared = "settings" if kept.wanted.by_settings else "models"
    listed = ["--listed", str(folder / LISTED), "--compare", compared]
    return ["measure", "--session", kept.owner, *listed]
