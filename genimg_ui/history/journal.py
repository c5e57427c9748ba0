"""marks.jsonl: what a session said of its results, one change a line, beside its seed log.

The index can be lost and made anew from the logs; stars, labels, notes and the bin come back from
here. A line is synced with the change that it tells. Lines that cannot be read are passed over.
"""

import errno
import json
import logging
import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from genimg_ui.errors import UnknownItem
from genimg_ui.history.bins import choose
from genimg_ui.history.database import Database
from genimg_ui.history.files import make_folder, storage_error, sync_folder
from genimg_ui.history.marks import MarkChange, change_result, reword
from genimg_ui.history.names import check_session

Items = Sequence[tuple[str, int]]
_LOG = logging.getLogger(__name__)
_KINDS: dict[str, tuple[type, ...]] = {
    "starred": (bool,),
    "rating": (int,),
    "label": (str,),
    "note": (str,),
    "approved": (bool,),
    "removed": (int,),
    "removed_at": (float, int, type(None)),
}


class Journal:
    """Changes results, given as (entry id, index): all that are named, or none (UnknownItem)."""

    def __init__(self, database: Database, sessions: Path) -> None:
        self._database = database
        self._sessions = sessions

    def mark(self, session: str, items: Items, change: MarkChange) -> None:
        """Set marks."""
        self._change(session, items, change.columns())

    def bin(self, session: str, items: Items) -> None:
        """Take results out of the gallery; their files stay."""
        self._change(session, items, {"removed": 1, "removed_at": time.time()})

    def unbin(self, session: str, items: Items) -> None:
        """Bring results back from the bin."""
        self._change(session, items, {"removed": 0, "removed_at": None})

    def keep_bin(self, session: str, seconds: float | None) -> None:
        """Let the session's bin keep results so long; None: until it is emptied by hand."""
        with self._database.writing() as connection:
            choose(connection, session, seconds)
            self._append(session, {"keep_bin": seconds})

    def _change(self, session: str, items: Items, columns: dict[str, object]) -> None:
        if not items or not columns:
            return
        with self._database.writing() as connection:
            _set(connection, session, items, columns)
            self._append(session, {"items": list(items), "set": columns})

    def replay(self, session: str) -> None:
        """Make every change of the session again, in an index that was made anew."""
        path = self.path(session)
        if not path.is_file():
            return
        with path.open("rb") as file, self._database.writing() as connection:
            for number, raw in enumerate(file, start=1):
                try:
                    _replay(connection, session, json.loads(raw))
                except (ValueError, TypeError, LookupError, RecursionError) as problem:
                    _LOG.warning("%s, line %d is passed over: %s", path, number, problem)

    def path(self, session: str) -> Path:
        return self._sessions / check_session(session) / "marks.jsonl"

    def _append(self, session: str, line: dict[str, object]) -> None:
        path = self.path(session)
        new = not path.exists()
        make_folder(path.parent)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise storage_error(error, path.parent, "the change") from error
        try:
            before = os.fstat(descriptor).st_size
            torn = before > 0 and os.pread(descriptor, 1, before - 1) != b"\n"
            text = "\n" * torn + json.dumps(line, ensure_ascii=False) + "\n"
            data = text.encode()
            if os.write(descriptor, data) != len(data):
                os.ftruncate(descriptor, before)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
            if new:
                sync_folder(path.parent)
        except OSError as error:
            raise storage_error(error, path.parent, "the change") from error
        finally:
            os.close(descriptor)


def _set(
    connection: sqlite3.Connection, session: str, items: Items, columns: dict[str, object]
) -> None:
    for item in items:
        entry = change_result(connection, session, item, columns)
        reword(connection, entry, item[1], columns)


def _replay(connection: sqlite3.Connection, session: str, line: dict[str, Any]) -> None:
    """Make the change of one line; raises where it has another form."""
    if "keep_bin" in line:
        choose(connection, session, line["keep_bin"])
        return
    columns = dict(line["set"])
    for name, value in columns.items():
        if not isinstance(value, _KINDS[name]):
            raise TypeError(f"{name} must be {_KINDS[name][0].__name__}, got {value!r}")
    for entry, index in line["items"]:
        with suppress(UnknownItem):  # its file is gone
            _set(connection, session, [(str(entry), int(index))], columns)
