"""What leaves the data folder in one transaction, and who is told.

Uploads that no edit used go first, then the inputs of edits without results, then the bin and the
oldest results without a star. Nothing goes that a waiting or running job, a draft or a kept result
of its session needs. Sizes are bytes: `usage` counts what a session owns, `files` what is on disk.
"""

import json
import sqlite3
import time
from collections import Counter
from dataclasses import dataclass, field

from genimg_ui.history.names import is_sha256
from genimg_ui.history.notices import give_notice
from genimg_ui.history.ownership import disown, total, usage_by_session, usage_of

_NEEDED = """
(  EXISTS (SELECT 1 FROM results r WHERE r.sha256 = o.sha256 AND r.session = o.session
           AND r.removed < 2)
OR EXISTS (SELECT 1 FROM entries e WHERE e.source = o.sha256 AND e.session = o.session AND {kept})
OR EXISTS (SELECT 1 FROM entries e WHERE e.mask = o.sha256 AND e.session = o.session AND {kept})
OR EXISTS (SELECT 1 FROM entries e, json_each(e.maps) m WHERE e.maps IS NOT NULL
           AND e.session = o.session AND m.value = o.sha256 AND {kept})
OR EXISTS (SELECT 1 FROM drafts d WHERE d.session = o.session AND (o.sha256 IN (d.source, d.mask)
           OR o.sha256 IN (SELECT value FROM json_each(ifnull(d.maps, '[]')))))
OR EXISTS (SELECT 1 FROM jobs j WHERE j.session = o.session AND j.state IN ('queued', 'running')
           AND (o.sha256 IN (j.source, j.mask)
           OR o.sha256 IN (SELECT value FROM json_each(ifnull(j.maps, '[]'))))))
"""
_HAS_RESULT = "EXISTS (SELECT 1 FROM results r WHERE r.entry = e.seq AND r.removed < 2)"
_NEVER_HAD_ONE = "NOT EXISTS (SELECT 1 FROM results r WHERE r.entry = e.seq)"
# An edit that failed can be tried again from its source: only a limit takes that away.
_NEEDED_BY_ANY = _NEEDED.format(kept=f"({_HAS_RESULT} OR {_NEVER_HAD_ONE})")
_NEEDED_BY_RESULTS = _NEEDED.format(kept=_HAS_RESULT)

_SPARE = """
SELECT o.session, o.sha256, o.bytes FROM owned o JOIN files f ON f.sha256 = o.sha256
WHERE {{owner}} AND f.touched <= :before AND f.held <= :now AND NOT {needed}
ORDER BY f.touched
"""
SPARE_UPLOADS = _SPARE.format(needed=_NEEDED_BY_ANY)
SPARE_INPUTS = _SPARE.format(needed=_NEEDED_BY_RESULTS)
_OF_NOBODY = """
SELECT f.sha256, f.bytes FROM files f WHERE f.touched <= :before AND f.held <= :now
AND NOT EXISTS (SELECT 1 FROM owned WHERE sha256 = f.sha256) ORDER BY f.touched
"""
_RESULTS = """
SELECT r.entry, r.position, r.session, r.sha256, r.removed, e.source, e.mask, e.maps
FROM entries e CROSS JOIN results r ON r.entry = e.seq WHERE e.session = ? AND {chosen}
ORDER BY r.removed DESC, r.entry, r.position
"""
_OLDEST = _RESULTS.format(chosen="r.removed < 2 AND r.starred = 0")
_IN_BIN = _RESULTS.format(chosen="r.removed = 1 AND r.removed_at <= ?")
_PLAIN = """
SELECT ifnull(sum(o.bytes), 0) FROM owned o WHERE o.session = ? AND NOT EXISTS (
    SELECT 1 FROM results r WHERE r.sha256 = o.sha256 AND r.session = o.session
    AND r.starred = 1 AND r.removed < 2)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eviction:
    """What was removed from one session, and the sentence that tells its owner."""

    session: str
    results: int
    sentence: str


@dataclass(slots=True)
class Removal:
    """What one transaction removes; the files of `doomed` go after its commit.

    A crash between the two leaves files too many, never too few.
    """

    connection: sqlite3.Connection
    doomed: list[str] = field(default_factory=list)
    freed: int = 0  # bytes of the files of `doomed`
    counts: Counter[str] = field(default_factory=Counter)  # results by session, without the bin's

    def fit_sessions(self, limit: int) -> None:
        """Bring every session to at most `limit` bytes, as far as its stars allow."""
        for session, usage in usage_by_session(self.connection).items():
            if usage > limit and not self.clear(session, limit):
                excess = usage_of(self.connection, session) - limit
                for row in self.connection.execute(_OLDEST, (session,)).fetchall():
                    if excess <= 0:
                        break
                    excess -= self.drop_result(row, _NEEDED_BY_RESULTS)

    def clear(self, session: str, limit: int) -> bool:
        """Take from the session what is no result outside the bin; whether that is enough."""
        for query in (SPARE_UPLOADS, SPARE_INPUTS):
            excess = usage_of(self.connection, session) - limit
            self.drop_spare(query, session, usage=excess)
        for row in self.connection.execute(_OLDEST, (session,)).fetchall():
            if not row["removed"] or usage_of(self.connection, session) <= limit:
                break
            self.drop_result(row, _NEEDED_BY_RESULTS)
        return usage_of(self.connection, session) <= limit

    def fit_total(self, limit: int) -> None:
        """Bring all files to at most `limit` bytes: those who use most give first.

        A result goes only from a session above its fair share, and only where enough can go.
        """
        self.drop_of_nobody(total(self.connection) - limit)
        self.drop_spare(SPARE_UPLOADS, None, files=total(self.connection) - limit)
        self.connection.execute("SAVEPOINT results_too")
        kept = len(self.doomed), self.freed, self.counts.copy()
        self._share(limit)
        if total(self.connection) > limit:
            self.connection.execute("ROLLBACK TO results_too")
            del self.doomed[kept[0] :]
            _, self.freed, self.counts = kept
        self.connection.execute("RELEASE results_too")

    def _share(self, limit: int) -> None:
        usages = usage_by_session(self.connection)
        share = limit / max(1, len(usages))
        target = self.freed + total(self.connection) - limit  # what `freed` must come to
        above = [session for session, usage in usages.items() if usage > share]
        if self.freed + sum(self._without_stars(session) for session in above) < target:
            return  # each edit would come to the same end the long way
        steps: dict[str, list[sqlite3.Row]] = {}
        while usages and self.freed < target:
            session = max(usages, key=usages.__getitem__)
            if usages[session] <= share:
                return
            if session not in steps:
                usages[session] -= self.drop_spare(SPARE_INPUTS, session, files=target - self.freed)
                steps[session] = self.connection.execute(_OLDEST, (session,)).fetchall()[::-1]
            elif steps[session]:
                usages[session] -= self.drop_result(steps[session].pop(), _NEEDED_BY_RESULTS)
            else:
                del usages[session]  # its stars keep the rest, but push nobody out

    def _without_stars(self, session: str) -> int:
        """Bytes that the session owns apart from its starred results: it can give no more."""
        return int(self.connection.execute(_PLAIN, (session,)).fetchone()[0])

    def empty_bin(self, session: str, older_than: float) -> None:
        """Take what lies in the session's bin for `older_than` seconds."""
        values = (session, time.time() - older_than)
        for row in self.connection.execute(_IN_BIN, values).fetchall():
            self.drop_result(row, _NEEDED_BY_ANY)

    def drop_of_nobody(self, files: int | None, *, age: float = 0.0) -> None:
        """Remove what no session ever named, until `files` bytes are free; None: all of it."""
        now = time.time()
        target = None if files is None else self.freed + files
        values = {"now": now, "before": now - age}
        for row in self.connection.execute(_OF_NOBODY, values).fetchall():
            if target is not None and self.freed >= target:
                return
            self._disown("", row["sha256"])

    def drop_spare(
        self,
        query: str,
        session: str | None,
        *,
        usage: int | None = None,
        files: int | None = None,
        age: float = 0.0,
    ) -> int:
        """Give up what `query` finds until that many bytes are free; the usage that this ends."""
        now, lost, begun = time.time(), 0, self.freed
        values = {"session": session, "now": now, "before": now - age}
        if (usage is not None and usage <= 0) or (files is not None and files <= 0):
            return 0
        query = query.format(owner="TRUE" if session is None else "o.session = :session")
        for row in self.connection.execute(query, values).fetchall():
            if usage is not None and lost >= usage:
                break
            if files is not None and self.freed - begun >= files:
                break
            lost += self._disown(row["session"], row["sha256"])
        return lost

    def drop_result(self, row: sqlite3.Row, needed: str) -> int:
        """Mark the result as gone, with what its session needed for it alone; usage that ends."""
        self.connection.execute(
            "UPDATE results SET removed = 2 WHERE entry = ? AND position = ?",
            (row["entry"], row["position"]),
        )
        if not row["removed"]:
            self.counts[row["session"]] += 1
        lost = 0
        own = f"SELECT 1 FROM (SELECT ? AS session, ? AS sha256) o WHERE {needed}"
        maps = json.loads(row["maps"]) if row["maps"] else []
        for name in {row["sha256"], row["source"], row["mask"], *maps}:
            values = (row["session"], name)
            if is_sha256(name) and self.connection.execute(own, values).fetchone() is None:
                lost += self._disown(*values)
        return lost

    def tell(self, limit: int, scope: str, *, dry_run: bool) -> list[Eviction]:
        """Say to each owner what has gone since the last call; a dry run keeps no notice."""
        told = []
        for session, count in self.counts.items():
            sentence = _sentence(count, limit, scope, dry_run=dry_run)
            told.append(Eviction(session=session, results=count, sentence=sentence))
            if not dry_run:
                give_notice(self.connection, session, sentence)
        self.counts.clear()
        return told

    def _disown(self, session: str, sha256: str) -> int:
        lost, gone = disown(self.connection, session, sha256)
        if gone is not None:
            self.doomed.append(sha256)
            self.freed += gone
        return lost


def _sentence(count: int, limit: int, scope: str, *, dry_run: bool) -> str:
    verb = "will be removed" if dry_run else "were removed" if count > 1 else "was removed"
    results = "1 result" if count == 1 else f"{count} results"
    return (
        f"The {results} that you did not star and made first {verb}: "
        f"pictures of {scope} may take {limit / 1e6:.0f} MB."
    )
