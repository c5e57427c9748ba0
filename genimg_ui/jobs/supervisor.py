"""Starts the worker process from the web process, and starts it again when it dies.

A job that dies with its worker fails with a sentence and is not tried again by itself. A worker
that goes on for long after its job was cancelled is ended. Closing the worker's standard input,
also by the death of this process, ends the worker.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from genimg_ui.core.serial import Json, to_json
from genimg_ui.errors import StorageError
from genimg_ui.jobs import lease
from genimg_ui.jobs.queue import JobQueue
from genimg_ui.jobs.runner import WorkerStatus
from genimg_ui.jobs.worker import DEFAULT_EDITOR

_LOOK_SECONDS = 0.2  # how soon the death of the worker is seen
_SWEEP_SECONDS = 2.0  # how often jobs of other workers that are gone are looked for
_FIRST_DELAY = 0.5  # seconds before a dead worker is replaced; doubled each time
_LONGEST_DELAY = 30.0
_LIVED_WELL = 30.0  # seconds after which a death does not count as a failed start
_STOP_SECONDS = 5.0  # for the worker to end after its input was closed
_LOG = logging.getLogger(__name__)


class WorkerSupervisor:
    """Owns one worker process. `options` go to the editor's factory as JSON."""

    def __init__(
        self,
        queue: JobQueue,
        models: Path,
        *,
        options: Mapping[str, object] | None = None,
        editor: str = DEFAULT_EDITOR,
        warm: bool = True,
        deaf_after: float = 30.0,  # seconds that a cancelled job may go on
    ) -> None:
        self._queue = queue
        self._models = models
        self._options: Json = to_json(dict(options or {}))
        self._editor = editor
        self._warm = warm
        self._deaf_after = deaf_after
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._name = ""
        self._started = 0.0  # monotonic seconds
        self._restarts = 0
        self._failures = 0  # in a row
        self._sentence = ""

    def start(self) -> None:
        """End what an earlier run left, start the worker, and watch over it."""
        self._queue.mark_interrupted()
        self._spawn()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the worker; a job that runs becomes `interrupted`."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        process = self._process
        if process is None:
            return
        _close_input(process)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        lease.forget(self._queue.store.data_dir, self._name)
        self._queue.mark_interrupted()

    def wake(self) -> None:
        """Tell the worker that a job may wait; without it the worker looks by itself."""
        with self._lock:
            if self._process is not None and self._process.stdin is not None:
                with suppress(OSError, ValueError):  # it died just now, and is replaced soon
                    self._process.stdin.write(b"wake\n")
                    self._process.stdin.flush()

    def status(self) -> WorkerStatus:
        """Whether the worker lives, and what became of the last one."""
        with self._lock:
            process = self._process
            running = process is not None and process.poll() is None
            return WorkerStatus(
                running=running,
                pid=process.pid if process is not None and running else None,
                restarts=self._restarts,
                sentence="" if running else self._sentence,
            )

    def _spawn(self) -> None:
        name = lease.new_worker_name()
        command = [sys.executable, "-m", "genimg_ui.jobs.worker", "--name", name]
        command += ["--data-dir", str(self._queue.store.data_dir), "--models", str(self._models)]
        command += ["--editor", self._editor, "--options", json.dumps(self._options)]
        command += [] if self._warm else ["--cold"]
        with self._lock:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, env=_environment())
            self._name = name
            self._started = time.monotonic()

    def _watch(self) -> None:
        next_sweep = time.monotonic() + _SWEEP_SECONDS
        while not self._stopping.wait(_LOOK_SECONDS):
            try:
                self._look()
                if time.monotonic() >= next_sweep:
                    next_sweep = time.monotonic() + _SWEEP_SECONDS
                    self._queue.mark_interrupted()
                    self._end_deaf()
            except (StorageError, OSError) as error:  # a full disk may be freed again
                _LOG.error("the worker cannot be looked after: %s", error)

    def _look(self) -> None:
        """Replace the worker if it has ended."""
        process = self._process
        if process is None:  # the system had no room for it before
            self._spawn()
            return
        if process.poll() is None:
            return
        sentence = (
            "The engine's process ended unexpectedly (out of memory?): "
            f"{_cause(process.returncode)}. The edit is not tried again by itself."
        )
        if time.monotonic() - self._started > _LIVED_WELL:
            self._failures = 0
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2**self._failures)
        with self._lock:
            self._failures += 1
            self._restarts += 1
            self._process = None
            self._sentence = (
                f"The engine's process ended ({_cause(process.returncode)}) and starts again "
                f"in {delay:g} s."
            )
        _close_input(process)
        _LOG.error("the worker %s ended: %s", self._name, _cause(process.returncode))
        try:
            self._queue.fail_jobs_of(self._name, sentence)
            lease.forget(self._queue.store.data_dir, self._name)
        finally:
            if not self._stopping.wait(delay):
                self._spawn()

    def _end_deaf(self) -> None:
        process = self._process
        if process is not None and self._queue.is_deaf(self._name, self._deaf_after):
            _LOG.warning("the worker %s does not hear a cancel and is ended", self._name)
            process.kill()


def _environment() -> dict[str, str]:
    """This process's own, in which the worker finds the package from any folder."""
    package = str(Path(__file__).resolve().parents[2])
    known = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": f"{package}{os.pathsep}{known}" if known else package}


def _close_input(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()


def _cause(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
