"""Runs a claimed job through the editor, and tells the queue how far it is.

While the editor works, a second thread writes progress and preview to the queue and carries the
person's wish to cancel to the editor. The second thread needs the interpreter now and then: an
engine that holds it for long delays the cancel by as much.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from genimg_ui.backend.base import CancelToken, OnEvent, Preview, Progress
from genimg_ui.core.request import EditInputs, EditRequest
from genimg_ui.errors import Cancelled, GenimgError, RefusedInput, StorageError
from genimg_ui.history.files import write_whole
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.history.thumbs import jpeg
from genimg_ui.jobs.job import Job, ended_entry, preview_place
from genimg_ui.jobs.lease import WorkerLease, new_worker_name
from genimg_ui.jobs.queue import JobQueue

POLL_SECONDS = 0.1  # how often the wish to cancel is read
WRITE_SECONDS = 0.2  # progress and previews are written no more often
DISK_SECONDS = 1.0  # between two tries to record an end on a disk that refuses
INLINE_PATIENCE = 10.0  # seconds; a request cannot wait for ever
BEAT_SECONDS = 2.0  # and no less often than this, as a sign of life
PREVIEW_SIDE = 512  # pixels of the longer side
_LOG = logging.getLogger(__name__)


class EditorLike(Protocol):
    """The part of the editor that a runner needs."""

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
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """Whether edits can run now; `sentence` says why not."""

    running: bool
    pid: int | None
    restarts: int
    sentence: str


class JobRunner:
    """Runs one job after the other in the thread that calls `run`."""

    def __init__(self, queue: JobQueue, editor: EditorLike, *, patience: float = math.inf) -> None:
        self._queue = queue
        self._editor = editor
        self._patience = patience  # seconds to wait for a disk that refuses the log's line

    def run(self, job: Job) -> LogEntry:
        """Run a job that this worker has claimed, and record its end."""
        cancel = CancelToken()
        with _Reporter(self._queue, job, cancel) as reporter:
            entry = self._apply(job, reporter.on_event, cancel)
        self._record(job, entry)
        return entry

    def _record(self, job: Job, entry: LogEntry) -> None:
        """Record the end; where the disk refuses, wait for it: the results lie there already."""
        until = time.monotonic() + self._patience
        while True:
            try:
                self._queue.finish(job, entry)
                return
            except StorageError as error:
                if time.monotonic() >= until:
                    raise
                _LOG.error("the end of job %s waits for the disk: %s", job.id, error)
                with suppress(StorageError):
                    text = f"waiting: {error}"
                    self._queue.beat(job.id, fraction=1.0, text=text, preview_rev=0)
            time.sleep(DISK_SECONDS)

    def _apply(self, job: Job, on_event: OnEvent, cancel: CancelToken) -> LogEntry:
        try:
            return self._editor.apply(
                job.request,
                job.inputs,
                parent=job.parent,
                entry_id=job.id,
                on_event=on_event,
                cancel=cancel,
            )
        except Cancelled:
            return ended_entry(job, EntryState.CANCELLED)
        except GenimgError as error:
            return ended_entry(job, EntryState.FAILED, str(error))
        except Exception as error:
            _LOG.exception("job %s failed", job.id)
            sentence = f"The edit failed unexpectedly: {type(error).__name__}: {error}"
            return ended_entry(job, EntryState.FAILED, sentence)


class InlineRunner:
    """Runs jobs in this process: where the host lends its GPU to the request, and in tests.

    Offers what `WorkerSupervisor` offers.
    """

    def __init__(self, queue: JobQueue, editor: EditorLike) -> None:
        self._queue = queue
        self._runner = JobRunner(queue, editor, patience=INLINE_PATIENCE)
        self._one_at_a_time = threading.Lock()

    def start(self) -> None:
        """End what an earlier run of the program left."""
        self._queue.mark_interrupted()

    def stop(self) -> None:
        """Nothing runs on its own here."""

    def wake(self) -> None:
        """Nothing sleeps here."""

    def status(self) -> WorkerStatus:
        return WorkerStatus(running=True, pid=None, restarts=0, sentence="")

    def run_one(self, job_id: str) -> LogEntry:
        """Run this waiting job, after those that run in other threads of this process."""
        return self._run(lambda worker: self._queue.claim_job(worker, job_id), job_id)

    def run_next(self) -> LogEntry:
        """Run the job whose turn it is."""
        return self._run(self._queue.claim, "any")

    def _run(self, claim: Callable[[str], Job | None], wanted: str) -> LogEntry:
        with (
            self._one_at_a_time,
            WorkerLease(self._queue.store.data_dir, new_worker_name()) as lease,
        ):
            job = claim(lease.name)
            if job is None:
                raise RefusedInput(f"job to run must be one that waits, got {wanted}")
            return self._runner.run(job)


class _Reporter:
    """The thread beside a running edit; `on_event` may be called from any thread."""

    def __init__(self, queue: JobQueue, job: Job, cancel: CancelToken) -> None:
        self._queue = queue
        self._job = job
        self._cancel = cancel
        self._lock = threading.Lock()
        self._progress = Progress(0.0, "")
        self._preview: Preview | None = None
        self._news = False
        self._revision = 0
        self._written = 0.0  # monotonic seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._report, name=f"report-{job.id}", daemon=True)

    def __enter__(self) -> "_Reporter":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def on_event(self, event: Progress | Preview) -> None:
        with self._lock:
            if isinstance(event, Preview):
                self._preview = event
            else:
                self._progress = event
            self._news = True

    def _report(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            try:
                if not self._cancel.cancelled and self._queue.is_cancelling(self._job.id):
                    self._cancel.cancel()
                self._write()
            except StorageError as error:  # the edit goes on; its end will say so if need be
                _LOG.warning("progress of job %s was not written: %s", self._job.id, error)

    def _write(self) -> None:
        since = time.monotonic() - self._written
        with self._lock:
            if since < (WRITE_SECONDS if self._news else BEAT_SECONDS):
                return
            progress, preview = self._progress, self._preview
            self._preview, self._news = None, False
        self._written = time.monotonic()
        if preview is not None:
            self._write_preview(preview)
        self._queue.beat(
            self._job.id,
            fraction=min(1.0, max(0.0, progress.fraction)),
            text="cancelling" if self._cancel.cancelled else progress.text,
            preview_rev=self._revision,
        )

    def _write_preview(self, preview: Preview) -> None:
        """Put the preview under a new name; the one before stays for a page that loads it."""
        data_dir, revision = self._queue.store.data_dir, self._revision + 1
        content = jpeg(Image.fromarray(preview.image), PREVIEW_SIDE)
        write_whole(preview_place(data_dir, self._job.id, revision), content, "the preview")
        preview_place(data_dir, self._job.id, revision - 2).unlink(missing_ok=True)
        self._revision = revision
