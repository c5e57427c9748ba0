"""Runs in genimg.db: edits of one group, with what became of their results.

A run is nothing but its entries, so it is there again when the index is made anew.
"""

import sqlite3
from dataclasses import dataclass

from genimg_ui.history.database import Database
from genimg_ui.history.marks import MARK_COLUMNS, Marks, marks_of
from genimg_ui.history.names import check_session
from genimg_ui.history.record import LogEntry
from genimg_ui.history.seed_log import read_line

_ROWS = f"""
SELECT e.line, r.position, r.removed, {MARK_COLUMNS}
FROM entries e LEFT JOIN results r ON r.entry = e.seq AND r.position = 0
WHERE e.run = ? AND e.session = ? ORDER BY e.seq
"""
_RECENT = """
SELECT run, min(created) AS began FROM entries WHERE session = ? AND run IS NOT NULL
GROUP BY run ORDER BY max(seq) DESC LIMIT ?
"""
_PAST = """
SELECT line FROM entries WHERE session = ? AND state = 'done' ORDER BY seq DESC LIMIT ?
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """An ended edit of a run; its result may be in the bin or gone by now."""

    entry: LogEntry
    binned: bool = False
    gone: bool = False  # its file was removed for good
    marks: Marks = Marks()


class RunTable:
    """Reads runs; what is not the session's is unknown to it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(self, session: str, run: str) -> list[RunRow]:
        """The ended edits of a run, in the order in which they ended."""
        with self._database.reading() as connection:
            rows = connection.execute(_ROWS, (run, check_session(session))).fetchall()
        return [_row(row) for row in rows]

    def recent(self, session: str, limit: int) -> list[tuple[str, str]]:
        """The newest runs with an ended edit: (id, when it began, ISO 8601 UTC)."""
        with self._database.reading() as connection:
            rows = connection.execute(_RECENT, (check_session(session), limit)).fetchall()
        return [(row["run"], row["began"]) for row in rows]

    def past(self, session: str, limit: int) -> list[LogEntry]:
        """The session's newest finished edits, to tell how long others will take."""
        with self._database.reading() as connection:
            rows = connection.execute(_PAST, (check_session(session), limit)).fetchall()
        return [read_line(row["line"]) for row in rows]


def _row(row: sqlite3.Row) -> RunRow:
    entry = read_line(row["line"])
    if row["position"] is None:
        return RunRow(entry=entry)
    return RunRow(
        entry=entry,
        binned=row["removed"] == 1,
        gone=row["removed"] == 2,
        marks=marks_of(row),
    )
