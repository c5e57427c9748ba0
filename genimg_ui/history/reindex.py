"""Makes genimg.db anew from the seed logs and the files beside it.

The logs hold every edit and what was said of it; only unfinished edits and the queue are in the
database alone, and are taken from the old one as far as it can be read. The old one is kept beside
the new.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from genimg_ui.errors import StorageError
from genimg_ui.history.files import make_folder, storage_error
from genimg_ui.history.locks import hold, share_held
from genimg_ui.history.names import is_session, is_sha256
from genimg_ui.history.record import LogEntry
from genimg_ui.history.schema import MIGRATIONS
from genimg_ui.history.seed_log import SeedLog, read_line
from genimg_ui.history.store import Store

DATABASE = "genimg.db"
_PARTS = ("", "-wal", "-shm")  # what SQLite keeps of one database
_MARKED = """
SELECT e.id, r.position, r.starred, r.removed, r.removed_at
FROM results r JOIN entries e ON e.seq = r.entry WHERE r.starred = 1 OR r.removed = 1
"""
_ONLY_THERE = {"drafts": "unfinished edits", "jobs": "queued edits", "notices": "notices"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reindexed:
    """What the new index holds, and what could not be had."""

    sessions: int
    entries: int
    results: int
    absent: int  # results whose file is gone
    unnamed: int  # result files that no log names
    unreadable_lines: int
    rescued: dict[str, int]  # rows that only the old database had, by table
    lost: tuple[str, ...]  # what the old database would not give, a sentence each
    kept: Path | None  # the old database


def reindex(data_dir: Path) -> Reindexed:
    """Build the index again; raises StorageError, and the old one is in place then."""
    if not data_dir.is_dir():
        raise StorageError(f"There is no data folder {data_dir}.")
    make_folder(data_dir / "sessions")
    with _alone(data_dir) as held:
        old = _put_aside(data_dir)
        try:
            with _reading(old) as connection:
                entries, unlogged = _log_again(data_dir, connection)
                share_held(held)  # the new database is opened below, as by anyone
                store = Store.open(data_dir)
                rescued, lost = _rescue(store, connection)
        except BaseException:
            _put_back(data_dir, old)
            raise
        rescued |= {"entries": entries} if entries else {}
        done = _counted(store, rescued, (*unlogged, *lost), old)
        store.close()
        return done


@contextmanager
def _alone(data_dir: Path) -> Iterator[int]:
    try:
        held = hold((data_dir / DATABASE).with_suffix(".open"))
    except BlockingIOError as error:
        raise StorageError(
            f"The data folder {data_dir} is in use. Stop the program that uses it, then try again."
        ) from error
    except OSError as error:
        raise storage_error(error, data_dir, "its index") from error
    try:
        yield held
    finally:
        os.close(held)


def _put_aside(data_dir: Path) -> Path | None:
    """Rename the database to a name that is free; None where there is none."""
    database = data_dir / DATABASE
    if not database.exists():
        for part in _PARTS[1:]:  # they would be taken for those of the new one
            database.with_name(DATABASE + part).unlink(missing_ok=True)
        return None
    number = 1
    while (aside := data_dir / f"genimg-before-reindex-{number}.db").exists():
        number += 1
    _rename(database, aside)
    return aside


def _put_back(data_dir: Path, old: Path | None) -> None:
    if old is None:
        return
    database = data_dir / DATABASE
    for part in _PARTS:
        with suppress(OSError):
            database.with_name(DATABASE + part).unlink(missing_ok=True)
    _rename(old, database)


def _rename(before: Path, after: Path) -> None:
    try:
        for part in reversed(_PARTS):  # the database last: without it the rest is nothing
            with suppress(FileNotFoundError):
                os.replace(before.with_name(before.name + part), after.with_name(after.name + part))
    except OSError as error:
        raise storage_error(error, before.parent, "its index") from error


@contextmanager
def _reading(old: Path | None) -> Iterator[sqlite3.Connection]:
    """The old database, or an empty one where there is none."""
    with closing(sqlite3.connect(":memory:" if old is None else old)) as connection:
        connection.row_factory = sqlite3.Row
        if old is None:
            for script in MIGRATIONS:
                connection.executescript(script)
        yield connection


def _rescue(store: Store, connection: sqlite3.Connection) -> tuple[dict[str, int], list[str]]:
    """Take from the old database what no log holds; never fails for its damage."""
    rescued: dict[str, int] = {}
    lost: list[str] = []
    for table, words in _ONLY_THERE.items():
        rows, problem = _readable(connection, f"SELECT * FROM {table}")
        rescued[table] = _copy(store, rows, table)
        if problem:
            lost.append(f"Not all {words} of the old database could be read: {problem}.")
    _mark_again(store, _readable(connection, _MARKED)[0])
    return {table: count for table, count in rescued.items() if count}, lost


def _readable(connection: sqlite3.Connection, query: str) -> tuple[list[sqlite3.Row], str]:
    """The rows up to the first that is damaged, and what is wrong with it."""
    rows: list[sqlite3.Row] = []
    try:
        rows.extend(connection.execute(query))
    except sqlite3.Error as error:
        return rows, str(error)
    return rows, ""


def _copy(store: Store, rows: list[sqlite3.Row], table: str) -> int:
    """Add the rows to the new table, in the columns that both have."""
    count = 0
    with store.database.writing() as new:
        wanted = {row["name"] for row in new.execute(f"PRAGMA table_info({table})")}
        for row in rows:
            columns = [name for name in row.keys() if name in wanted]  # noqa: SIM118 - a Row's values are iterated
            marks = ", ".join("?" * len(columns))
            cursor = new.execute(
                f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({marks})",
                [row[name] for name in columns],
            )
            count += cursor.rowcount
    return count


def _log_again(data_dir: Path, connection: sqlite3.Connection) -> tuple[int, list[str]]:
    """Append the entries whose line is gone to their logs; how many, and what was not read."""
    rows, problem = _readable(connection, "SELECT session, line FROM entries ORDER BY seq")
    entries: dict[str, list[LogEntry]] = {}
    for row in rows:
        with suppress(ValueError, TypeError):  # a line that damage changed
            if is_session(row["session"]):
                entries.setdefault(row["session"], []).append(read_line(row["line"]))
    count = 0
    for session, known in entries.items():
        with SeedLog.opened(data_dir / "sessions" / session / "seed_log.jsonl") as log:
            logged = {entry.id for entry in log.entries()}
            for entry in known:
                if entry.id not in logged:
                    log.append(entry)
                    count += 1
    lost = [f"Not all edits of the old database could be read: {problem}."] if problem else []
    return count, lost


def _mark_again(store: Store, rows: list[sqlite3.Row]) -> None:
    """Star and bin as they were, also those of before there was a journal of them."""
    change = (
        "UPDATE results SET starred = ?, removed = ?, removed_at = ? WHERE removed < 2"
        " AND position = ? AND entry = (SELECT seq FROM entries WHERE id = ?)"
    )
    with store.database.writing() as new:
        for row in rows:
            values = (row["starred"], min(row["removed"], 1), row["removed_at"])
            new.execute(change, (*values, row["position"], row["id"]))


def _counted(
    store: Store, rescued: dict[str, int], lost: tuple[str, ...], old: Path | None
) -> Reindexed:
    with store.database.reading() as connection:
        entries, sessions = connection.execute(
            "SELECT count(*), count(DISTINCT session) FROM entries"
        ).fetchone()
        results, absent = connection.execute(
            "SELECT count(*), coalesce(sum(removed = 2), 0) FROM results"
        ).fetchone()
        named = {row["sha256"] for row in connection.execute("SELECT sha256 FROM results")}
    lines = sum(map(_lines, store.data_dir.glob("sessions/*/seed_log.jsonl")))
    files = {path.stem for path in (store.data_dir / "results").iterdir() if is_sha256(path.stem)}
    return Reindexed(
        sessions=sessions,
        entries=entries,
        results=results,
        absent=absent,
        unnamed=len(files - named),
        unreadable_lines=max(0, lines - entries),
        rescued=rescued,
        lost=lost,
        kept=old,
    )


def _lines(log: Path) -> int:
    with log.open("rb") as file:
        return sum(1 for raw in file if raw.strip())
