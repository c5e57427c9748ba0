"""The durable queue: jobs wait, run and end in the store's database, whoever is watching.

A job ends once, and its end is in the session's seed log under the job's id. Only its session
sees or cancels it. Workers are told apart by name; `lease` says which of them live.
"""

import json
import sqlite3
import time
from collections.abc import Sequence

from genimg_ui.core.request import EditInputs, EditRequest
from genimg_ui.core.serial import to_json
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.history.names import check_session, new_entry_id
from genimg_ui.history.ownership import check_owned
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.history.store import Store
from genimg_ui.jobs import lease, turns
from genimg_ui.jobs.job import Job as Job
from genimg_ui.jobs.job import JobState as JobState
from genimg_ui.jobs.job import ended_entry, preview_place, read_job
from genimg_ui.jobs.limits import JobLimits as JobLimits

INTERRUPTED = "The program stopped while this edit ran. It can be run again."
_RECENT_LIMIT = 500  # jobs in one answer
_AGAIN = (JobState.FAILED, JobState.CANCELLED, JobState.INTERRUPTED)


class JobQueue:
    """All jobs of one data folder; safe to share between threads and processes."""

    def __init__(self, store: Store, limits: JobLimits | None = None) -> None:
        self.store = store
        self.limits = limits or JobLimits()
        self._database = store.database

    # What a session may do

    def enqueue(
        self, session: str, request: EditRequest, inputs: EditInputs, parent: str | None = None
    ) -> str:
        """Add a job and return its id; it is on disk then."""
        return self.enqueue_all(session, [(request, inputs)], parent)[0]

    def enqueue_all(
        self, session: str, edits: Sequence[tuple[EditRequest, EditInputs]], parent: str | None
    ) -> list[str]:
        """Add the jobs of one run, in order, all or none; their ids.

        Raises UnknownItem where a picture is not here, or one that the request names is not this
        session's own.
        """
        check_session(session)
        for request, inputs in edits:
            for picture in (inputs.source, *request.pictures):
                self.store.source_path(picture)
            check_owned(self._database, session, request.pictures)
            if inputs.mask is not None:
                self.store.mask_path(inputs.mask)
        if parent is not None:
            self.store.entry_of(session, parent)
        rows = [
            (new_entry_id(), session, json.dumps(to_json(request)), json.dumps(to_json(inputs)))
            + (inputs.source, inputs.mask, _list(request.pictures), parent, time.time())
            for request, inputs in edits
        ]
        with self._database.writing() as connection:
            in_queue, of_session = count_active(connection, session)
            self.limits.check(in_queue=in_queue, of_session=of_session, more=len(rows))
            turns.enter(connection, session)
            connection.executemany(
                "INSERT INTO jobs (id, session, request, inputs, source, mask, maps, parent,"
                " created, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued')",
                rows,
            )
        return [row[0] for row in rows]

    def job(self, session: str, job_id: str) -> Job:
        """The job if it is this session's; UnknownItem otherwise."""
        jobs = self._jobs(session, "AND id = ? LIMIT 1", job_id)
        if not jobs:
            raise UnknownItem(f"job {str(job_id)[:40]!r} is not in this session.")
        return jobs[0]

    def active(self, session: str) -> list[Job]:
        """The session's jobs that wait or run, oldest first."""
        return self._jobs(session, "AND state IN ('queued', 'running') ORDER BY seq")

    def recent(self, session: str, limit: int = 20) -> list[Job]:
        """The session's jobs in any state, newest first."""
        if not 1 <= limit <= _RECENT_LIMIT:
            raise RefusedInput(f"limit must be in [1, {_RECENT_LIMIT}], got {limit}")
        return self._jobs(session, "ORDER BY seq DESC LIMIT ?", limit)

    def cancel(self, session: str, job_id: str) -> Job:
        """End a waiting job at once; ask the worker to end a running one."""
        job = self.job(session, job_id)
        if job.state is JobState.QUEUED:
            # Taken from the queue like any job, so that no worker takes it while it is logged.
            with lease.WorkerLease(self.store.data_dir, lease.new_worker_name()) as own:
                if self._take(own.name, job_id, cancelling=time.time()):
                    self.finish(job, ended_entry(job, EntryState.CANCELLED))
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE jobs SET cancelling = ? WHERE id = ? AND state = 'running'"
                " AND cancelling IS NULL",
                (time.time(), job_id),
            )
        return self.job(session, job_id)

    def retry(self, session: str, job_id: str) -> str:
        """Queue what failed or was stopped once more, as a new job; return the new id."""
        job = self.job(session, job_id)
        if job.state not in _AGAIN:
            allowed = ", ".join(_AGAIN)
            raise RefusedInput(f"only a job that is {allowed} can be run again, got {job.state}")
        return self.enqueue(session, job.request, job.inputs, job.parent)

    # What a worker does

    def claim(self, worker: str) -> Job | None:
        """Take the job whose turn it is; None where none waits."""
        if not self.waiting():
            return None
        return self._take(worker, None)

    def claim_job(self, worker: str, job_id: str) -> Job | None:
        """Take this very job; None if it does not wait any more."""
        return self._take(worker, job_id)

    def waiting(self) -> bool:
        """Whether any job waits."""
        with self._database.reading() as connection:
            query = "SELECT 1 FROM jobs WHERE state = 'queued' LIMIT 1"
            return connection.execute(query).fetchone() is not None

    def is_cancelling(self, job_id: str) -> bool:
        """Whether the person has asked for the job's end."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT cancelling FROM jobs WHERE id = ?", (job_id,)
            ).fetchone()
        return row is not None and row["cancelling"] is not None

    def beat(self, job_id: str, *, fraction: float, text: str, preview_rev: int) -> None:
        """Say how far a running job is, and that its worker lives."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE jobs SET fraction = ?, text = ?, preview_rev = ?, heartbeat = ?"
                " WHERE id = ? AND state = 'running'",
                (fraction, text, preview_rev, time.time(), job_id),
            )

    def finish(self, job: Job, entry: LogEntry) -> bool:
        """Record how a running job ended, in the log first; False if it had ended before.

        What is in the log already is how it ended.
        """
        self.store.record(job.session, entry)
        entry = self.store.entry(entry.id)
        with self._database.writing() as connection:
            cursor = connection.execute(
                "UPDATE jobs SET state = ?, error = ?, entry = ?, ended = ?"
                " WHERE id = ? AND state = 'running'",
                (str(entry.state), entry.error, entry.id, time.time(), job.id),
            )
        self._remove_previews(job.id)
        return cursor.rowcount == 1

    # What the program does about workers that are gone

    def mark_interrupted(self) -> list[str]:
        """End the running jobs whose worker is gone; return their ids. Others go on waiting."""
        gone = [
            row
            for row in self._rows("state = 'running'")
            if not lease.is_alive(self.store.data_dir, row["worker"])
        ]
        return self._end(gone, EntryState.INTERRUPTED, INTERRUPTED)

    def fail_jobs_of(self, worker: str, sentence: str) -> list[str]:
        """End the jobs of a worker that is known to be gone; return their ids."""
        rows = self._rows("state = 'running' AND worker = ?", worker)
        return self._end(rows, EntryState.FAILED, sentence)

    def fail(self, job: Job, sentence: str) -> None:
        """End a job whose run was ended from outside, whether it had begun or not."""
        self._take("nobody", job.id)
        rows = self._rows("state = 'running' AND id = ?", job.id)
        self._end(rows, EntryState.FAILED, sentence)

    def is_deaf(self, worker: str, seconds: float) -> bool:
        """Whether the worker has gone on for this long after its job was cancelled."""
        before = time.time() - seconds
        return bool(
            self._rows("state = 'running' AND worker = ? AND cancelling <= ?", worker, before)
        )

    def _take(
        self, worker: str, job_id: str | None, *, cancelling: float | None = None
    ) -> Job | None:
        with self._database.writing() as connection:
            if job_id is None:
                row = turns.next_job(connection)
            else:
                row = connection.execute(
                    "SELECT id, session FROM jobs WHERE id = ? AND state = 'queued'", (job_id,)
                ).fetchone()
            if row is None:
                return None
            now = time.time()
            connection.execute(
                "UPDATE jobs SET state = 'running', worker = ?, started = ?, heartbeat = ?,"
                " cancelling = ? WHERE id = ?",
                (worker, now, now, cancelling, row["id"]),
            )
            if cancelling is None:
                turns.serve(connection, row["session"])
        return self.job(row["session"], row["id"])

    def _end(self, rows: list[sqlite3.Row], state: EntryState, error: str) -> list[str]:
        """End running jobs that no worker will end; those that were to be cancelled, are."""
        ended = []
        for row in rows:
            job = read_job(row, self.store.data_dir, 0)
            entry = ended_entry(job, state, error)
            if job.cancelling:
                entry = ended_entry(job, EntryState.CANCELLED)
            if self.finish(job, entry):
                ended.append(job.id)
        return ended

    def _jobs(self, session: str, rest: str, *values: object) -> list[Job]:
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT * FROM jobs WHERE session = ? {rest}", (check_session(session), *values)
            ).fetchall()
            waits = any(row["state"] == JobState.QUEUED for row in rows)
            order = turns.waiting_order(connection) if waits else []
        places = {job_id: place for place, job_id in enumerate(order)}
        return [read_job(row, self.store.data_dir, places.get(row["id"], 0)) for row in rows]

    def _rows(self, where: str, *values: object) -> list[sqlite3.Row]:
        with self._database.reading() as connection:
            query = f"SELECT * FROM jobs WHERE {where} ORDER BY seq"
            return connection.execute(query, values).fetchall()

    def _remove_previews(self, job_id: str) -> None:
        folder = preview_place(self.store.data_dir, job_id, 1).parent
        for path in folder.glob(f"job-{job_id}-*.jpg"):
            path.unlink(missing_ok=True)


def _list(digests: Sequence[str]) -> str | None:
    return json.dumps(digests) if digests else None


def count_active(connection: sqlite3.Connection, session: str) -> tuple[int, int]:
    """Jobs that wait or run: of all sessions, and of this one, where a run counts as one."""
    row = connection.execute(
        "SELECT count(*) AS n, count(DISTINCT CASE session WHEN ? THEN"
        " coalesce(json_extract(inputs, '$.group.id'), id) END) AS own FROM jobs"
        " WHERE state IN ('queued', 'running')",
        (session,),
    ).fetchone()
    return row["n"], row["own"]
