"""How much the data folder holds, and what may be removed from it.

A picture is kept while anything that lives needs it: a result outside the bin or in it, an entry
whose result is kept (its source and mask), a draft, a waiting or running job. The log keeps every
entry, also those whose pictures are gone. Sizes are bytes.
"""

import os
import sqlite3
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from genimg_ui.history.database import Database
from genimg_ui.history.files import PictureFolder
from genimg_ui.history.names import check_session, is_sha256

_UPLOAD_GRACE = 86_400.0  # seconds that a picture is kept which no draft or entry names (yet)

_NEEDED = """
SELECT EXISTS (SELECT 1 FROM results WHERE sha256 = :sha256 AND removed < 2)
    OR EXISTS (SELECT 1 FROM entries e WHERE e.source = :sha256 AND {kept})
    OR EXISTS (SELECT 1 FROM entries e WHERE e.mask = :sha256 AND {kept})
    OR EXISTS (SELECT 1 FROM drafts WHERE :sha256 IN (source, mask))
    OR EXISTS (SELECT 1 FROM jobs WHERE state IN ('queued', 'running')
               AND :sha256 IN (source, mask))
"""
_HAS_RESULT = "EXISTS (SELECT 1 FROM results r WHERE r.entry = e.seq AND r.removed < 2)"
_NEVER_HAD_ONE = "NOT EXISTS (SELECT 1 FROM results r WHERE r.entry = e.seq)"
# An edit that failed can be tried again from its source: only a limit takes that away.
_NEEDED_BY_ANY = _NEEDED.format(kept=f"({_HAS_RESULT} OR {_NEVER_HAD_ONE})")
_NEEDED_BY_RESULTS = _NEEDED.format(kept=_HAS_RESULT)

_OF_SESSION = """
SELECT sha256 AS name FROM results WHERE session = :session AND removed < 2
UNION SELECT source FROM entries WHERE session = :session
UNION SELECT mask FROM entries WHERE session = :session
UNION SELECT source FROM drafts WHERE session = :session
UNION SELECT mask FROM drafts WHERE session = :session
UNION SELECT source FROM jobs WHERE session = :session AND state IN ('queued', 'running')
UNION SELECT mask FROM jobs WHERE session = :session AND state IN ('queued', 'running')
"""
_OLDEST = """
SELECT r.entry, r.position, r.session, r.sha256, e.source, e.mask
FROM results r JOIN entries e ON e.seq = r.entry
WHERE r.removed < 2 AND r.starred = 0 {session}
ORDER BY r.removed DESC, r.entry, r.position
"""
_BINNED = """
SELECT r.entry, r.position, r.session, r.sha256, e.source, e.mask
FROM results r JOIN entries e ON e.seq = r.entry
WHERE r.session = ? AND r.removed = 1 AND r.removed_at <= ?
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskLimits:
    """Bytes of pictures that may be kept; None: no limit."""

    session_bytes: int | None = None
    total_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Eviction:
    """What was removed from one session, and the sentence that tells its owner."""

    session: str
    results: int
    sentence: str


class Disk:
    """Counts and removes pictures; `folders` are all that are named by digests."""

    def __init__(self, database: Database, folders: tuple[PictureFolder, ...]) -> None:
        self._database = database
        self._folders = folders

    def usage(self, session: str | None) -> int:
        """Bytes of all pictures, or of those that one session needs."""
        sizes = self._sizes()
        return sum(sizes.values()) if session is None else self._usage_of(session, sizes)

    def purge(self, session: str, *, older_than: float) -> int:
        """Empty the session's bin of what lies there for `older_than` seconds; bytes freed."""
        values = (check_session(session), time.time() - older_than)
        with self._database.writing() as connection:
            rows = connection.execute(_BINNED, values).fetchall()
            names: set[str] = set()
            for row in rows:
                names |= _forget(connection, row)
            doomed = [n for n in names if not _needed(connection, n, _NEEDED_BY_ANY)]
        return self._remove(doomed)

    def evict(self, limits: DiskLimits, *, dry_run: bool) -> list[Eviction]:
        """Remove pictures until the limits hold: unused uploads, the bin, then the oldest.

        Starred results stay. A dry run says what would go.
        """
        if not dry_run:
            self._remove(self._unused())
        sizes = self._sizes()
        done: list[Eviction] = []
        if limits.session_bytes is not None:
            for session in self._sessions():
                excess = self._usage_of(session, sizes) - limits.session_bytes
                doomed, counts = self._give_up(excess, session, sizes, dry_run=dry_run)
                sizes = {name: size for name, size in sizes.items() if name not in doomed}
                done += _tell(counts, limits.session_bytes, "this session", dry_run=dry_run)
        if limits.total_bytes is not None:
            excess = sum(sizes.values()) - limits.total_bytes
            _, counts = self._give_up(excess, None, sizes, dry_run=dry_run)
            done += _tell(counts, limits.total_bytes, "all sessions together", dry_run=dry_run)
        return done

    def _give_up(
        self, excess: int, session: str | None, sizes: Mapping[str, int], *, dry_run: bool
    ) -> tuple[set[str], dict[str, int]]:
        """Remove the oldest unstarred results until `excess` bytes are free.

        Returns the digests that went, and how many results of which session.
        """
        doomed: set[str] = set()
        counts: dict[str, int] = {}
        if excess <= 0:
            return doomed, counts
        query = _OLDEST.format(session="" if session is None else "AND r.session = :session")
        # The files go after the commit: a crash between leaves files too many, never too few.
        with self._database.writing(commit=not dry_run) as connection:
            for row in connection.execute(query, {"session": session}).fetchall():
                if excess <= 0:
                    break
                for name in _forget(connection, row) - doomed:
                    if not _needed(connection, name, _NEEDED_BY_RESULTS):
                        doomed.add(name)
                        excess -= sizes.get(name, 0)
                counts[row["session"]] = counts.get(row["session"], 0) + 1
        if not dry_run:
            self._remove(doomed)
        return doomed, counts

    def _unused(self) -> list[str]:
        """Uploads that nothing names and nobody has touched for a while."""
        names: list[str] = []
        before = time.time() - _UPLOAD_GRACE
        with self._database.reading() as connection:
            for folder in self._folders:
                for item in os.scandir(folder.folder):
                    name = item.name.partition(".")[0]
                    if is_sha256(name) and item.stat().st_mtime < before:
                        names.append(name)
            return [n for n in names if not _needed(connection, n, _NEEDED_BY_RESULTS)]

    def _sessions(self) -> list[str]:
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT session FROM entries UNION SELECT session FROM drafts"
            ).fetchall()
        return [row["session"] for row in rows]

    def _sizes(self) -> dict[str, int]:
        """Bytes of each digest, in all folders together."""
        sizes: dict[str, int] = {}
        for folder in self._folders:
            for item in os.scandir(folder.folder):
                name = item.name.partition(".")[0]
                with suppress(FileNotFoundError):  # it was removed just now
                    sizes[name] = sizes.get(name, 0) + item.stat().st_size
        return sizes

    def _usage_of(self, session: str, sizes: Mapping[str, int]) -> int:
        with self._database.reading() as connection:
            rows = connection.execute(_OF_SESSION, {"session": check_session(session)}).fetchall()
        return sum(sizes.get(row["name"], 0) for row in rows)

    def _remove(self, names: Iterable[str]) -> int:
        freed = 0
        for name in names:
            for folder in self._folders:
                freed += folder.remove(name)
        return freed


def _forget(connection: sqlite3.Connection, row: sqlite3.Row) -> set[str]:
    """Mark the result as gone; return the digests that may have lost their last user."""
    connection.execute(
        "UPDATE results SET removed = 2 WHERE entry = ? AND position = ?",
        (row["entry"], row["position"]),
    )
    return {n for n in (row["sha256"], row["source"], row["mask"]) if is_sha256(n)}


def _needed(connection: sqlite3.Connection, sha256: str, query: str) -> bool:
    return bool(connection.execute(query, {"sha256": sha256}).fetchone()[0])


def _tell(counts: Mapping[str, int], limit: int, scope: str, *, dry_run: bool) -> list[Eviction]:
    return [
        Eviction(session=owner, results=n, sentence=_sentence(n, limit, scope, dry_run=dry_run))
        for owner, n in counts.items()
    ]


def _sentence(count: int, limit: int, scope: str, *, dry_run: bool) -> str:
    verb = "will be removed" if dry_run else "were removed"
    results = "1 result" if count == 1 else f"{count} results"
    return (
        f"The {results} that you did not star and made first {verb}: "
        f"pictures of {scope} may take {limit / 1e6:.0f} MB."
    )
