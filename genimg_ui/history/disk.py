"""How much the data folder holds, and what is removed where that is more than its limits.

A session's usage is what it owns (see ownership): uploads and masks, shown or not, results also in
the bin, the inputs of its edits. What goes first says `removal`. The log keeps every entry. Sizes
are bytes.
"""

import time
from dataclasses import dataclass

from genimg_ui.history.database import Database
from genimg_ui.history.names import check_session
from genimg_ui.history.ownership import FileTable, total, usage_by_session, usage_of
from genimg_ui.history.removal import SPARE_UPLOADS, Eviction, Removal

_ABANDONED_AFTER = 86_400.0  # seconds that an upload which no edit used is kept without limits
_BINS = """
SELECT DISTINCT r.session, CASE WHEN b.session IS NULL THEN :usual ELSE b.keep_seconds END AS keep
FROM results r LEFT JOIN bins b ON b.session = r.session
WHERE r.removed = 1 AND keep IS NOT NULL AND r.removed_at <= :now - keep
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskLimits:
    """Bytes of pictures that may be kept; None: no limit."""

    session_bytes: int | None = None
    total_bytes: int | None = None


_NO_LIMITS = DiskLimits()


class Disk:
    """Counts and removes pictures."""

    def __init__(self, database: Database, files: FileTable) -> None:
        self._database = database
        self._files = files

    def usage(self, session: str | None) -> int:
        """Bytes of all pictures, or of those that one session owns."""
        with self._database.reading() as connection:
            if session is None:
                return total(connection)
            return usage_of(connection, check_session(session))

    def purge(self, session: str, *, older_than: float) -> int:
        """Empty the session's bin of what lies there for `older_than` seconds; bytes freed."""
        with self._database.writing() as connection:
            removal = Removal(connection)
            removal.empty_bin(check_session(session), older_than)
        return self._files.unlink(removal.doomed)

    def purge_bins(self, usual: float) -> int:
        """Empty every bin as its session wants, else like `purge`; and uploads unused for a day."""
        with self._database.writing() as connection:
            removal = Removal(connection)
            values = {"usual": usual, "now": time.time()}
            for row in connection.execute(_BINS, values).fetchall():
                removal.empty_bin(row["session"], row["keep"])
            removal.drop_spare(SPARE_UPLOADS, None, age=_ABANDONED_AFTER)
            removal.drop_of_nobody(None, age=_ABANDONED_AFTER)
        return self._files.unlink(removal.doomed)

    def evict(self, limits: DiskLimits, *, dry_run: bool) -> list[Eviction]:
        """Remove pictures until the limits hold; starred results stay. A dry run only tells."""
        if limits == _NO_LIMITS or not self._exceeded(limits):
            return []
        with self._database.writing(commit=not dry_run) as connection:
            removal = Removal(connection)
            done: list[Eviction] = []
            if limits.session_bytes is not None:
                removal.fit_sessions(limits.session_bytes)
                scope = "this session"
                done += removal.tell(limits.session_bytes, scope, dry_run=dry_run)
            if limits.total_bytes is not None:
                removal.fit_total(limits.total_bytes)
                scope = "all sessions together"
                done += removal.tell(limits.total_bytes, scope, dry_run=dry_run)
        if not dry_run:
            self._files.unlink(removal.doomed)
        return done

    def room_for(self, session: str, limits: DiskLimits, new_bytes: int) -> str | None:
        """Make room for `new_bytes` more of this session; why there is none, or None.

        Of this session, earlier uploads that no edit used go, what it deleted and the inputs of
        edits without results; for the limit of all sessions what `evict` removes.
        """
        check_session(session)
        if limits == _NO_LIMITS or self._has_room(session, limits, new_bytes) is None:
            return None
        with self._database.writing() as connection:
            removal = Removal(connection)
            if limits.session_bytes is not None:
                removal.clear(session, limits.session_bytes - new_bytes)
            if limits.total_bytes is not None:
                removal.fit_total(limits.total_bytes - new_bytes)
                removal.tell(limits.total_bytes, "all sessions together", dry_run=False)
        self._files.unlink(removal.doomed)
        return self._has_room(session, limits, new_bytes)

    def _has_room(self, session: str, limits: DiskLimits, new_bytes: int) -> str | None:
        more = f"{new_bytes / 1e6:.1f} MB more"
        with self._database.reading() as connection:
            if limits.session_bytes is not None:
                used = usage_of(connection, session)
                if used + new_bytes > limits.session_bytes:
                    return (
                        f"This session has no room for {more}: it uses {used / 1e6:.1f} MB of at "
                        f"most {limits.session_bytes / 1e6:.1f} MB; download and delete results "
                        "that you do not need here, then try again."
                    )
            if limits.total_bytes is not None:
                used = total(connection)
                if used + new_bytes > limits.total_bytes:
                    return (
                        f"The server has no room for {more}: all sessions together use "
                        f"{used / 1e6:.1f} MB of at most {limits.total_bytes / 1e6:.1f} MB; "
                        "delete results that you do not need here, or try again later."
                    )
        return None

    def _exceeded(self, limits: DiskLimits) -> bool:
        with self._database.reading() as connection:
            if limits.total_bytes is not None and total(connection) > limits.total_bytes:
                return True
            if limits.session_bytes is None:
                return False
            return max(usage_by_session(connection).values(), default=0) > limits.session_bytes
