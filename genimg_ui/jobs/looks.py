"""Control maps that a person wants to look at before an edit: a small queue beside the others.

A worker draws a map when no edit waits, and no model runs for it. Who asks again gives up what
still waits. Answers are JSON values and may be forgotten after a day.
"""

import json
import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from genimg_ui.core.request import EditInputs, EditRequest
from genimg_ui.core.serial import Json, from_json, to_json
from genimg_ui.errors import GenimgError, RefusedInput, UnknownItem
from genimg_ui.history.names import check_session, new_entry_id
from genimg_ui.history.ownership import check_owned
from genimg_ui.history.store import Store
from genimg_ui.jobs import lease
from genimg_ui.jobs.job import JobState

MOST_WAITING = 20  # of all sessions together
KEPT_SECONDS = 86_400.0
STOPPED = "The program stopped while this map was drawn. Ask for it again."
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The map that is wanted: that of unit `index` of a request."""

    request: EditRequest
    inputs: EditInputs
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One map that was asked for; `answer` is None until it has ended."""

    id: str
    session: str
    state: JobState
    asked: Asked
    answer: Json


Draw = Callable[[Asked], Json]


class LookQueue:
    """All looks of one data folder; safe to share between threads and processes."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._database = store.database

    def ask(self, session: str, asked: Asked) -> str:
        """Queue a map, in the place of one of this session that waits; the look's id."""
        check_owned(self._database, check_session(session), asked.request.pictures)
        look_id, now = new_entry_id(), time.time()
        with self._database.writing() as connection:
            connection.execute(
                "DELETE FROM looks WHERE created < ? OR (session = ? AND state = 'queued')",
                (now - KEPT_SECONDS, session),
            )
            waiting = connection.execute(
                "SELECT count(*) FROM looks WHERE state = 'queued'"
            ).fetchone()[0]
            if waiting >= MOST_WAITING:
                raise RefusedInput(
                    f"{MOST_WAITING} control maps are waiting. Try again in a while."
                )
            connection.execute(
                "INSERT INTO looks (id, session, state, asked, created)"
                " VALUES (?, ?, 'queued', ?, ?)",
                (look_id, session, json.dumps(to_json(asked)), now),
            )
        return look_id

    def get(self, session: str, look_id: str) -> Look:
        """The look if it is this session's; UnknownItem otherwise."""
        for row in self._rows("state = 'running'"):
            if not lease.is_alive(self.store.data_dir, row["worker"]):
                self.finish(row["id"], JobState.INTERRUPTED, {"error": STOPPED})
        rows = self._rows("id = ? AND session = ?", look_id, check_session(session))
        if not rows:
            raise UnknownItem(f"the map {str(look_id)[:40]!r} is not in this session.")
        return _look(rows[0])

    def claim(self, worker: str) -> Look | None:
        """Take the look that waits longest; None where none waits."""
        if not self._rows("state = 'queued' LIMIT 1"):
            return None
        with self._database.writing() as connection:
            row = connection.execute(
                "UPDATE looks SET state = 'running', worker = ? WHERE seq ="
                " (SELECT min(seq) FROM looks WHERE state = 'queued') RETURNING *",
                (worker,),
            ).fetchone()
        return None if row is None else _look(row)

    def finish(self, look_id: str, state: JobState, answer: Json) -> None:
        """Keep how a running look ended."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE looks SET state = ?, answer = ? WHERE id = ? AND state = 'running'",
                (str(state), json.dumps(answer), look_id),
            )

    def run_next(self, worker: str, draw: Draw) -> bool:
        """Draw the next map; False where none waits. What fails is an answer, too."""
        look = self.claim(worker)
        if look is None:
            return False
        try:
            self.finish(look.id, JobState.DONE, draw(look.asked))
        except GenimgError as problem:
            self.finish(look.id, JobState.FAILED, {"error": str(problem)})
        except Exception as problem:
            _LOG.exception("the control map %s failed", look.id)
            told = f"The map failed unexpectedly ({type(problem).__name__}: {problem})."
            self.finish(look.id, JobState.FAILED, {"error": told})
        return True

    def _rows(self, where: str, *values: object) -> list[sqlite3.Row]:
        with self._database.reading() as connection:
            return connection.execute(f"SELECT * FROM looks WHERE {where}", values).fetchall()


def _look(row: sqlite3.Row) -> Look:
    return Look(
        id=row["id"],
        session=row["session"],
        state=JobState(row["state"]),
        asked=from_json(Asked, json.loads(row["asked"])),
        answer=json.loads(row["answer"]) if row["answer"] else None,
    )
