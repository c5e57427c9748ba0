"""Entries and their results in genimg.db: what the gallery, replay and compare read.

The seed log is the record; these tables are its index, plus what a person changes afterwards
(marks, bin). Results are counted from 0 in the order of their seeds.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from genimg_ui.core.tasks import Task, task_of
from genimg_ui.errors import RefusedInput, StorageError, UnknownItem
from genimg_ui.history.database import Database
from genimg_ui.history.marks import MARK_COLUMNS, Marks, marks_of
from genimg_ui.history.names import check_session, check_sha256
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.history.search import INSERT, rows_of
from genimg_ui.history.seed_log import entry_line, read_line

PAGE_LIMIT = 500  # rows of one page: more than any gallery shows at once
NO_RESULT = -1  # index of an edit without results, where it is listed
LARGEST_OFFSET = 2**31  # beyond it no count of results can be meant
_DONE = {
    Task.INPAINT: "filled",
    Task.OUTPAINT: "extended",
    Task.IMAGE_TO_IMAGE: "repainted",
    Task.TEXT_TO_IMAGE: "painted anew",
    Task.UPSCALE: "enlarged",
}  # what a result without a prompt is called
_BATCH = 200  # entries that the iterator holds at a time
_LABEL_LENGTH = 80  # characters of the prompt that fit below a thumbnail

_PAGE = """
SELECT e.id, r.position, r.sha256, r.seed, e.model, e.created, e.state, e.label, {marks}
FROM results r CROSS JOIN entries e ON e.seq = r.entry
WHERE r.session = ? AND r.removed = 0 {starred}
ORDER BY r.entry DESC, r.position LIMIT ? OFFSET ?
"""
_PARENT_POSITION = """
SELECT min(r.position) FROM results r JOIN entries p ON p.seq = r.entry
WHERE p.id = :parent AND p.session = :session AND r.sha256 = :source
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """One result as the gallery shows it."""

    entry_id: str
    index: int
    sha256: str
    seed: int
    model: str
    created: str  # ISO 8601, UTC
    state: EntryState
    label: str  # a few words of the prompt
    marks: Marks = Marks()


def page_query(*, starred: bool) -> str:
    """The gallery's SELECT: (session, limit, offset)."""
    return _PAGE.format(marks=MARK_COLUMNS, starred="AND r.starred = 1" if starred else "")


class EntryTable:
    """Reads and writes entries; whoever calls `insert` has appended the log line."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def insert(
        self,
        session: str,
        entries: Sequence[LogEntry],
        *,
        log_size: int,
        exists: Callable[[str], bool] | None = None,
    ) -> None:
        """Add the entries that are not there, and note how long the log is now.

        `exists` says of a result's sha256 whether its file is there; None: all are.
        """
        with self._database.writing() as connection:
            for entry in entries:
                _insert(connection, session, entry, exists)
            connection.execute(
                "INSERT INTO logs (session, size) VALUES (?, ?)"
                " ON CONFLICT (session) DO UPDATE SET size = excluded.size",
                (session, log_size),
            )

    def log_size(self, session: str) -> int:
        """How long the session's log was after its last entry; 0 for an unknown session."""
        row = self._one("SELECT size FROM logs WHERE session = ?", session)
        return int(row["size"]) if row else 0

    def logged_sessions(self) -> list[str]:
        with self._database.reading() as connection:
            return [row["session"] for row in connection.execute("SELECT session FROM logs")]

    def has(self, entry_id: str) -> bool:
        return self._one("SELECT 1 FROM entries WHERE id = ?", entry_id) is not None

    def entry(self, entry_id: str) -> LogEntry:
        row = self._one("SELECT line FROM entries WHERE id = ?", entry_id)
        return _read(row, entry_id)

    def entry_of(self, session: str, entry_id: str) -> LogEntry:
        query = "SELECT line FROM entries WHERE id = ? AND session = ?"
        return _read(self._one(query, entry_id, check_session(session)), entry_id)

    def session_of(self, entry_id: str) -> str:
        row = self._one("SELECT session FROM entries WHERE id = ?", entry_id)
        if row is None:
            raise _unknown(entry_id)
        return str(row["session"])

    def page(self, session: str, offset: int, limit: int, *, starred: bool) -> list[ResultRow]:
        """Results newest first, `limit` of them from `offset` on."""
        check_page(offset, limit)
        query = page_query(starred=starred)
        with self._database.reading() as connection:
            rows = connection.execute(query, (check_session(session), limit, offset)).fetchall()
        return [result_row(row) for row in rows]

    def count(self, session: str, *, starred: bool) -> int:
        query = "SELECT count(*) AS n FROM results WHERE session = ? AND removed = 0"
        row = self._one(query + (" AND starred = 1" if starred else ""), check_session(session))
        return int(row["n"]) if row else 0

    def find_result(self, sha256: str) -> tuple[LogEntry, int]:
        """The newest entry with a result of this file or these pixels, and the result's index."""
        check_sha256(sha256)
        row = self._one(
            "SELECT e.id, e.line, r.position FROM results r JOIN entries e ON e.seq = r.entry"
            " WHERE r.sha256 = ? OR r.pixels_sha256 = ? ORDER BY r.entry DESC LIMIT 1",
            sha256,
            sha256,
        )
        if row is None:
            raise UnknownItem(f"no result in the data folder has the sha256 {sha256}.")
        return _read(row, row["id"]), int(row["position"])

    def entries(self, session: str | None) -> Iterator[LogEntry]:
        """Entries oldest first, of one session or of all."""
        last = 0
        query = "SELECT seq, id, line FROM entries WHERE seq > ? {} ORDER BY seq LIMIT ?"
        chosen = () if session is None else (check_session(session),)
        query = query.format("AND session = ?" if chosen else "")
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query, (last, *chosen, _BATCH)).fetchall()
            if not rows:
                return
            for row in rows:
                yield _read(row, row["id"])
            last = rows[-1]["seq"]

    def _one(self, query: str, *values: object) -> sqlite3.Row | None:
        with self._database.reading() as connection:
            row: sqlite3.Row | None = connection.execute(query, values).fetchone()
        return row


def check_page(offset: int, limit: int) -> None:
    """Raise RefusedInput for a page that cannot be meant."""
    if not 0 <= offset < LARGEST_OFFSET or not 1 <= limit <= PAGE_LIMIT:
        raise RefusedInput(
            f"a page must start at 0 or later and hold 1 to {PAGE_LIMIT} results, "
            f"got start {offset} and {limit} results"
        )


def label_of(entry: LogEntry) -> str:
    """A few words below a thumbnail: the prompt, or what was done where there is none."""
    prompt = " ".join(entry.request.sampling.prompt.split())
    if prompt:
        return prompt[:_LABEL_LENGTH]
    return _DONE[task_of(entry.request)]


def _insert(
    connection: sqlite3.Connection,
    session: str,
    entry: LogEntry,
    exists: Callable[[str], bool] | None,
) -> None:
    request, inputs = entry.request, entry.inputs
    values = {
        "id": entry.id,
        "session": session,
        "created": entry.created,
        "state": str(entry.state),
        "model": request.model,
        "label": label_of(entry),
        "source": inputs.source,
        "mask": inputs.mask,
        "maps": json.dumps(request.pictures) if request.pictures else None,
        "line": entry_line(entry),
        "parent": entry.parent,
        "run": entry.group.id if entry.group else None,
        "has_prompt": bool(request.sampling.prompt.strip()),
        "has_border": bool(request.border),
    }
    cursor = connection.execute(
        f"INSERT OR IGNORE INTO entries ({', '.join(values)}, parent_position)"
        f" VALUES (:{', :'.join(values)}, ({_PARENT_POSITION}))",
        values,
    )
    if cursor.rowcount != 1 or cursor.lastrowid is None:
        return
    for i, result in enumerate(entry.results):
        removed = 0 if exists is None or exists(result.sha256) else 2
        connection.execute(
            "INSERT INTO results (entry, position, session, sha256, pixels_sha256, seed, removed)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (cursor.lastrowid, i, session)
            + (result.sha256, result.pixels_sha256, result.seed, removed),
        )
    connection.executemany(INSERT, rows_of(entry, cursor.lastrowid, session))


def result_row(row: sqlite3.Row) -> ResultRow:
    """A result, or an edit that has none: then the index is NO_RESULT."""
    has_result = row["position"] is not None
    return ResultRow(
        entry_id=row["id"],
        index=row["position"] if has_result else NO_RESULT,
        sha256=row["sha256"] if has_result else "",
        seed=row["seed"] if has_result else 0,
        model=row["model"],
        created=row["created"],
        state=EntryState(row["state"]),
        label=row["label"],
        marks=marks_of(row) if has_result else Marks(),
    )


def _read(row: sqlite3.Row | None, entry_id: str) -> LogEntry:
    if row is None:
        raise _unknown(entry_id)
    try:
        return read_line(row["line"])
    except ValueError as error:
        raise StorageError(f"The log entry {entry_id} cannot be read: {error}.") from error


def _unknown(entry_id: str) -> UnknownItem:
    return UnknownItem(f"entry {str(entry_id)[:40]!r} is not in this session.")
