"""Which digests have files, how many bytes, and which sessions own them: two tables of genimg.db.

A session owns what it has named (upload, mask, result) until it gives it up; what it owns counts
as its usage. A file goes when nobody owns it. Triggers keep `owned` (see schema), so usage is
known without a look at the disk. Sizes are bytes, over all folders; times are seconds since 1970.
"""

import os
import sqlite3
import time
from collections.abc import Iterable
from contextlib import suppress

from genimg_ui.errors import UnknownItem
from genimg_ui.history.database import Database
from genimg_ui.history.files import PictureFolder
from genimg_ui.history.names import check_session, check_sha256, is_sha256
from genimg_ui.history.schema import CLAIM

UPLOAD_HELD = 10.0  # seconds from keeping an upload to naming it in a draft: milliseconds are usual
RESULT_HELD = 86_400.0  # an edit of many variants names its first result when its last is there

_FILE = """
INSERT INTO files (sha256, bytes, touched, held) VALUES (?, ?, ?, ?)
ON CONFLICT (sha256) DO UPDATE SET bytes = excluded.bytes,
    touched = max(touched, excluded.touched), held = max(held, excluded.held)
"""


class FileTable:
    """Knows the files of `folders`, and removes those that nobody owns any more."""

    def __init__(self, database: Database, folders: tuple[PictureFolder, ...]) -> None:
        self._database = database
        self._folders = folders

    def note(self, sha256: str, held: float) -> None:
        """Count the files of `sha256`, just put, and hold them for `held` seconds."""
        now = time.time()
        size = sum(_size(folder, sha256) for folder in self._folders)
        with self._database.writing() as connection:
            connection.execute(_FILE, (sha256, size, now, now + held if held else 0.0))

    def scan(self) -> None:
        """Bring the table to what is on disk: after a crash, or for a folder of earlier days."""
        begun = time.time()
        found = self._on_disk()
        with self._database.reading() as connection:
            rows = connection.execute("SELECT sha256, bytes, touched FROM files").fetchall()
        known = {row["sha256"]: row["bytes"] for row in rows}
        # What another process put after the look at the disk is there all the same.
        gone = [(r["sha256"],) for r in rows if r["sha256"] not in found and r["touched"] < begun]
        new = [row for row in found.values() if known.get(row[0]) != row[1]]
        if not gone and not new:
            return
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM files WHERE sha256 = ?", gone)
            connection.executemany(_FILE, new)
            for claim in CLAIM:
                connection.execute(claim)

    def unlink(self, names: Iterable[str]) -> int:
        """Remove the files of digests that have left the table; bytes freed."""
        freed = 0
        for name in names:
            # Under the lock: whoever puts the same picture now notes it before or after this.
            with self._database.writing() as connection:
                query = "SELECT 1 FROM files WHERE sha256 = ?"
                if connection.execute(query, (name,)).fetchone() is None:
                    freed += sum(folder.remove(name) for folder in self._folders)
        return freed

    def _on_disk(self) -> dict[str, tuple[str, int, float, float]]:
        """Rows of `files` by digest."""
        found: dict[str, tuple[str, int, float, float]] = {}
        for folder in self._folders:
            held = RESULT_HELD if folder.folder.name == "results" else 0.0
            for item in os.scandir(folder.folder):
                name = item.name.partition(".")[0]
                if not is_sha256(name):
                    continue
                with suppress(FileNotFoundError):  # it was removed just now
                    status = item.stat()
                    _, size, touched, until = found.get(name, (name, 0, 0.0, 0.0))
                    touched = max(touched, status.st_mtime)
                    until = max(until, touched + held if held else 0.0)
                    found[name] = (name, size + status.st_size, touched, until)
        return found


def total(connection: sqlite3.Connection) -> int:
    """Bytes of all files."""
    return int(connection.execute("SELECT ifnull(sum(bytes), 0) FROM files").fetchone()[0])


def usage_of(connection: sqlite3.Connection, session: str) -> int:
    """Bytes of what the session owns."""
    query = "SELECT ifnull(sum(bytes), 0) FROM owned WHERE session = ?"
    return int(connection.execute(query, (session,)).fetchone()[0])


def usage_by_session(connection: sqlite3.Connection) -> dict[str, int]:
    """Bytes of what each session owns; a session without files is not among them."""
    rows = connection.execute("SELECT session, sum(bytes) FROM owned GROUP BY session")
    return {row[0]: int(row[1]) for row in rows}


def disown(connection: sqlite3.Connection, session: str, sha256: str) -> tuple[int, int | None]:
    """End the session's ownership: bytes that its usage loses, and those of files that must go.

    The second is None where the files stay, because they are held or another session's too.
    """
    key = {"session": session, "sha256": sha256, "now": time.time()}
    query = "DELETE FROM owned WHERE session = :session AND sha256 = :sha256 RETURNING bytes"
    rows = connection.execute(query, key).fetchall()
    gone = connection.execute(
        "DELETE FROM files WHERE sha256 = :sha256 AND held <= :now"
        " AND NOT EXISTS (SELECT 1 FROM owned WHERE sha256 = :sha256) RETURNING bytes",
        key,
    ).fetchall()
    return (int(rows[0][0]) if rows else 0), (int(gone[0][0]) if gone else None)


def _size(folder: PictureFolder, sha256: str) -> int:
    with suppress(FileNotFoundError):
        path = folder.find(sha256)
        return 0 if path is None else path.stat().st_size
    return 0


def owns(database: Database, session: str, sha256: str) -> bool:
    """Whether the session has opened, painted or made the file of this digest."""
    with database.reading() as connection:
        query = "SELECT 1 FROM owned WHERE session = ? AND sha256 = ?"
        key = (check_session(session), check_sha256(sha256))
        return connection.execute(query, key).fetchone() is not None


def check_owned(database: Database, session: str, names: Iterable[str]) -> None:
    """Refuse pictures that this session has not brought itself; raises UnknownItem."""
    for sha256 in names:
        if not owns(database, session, sha256):
            raise UnknownItem(
                f"The picture {sha256[:12]} that the settings name is not here: upload it again."
            )


def own(database: Database, session: str, sha256: str) -> None:
    """Make a file that was just put the session's own, before anything else names it."""
    with database.writing() as connection:
        connection.execute(
            "INSERT OR IGNORE INTO owned (session, sha256, bytes)"
            " SELECT ?, sha256, bytes FROM files WHERE sha256 = ?",
            (check_session(session), check_sha256(sha256)),
        )
