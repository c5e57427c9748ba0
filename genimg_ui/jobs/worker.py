"""The worker process: takes jobs from the queue and runs them, until its standard input ends.

`python -m genimg_ui.jobs.worker --data-dir DIR --models FILE`. The web process holds the other
end of the input: when it dies, however it dies, the input ends and the worker goes at once. A
line on the input means that a job may wait. Engines are imported when they are needed first.
"""

import argparse
import importlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from genimg_ui.backend.base import CancelToken, OnEvent
from genimg_ui.core.request import EditInputs, EditRequest
from genimg_ui.core.serial import Json
from genimg_ui.history.record import LogEntry
from genimg_ui.history.store import Store
from genimg_ui.jobs.lease import WorkerLease, new_worker_name
from genimg_ui.jobs.looks import Asked, LookQueue
from genimg_ui.jobs.queue import JobQueue
from genimg_ui.jobs.replays import ReplayQueue, ReplayRunner
from genimg_ui.jobs.runner import EditorLike, JobRunner

DEFAULT_EDITOR = "genimg_ui.jobs.compose:build_editor"
_POLL_SECONDS = 0.1  # how often the queue is looked at where no line wakes the worker
_LEAST_PRIORITY = 19  # niceness: the page that starts beside the warm-up goes first
_LOG = logging.getLogger(__name__)


class LateEditor:
    """An editor that is built when it is asked first; what fails then fails that edit only."""

    def __init__(self, store: Store, arguments: argparse.Namespace) -> None:
        self._store = store
        self._arguments = arguments
        self._editor: EditorLike | None = None

    def apply(
        self,
        request: EditRequest,
        inputs: EditInputs,
        *,
        parent: str | None,
        entry_id: str | None,
        on_event: OnEvent,
        cancel: CancelToken,
    ) -> LogEntry:
        """Run one edit; the entry's state says how it ended."""
        return self._built().apply(
            request, inputs, parent=parent, entry_id=entry_id, on_event=on_event, cancel=cancel
        )

    def replay(self, entry: LogEntry, on_event: OnEvent, cancel: CancelToken) -> Json:
        """Run an entry's results again by the `replay_entry` beside the editor's factory."""
        module, _ = _factory(self._arguments)
        verdict: Json = module.replay_entry(self._built(), self._store, entry, on_event, cancel)
        return verdict

    def draw_map(self, asked: Asked) -> Json:
        """Draw a control map by the `draw_map` beside the editor's factory."""
        module, _ = _factory(self._arguments)
        answer: Json = module.draw_map(self._built(), self._store, asked)
        return answer

    def prepare(self) -> None:
        """Build the editor and warm its engine up while nothing waits."""
        try:
            self._built()
            warm_up(self._arguments)
        except Exception:  # the first edit meets the same and tells it
            _LOG.exception("the engine could not be prepared")

    def settle(self) -> None:
        """Let the engines rest from an edit while nothing waits."""
        settle = getattr(self._editor, "settle", None)
        if settle is None:
            return
        try:
            settle()
        except Exception:  # nothing was asked for, so there is nobody to tell
            _LOG.exception("the engine could not settle")

    def _built(self) -> EditorLike:
        if self._editor is None:
            module, name = _factory(self._arguments)
            options = json.loads(self._arguments.options)
            editor: EditorLike = getattr(module, name)(self._store, self._arguments.models, options)
            self._editor = editor
        return self._editor


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # Ctrl+C reaches the whole group; the web process decides when this one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # numba reads it once, at its import.
    os.environ.setdefault("NUMBA_CACHE_DIR", str(arguments.data_dir / "cache" / "numba"))
    wake = threading.Event()
    threading.Thread(target=_listen, args=(wake,), name="listen", daemon=True).start()
    if arguments.warm_up:
        os.nice(_LEAST_PRIORITY)
        warm_up(arguments)
        os._exit(0)  # `_listen` holds the standard input, which an ordinary exit would wait for
    store = Store(arguments.data_dir)
    with WorkerLease(arguments.data_dir, arguments.name or new_worker_name()) as lease:
        _serve(JobQueue(store), LateEditor(store, arguments), lease.name, wake, arguments)
    return 0


def warm_up(arguments: argparse.Namespace) -> None:
    """Call the `warm_up` beside the editor's factory, where there is one."""
    module, _ = _factory(arguments)
    compile_engine = getattr(module, "warm_up", None)
    if compile_engine is not None:
        compile_engine()


def _serve(
    queue: JobQueue,
    editor: LateEditor,
    name: str,
    wake: threading.Event,
    arguments: argparse.Namespace,
) -> None:
    """Run jobs for ever; `_listen` ends the process."""
    runner = JobRunner(queue, editor)
    warmer = None if arguments.cold else _start_warmer(arguments)
    replays = ReplayRunner(ReplayQueue(queue.store), editor.replay, queue.waiting)
    looks = LookQueue(queue.store)
    settled = True
    while True:
        job = queue.claim(name)
        if job is not None:
            if warmer is not None:
                warmer.kill()  # the edit compiles what it needs, with both cores
            runner.run(job)
            settled = False
            continue
        if looks.run_next(name, editor.draw_map) or replays.run_next(name):
            continue
        if warmer is not None and warmer.poll() is not None:
            warmer = None
            editor.prepare()
        if not settled:
            settled = True
            editor.settle()
            continue
        wake.wait(_POLL_SECONDS)
        wake.clear()


def _start_warmer(arguments: argparse.Namespace) -> "subprocess.Popen[bytes]":
    """Compile in a process of low priority, into the cache that this process then loads.

    A priority that was lowered cannot be raised again, so it must not be this process's own.
    The pipe ends the child when this process dies.
    """
    command = [sys.executable, "-m", "genimg_ui.jobs.worker", "--warm-up"]
    command += ["--data-dir", str(arguments.data_dir), "--models", str(arguments.models)]
    command += ["--editor", arguments.editor]
    return subprocess.Popen(command, stdin=subprocess.PIPE)


def _listen(wake: threading.Event) -> None:
    """Turn lines into wake-ups; end the process with the input."""
    for _ in sys.stdin.buffer:
        wake.set()
    # Not sys.exit: the main thread may be deep in an engine. What it wrote so far is whole,
    # and what it did not record becomes `interrupted`.
    os._exit(0)


def _factory(arguments: argparse.Namespace) -> tuple[ModuleType, str]:
    module, _, name = arguments.editor.partition(":")
    return importlib.import_module(module), name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="genimg_ui.jobs.worker", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--name", default="", help="how the queue knows this worker")
    parser.add_argument("--editor", default=DEFAULT_EDITOR, help="module:factory")
    parser.add_argument("--options", default="{}", help="JSON object for the factory")
    parser.add_argument("--cold", action="store_true", help="do not compile beforehand")
    parser.add_argument("--warm-up", action="store_true", help="compile the engine and end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
