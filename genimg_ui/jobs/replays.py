"""Results that a session wants to be run again: a small queue beside that of the edits.

A worker takes a replay when no edit waits, and puts it back when one comes: it then runs again from
its start. A replay at which no page looks any more (`get`) ends. Nothing of it goes into the seed
log: a replay changes nothing, and its verdict (JSON values) may be forgotten after a day.
"""

import json
import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from genimg_ui.backend.base import CancelToken, OnEvent, Preview, Progress
from genimg_ui.core.serial import Json
from genimg_ui.errors import Cancelled, GenimgError, RefusedInput, UnknownItem
from genimg_ui.history.names import check_session, new_entry_id
from genimg_ui.history.record import LogEntry
from genimg_ui.history.store import Store
from genimg_ui.jobs import lease
from genimg_ui.jobs.job import JobState
from genimg_ui.jobs.limits import JobLimits
from genimg_ui.jobs.queue import count_active

MOST_WAITING = 20  # of all sessions together
KEPT_SECONDS = 86_400.0
UNSEEN_SECONDS = 150.0  # a page looks twice a second, a hidden one as little as once a minute
LOOK_SECONDS = 5.0  # looks are written down no more often
BEAT_SECONDS = 0.3  # progress is written and the wish to cancel read no more often
STOPPED = "The program stopped while this replay ran. Start it again."
_ACTIVE = "state IN ('queued', 'running')"
_LOG = logging.getLogger(__name__)
Run = Callable[[LogEntry, OnEvent, CancelToken], Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayJob:
    """One result to be run again; `verdict` is what the replay told, None until it has ended."""

    id: str
    session: str
    entry_id: str
    index: int
    state: JobState
    text: str
    verdict: Json


class ReplayQueue:
    """All replays of one data folder; safe to share between threads and processes.

    Towards `limits`, a replay counts like one more edit of its session. Edits are never refused
    because of a replay: it makes way for them.
    """

    def __init__(self, store: Store, limits: JobLimits | None = None) -> None:
        self.store = store
        self._limits = limits or JobLimits()
        self._database = store.database

    def ask(self, session: str, entry_id: str, index: int) -> str:
        """Queue one result of this session; the replay's id. Raises RefusedInput, UnknownItem."""
        entry = self.store.entry_of(session, entry_id)
        if not 0 <= index < len(entry.results):
            raise UnknownItem(f"The edit {entry_id} has no result {index + 1}.")
        self._end_orphans()
        replay_id, now = new_entry_id(), time.time()
        with self._database.writing() as connection:
            connection.execute(
                f"DELETE FROM replays WHERE created < ? AND NOT {_ACTIVE}", (now - KEPT_SECONDS,)
            )
            rows = connection.execute(f"SELECT session FROM replays WHERE {_ACTIVE}").fetchall()
            if any(row["session"] == session for row in rows):
                raise RefusedInput("A replay of yours is under way: wait for it, or stop it.")
            if len(rows) >= MOST_WAITING:
                raise RefusedInput(f"{MOST_WAITING} replays are waiting. Try again in a while.")
            edits, of_session = count_active(connection, session)
            self._limits.check(in_queue=edits + len(rows), of_session=of_session)
            connection.execute(
                "INSERT INTO replays (id, session, entry, position, state, created, seen)"
                " VALUES (?, ?, ?, ?, 'queued', ?, ?)",
                (replay_id, session, entry_id, index, now, now),
            )
        return replay_id

    def get(self, session: str, replay_id: str) -> ReplayJob:
        """The replay if it is this session's; UnknownItem otherwise. It counts as looked at."""
        self._end_orphans()
        rows = self._rows("id = ? AND session = ?", replay_id, check_session(session))
        if not rows:
            raise UnknownItem(f"replay {str(replay_id)[:40]!r} is not in this session.")
        now = time.time()
        if now - rows[0]["seen"] > LOOK_SECONDS:
            with self._database.writing() as connection:
                connection.execute("UPDATE replays SET seen = ? WHERE id = ?", (now, replay_id))
        return _job(rows[0])

    def cancel(self, session: str) -> None:
        """End the session's waiting replay; ask the worker to end a running one."""
        values = (check_session(session),)
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE replays SET state = 'cancelled' WHERE session = ? AND state = 'queued'",
                values,
            )
            connection.execute(
                "UPDATE replays SET cancelling = 1 WHERE session = ? AND state = 'running'", values
            )

    def claim(self, worker: str) -> ReplayJob | None:
        """Take the replay that waits longest; None where none waits."""
        if not self._rows("state = 'queued' LIMIT 1"):
            return None
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE replays SET state = 'cancelled' WHERE state = 'queued' AND seen < ?",
                (time.time() - UNSEEN_SECONDS,),
            )
            row = connection.execute(
                "UPDATE replays SET state = 'running', worker = ? WHERE seq ="
                " (SELECT min(seq) FROM replays WHERE state = 'queued') RETURNING *",
                (worker,),
            ).fetchone()
        return None if row is None else _job(row)

    def beat(self, replay_id: str, text: str) -> bool:
        """Say how far a running replay is; whether it is to be cancelled."""
        with self._database.writing() as connection:
            connection.execute("UPDATE replays SET text = ? WHERE id = ?", (text, replay_id))
        rows = self._rows("id = ?", replay_id)
        if not rows or rows[0]["cancelling"]:
            return True
        return bool(rows[0]["seen"] < time.time() - UNSEEN_SECONDS)

    def put_back(self, replay_id: str) -> None:
        """Let a running replay wait again, in its old place; end it where that was asked for."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE replays SET state = CASE cancelling WHEN 0 THEN 'queued' ELSE 'cancelled'"
                " END, worker = NULL, text = '' WHERE id = ? AND state = 'running'",
                (replay_id,),
            )

    def finish(self, replay_id: str, state: JobState, verdict: Json = None) -> None:
        """Keep how a running replay ended."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE replays SET state = ?, verdict = ? WHERE id = ? AND state = 'running'",
                (str(state), "" if verdict is None else json.dumps(verdict), replay_id),
            )

    def _end_orphans(self) -> None:
        """End what ran in a worker that is gone."""
        for row in self._rows("state = 'running'"):
            if not lease.is_alive(self.store.data_dir, row["worker"]):
                self.finish(row["id"], JobState.INTERRUPTED, refusal(row["entry"], STOPPED))

    def _rows(self, where: str, *values: object) -> list[sqlite3.Row]:
        with self._database.reading() as connection:
            return connection.execute(f"SELECT * FROM replays WHERE {where}", values).fetchall()


class ReplayRunner:
    """Runs the replays of a queue, one at a time, in the thread that calls `run_next`.

    A replay makes way once `edit_waits` says so.
    """

    def __init__(
        self, queue: ReplayQueue, run: Run, edit_waits: Callable[[], bool] | None = None
    ) -> None:
        self._queue = queue
        self._run = run
        self._edit_waits = edit_waits

    def run_next(self, worker: str) -> bool:
        """Run the next replay; False where none waits. What fails is a verdict, too."""
        job = self._queue.claim(worker)
        if job is None:
            return False
        watch = _Watch(self._queue, job.id, self._edit_waits)
        try:
            entry = self._queue.store.entry(job.entry_id)
            alone = replace(entry, results=(entry.results[job.index],))
            verdict = self._run(alone, watch.on_event, watch.cancel)
        except Cancelled:
            if watch.makes_way:
                self._queue.put_back(job.id)
            else:
                self._queue.finish(job.id, JobState.CANCELLED)
        except GenimgError as error:
            self._queue.finish(job.id, JobState.FAILED, refusal(job.entry_id, str(error)))
        except Exception as error:
            _LOG.exception("replay %s failed", job.id)
            what = f"The replay failed unexpectedly: {type(error).__name__}: {error}"
            self._queue.finish(job.id, JobState.FAILED, refusal(job.entry_id, what))
        else:
            self._queue.finish(job.id, JobState.DONE, verdict)
        return True


class _Watch:
    """Writes the progress of a running replay, and hears that it is to end or to make way."""

    def __init__(
        self, queue: ReplayQueue, replay_id: str, edit_waits: Callable[[], bool] | None
    ) -> None:
        self.makes_way = False
        self._queue = queue
        self._id = replay_id
        self._edit_waits = edit_waits
        self._told = 0.0  # monotonic seconds
        self.cancel = CancelToken()

    def on_event(self, event: Progress | Preview) -> None:
        """Take up an event of the engine."""
        now = time.monotonic()
        if isinstance(event, Preview) or now - self._told < BEAT_SECONDS:
            return
        self._told = now
        if self._queue.beat(self._id, event.text):
            self.cancel.cancel()
        elif self._edit_waits is not None and self._edit_waits():
            self.makes_way = True
            self.cancel.cancel()


def refusal(entry_id: str, reason: str) -> Json:
    """The verdict of a replay that could not run."""
    return {"entry": entry_id, "verdict": "refused", "results": [], "changes": [], "reason": reason}


def _job(row: sqlite3.Row) -> ReplayJob:
    return ReplayJob(
        id=row["id"],
        session=row["session"],
        entry_id=row["entry"],
        index=row["position"],
        state=JobState(row["state"]),
        text=row["text"],
        verdict=json.loads(row["verdict"]) if row["verdict"] else None,
    )
