"""Job: one queued edit as its session sees it. Times are Unix seconds, UTC."""

import json
import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from genimg_ui.core.request import EditInputs, EditRequest
from genimg_ui.core.serial import from_json
from genimg_ui.history.names import utc, utc_now
from genimg_ui.history.record import EntryState, LogEntry


class JobState(StrEnum):
    """Where a job is; the last four are ends, and named as in the log."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """The program stopped while the job ran."""

    @property
    def ended(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What was asked, and how far it is. The job's id is also that of its log entry."""

    id: str
    session: str
    state: JobState
    request: EditRequest
    inputs: EditInputs
    parent: str | None
    position: int  # waiting jobs that will be taken before this one
    fraction: float  # of the whole job, [0, 1]
    text: str  # what is being done, in a few words
    preview: Path | None  # a small JPEG; a newer one has another name
    preview_rev: int
    cancelling: bool
    error: str
    entry_id: str | None  # once the job has ended and is in the log
    created: float
    started: float | None
    ended: float | None


def preview_place(data_dir: Path, job_id: str, revision: int) -> Path:
    """Where the preview of a running job lies; `revision` counts from 1."""
    return data_dir / "previews" / f"job-{job_id}-{revision}.jpg"


def read_job(row: sqlite3.Row, data_dir: Path, position: int) -> Job:
    """Build a job from its row."""
    state, revision = JobState(row["state"]), int(row["preview_rev"])
    shown = revision > 0 and state is JobState.RUNNING
    return Job(
        id=row["id"],
        session=row["session"],
        state=state,
        request=from_json(EditRequest, json.loads(row["request"])),
        inputs=from_json(EditInputs, json.loads(row["inputs"])),
        parent=row["parent"],
        position=position,
        fraction=row["fraction"],
        text=row["text"],
        preview=preview_place(data_dir, row["id"], revision) if shown else None,
        preview_rev=revision,
        cancelling=row["cancelling"] is not None,
        error=row["error"],
        entry_id=row["entry"],
        created=row["created"],
        started=row["started"],
        ended=row["ended"],
    )


def ended_entry(job: Job, state: EntryState, error: str = "") -> LogEntry:
    """The log entry of a job that ended without the editor's own."""
    return LogEntry(
        id=job.id,
        created=utc(job.started or job.created),
        ended=utc_now(),
        state=state,
        request=job.request,
        inputs=job.inputs,
        parent=job.parent,
        error=error,
    )
