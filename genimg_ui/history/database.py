"""genimg.db: SQLite in WAL mode, one connection for each thread, migrated when opened.

Reading never waits for a writer. A write takes the lock first (BEGIN IMMEDIATE), so that what it
reads is still true when it writes. A connection is never carried over a fork.
"""

import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genimg_ui.errors import StorageError
from genimg_ui.history.files import storage_error
from genimg_ui.history.locks import locked_path, share
from genimg_ui.history.schema import MIGRATIONS

_BUSY_SECONDS = 15.0  # a writer waits this long for another one; each write takes milliseconds


class _Connection(sqlite3.Connection):
    """A connection that can be referred to weakly: it ends with its thread."""


class _Use:
    """An open file that holds a lock, closed once and with its last owner."""

    def __init__(self, descriptor: int) -> None:
        self._end = weakref.finalize(self, os.close, descriptor)

    def close(self) -> None:
        self._end()


class Database:
    """Connections to one database file; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._open: weakref.WeakSet[_Connection] = weakref.WeakSet()
        # Two processes that start at once would both find an empty file.
        with self._told("its index"):
            self._in_use = self._share()
            with locked_path(path.with_suffix(".lock")):
                self._migrate(self._connection())

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for SELECT; each statement sees what is committed."""
        with self._told("its index"):
            yield self._connection()

    @contextmanager
    def writing(self, *, commit: bool = True) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is kept, or nothing (also where `commit` is False)."""
        with self._told("a change"):
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                _roll_back(connection)
                raise
            try:
                connection.execute("COMMIT" if commit else "ROLLBACK")
            except sqlite3.Error:
                _roll_back(connection)
                raise

    def close(self) -> None:
        """Close every thread's connection."""
        for connection in list(self._open):
            connection.close()
        self._local = threading.local()
        self._in_use.close()

    def _share(self) -> "_Use":
        """Say that the database is in use, for `reindex`; it ends with this object."""
        try:
            return _Use(share(self._path.with_suffix(".open")))
        except BlockingIOError as error:
            raise StorageError(
                f"The index of the data folder {self._path.parent} is being made anew. "
                "Try again when that has ended."
            ) from error

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise  # a mistake of the program, not of the disk
        except (sqlite3.Error, OSError) as error:
            raise storage_error(error, self._path.parent, what) from error

    def _connection(self) -> sqlite3.Connection:
        known: tuple[int, _Connection] | None = getattr(self._local, "known", None)
        if known is not None and known[0] == os.getpid():
            return known[1]
        connection = sqlite3.connect(
            self._path,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,  # `close` is called from one thread for all
            factory=_Connection,
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        self._open.add(connection)
        self._local.known = (os.getpid(), connection)
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > len(MIGRATIONS):
            raise StorageError(
                f"The data folder {self._path.parent} was written by a newer program: its schema "
                f"is {version}, this program reads up to {len(MIGRATIONS)}."
            )
        for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
            try:
                connection.executescript(
                    f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;"
                )
            except sqlite3.Error:
                _roll_back(connection)
                raise


def _roll_back(connection: sqlite3.Connection) -> None:
    # SQLite rolls back by itself where the disk is full; a second ROLLBACK is then an error.
    if connection.in_transaction:
        connection.execute("ROLLBACK")
