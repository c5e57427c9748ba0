"""What the history shows of a session, page by page: found results, the tree, the bin.

Only the index is read. A page holds at most PAGE_LIMIT rows.
"""

import sqlite3
from dataclasses import dataclass

from genimg_ui.history.database import Database
from genimg_ui.history.entries import (
    LARGEST_OFFSET,
    PAGE_LIMIT,
    ResultRow,
    check_page,
    result_row,
)
from genimg_ui.history.marks import MARK_COLUMNS
from genimg_ui.history.names import check_session
from genimg_ui.history.search import Query, conditions, order

_COLUMNS = (
    f"e.id, r.position, r.sha256, r.seed, e.model, e.created, e.state, e.label, {MARK_COLUMNS}"
)
_COUNT_ALL = "SELECT count(*) FROM results WHERE session = :session AND removed = 0"
_BIN = f"""
SELECT {_COLUMNS}, r.removed_at FROM results r CROSS JOIN entries e ON e.seq = r.entry
WHERE r.session = ? AND r.removed = 1 ORDER BY r.removed_at DESC, r.entry DESC, r.position
LIMIT ? OFFSET ?
"""
_TREE = f"""
SELECT {_COLUMNS}, e.seq, e.source, e.parent, e.parent_position, r.removed
FROM entries e CROSS JOIN results r ON r.entry = e.seq
WHERE e.session = :session AND e.seq < :before AND {{chosen}} AND (r.removed = 0 OR EXISTS (
    SELECT 1 FROM entries c WHERE c.parent = e.id AND c.parent_position = r.position))
ORDER BY e.seq DESC, r.position LIMIT :limit
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of what a query finds, and how many it finds in all."""

    rows: list[ResultRow]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A result in the tree of the session's edits.

    Its parent is a result, or, where `parent` is None, the uploaded picture `source`. One that was
    removed (`gone`) is there only to hold together what was made from it.
    """

    row: ResultRow
    parent: tuple[str, int] | None  # entry id and index
    source: str  # sha256 of the picture that was edited
    gone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One page of the tree, newest first; `before` leads to the next one, None: there is none."""

    nodes: list[Node]
    before: int | None

    def followed_by(self, older: "Branch") -> "Branch":
        """This page and the next one as one."""
        return Branch(nodes=self.nodes + older.nodes, before=older.before)


class Gallery:
    """Reads the pages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, session: str, query: Query, offset: int, limit: int) -> Found:
        """Results that `query` finds, newest first; a failed edit has the index NO_RESULT."""
        check_page(offset, limit)
        body, values = conditions(check_session(session), query)
        with self._database.reading() as connection:
            counting = _COUNT_ALL if query == Query() else f"SELECT count(*) {body}"
            (total,) = connection.execute(counting, values).fetchone()
            rows = connection.execute(
                f"SELECT {_COLUMNS} {body} {order(query)} LIMIT :limit OFFSET :offset",
                values | {"limit": limit, "offset": offset},
            ).fetchall()
        return Found(rows=[result_row(row) for row in rows], total=int(total))

    def models(self, session: str) -> list[str]:
        """The models of the session's edits."""
        query = "SELECT DISTINCT model FROM entries WHERE session = ? ORDER BY model"
        with self._database.reading() as connection:
            return [row[0] for row in connection.execute(query, (check_session(session),))]

    def tree(self, session: str, *, before: int | None = None, limit: int = PAGE_LIMIT) -> Branch:
        """Results with their parents; `before` is that of the page above."""
        check_page(0, limit)
        # One entry's results stay together: a page may end a few rows later.
        rows = self._tree(session, "TRUE", before=before or LARGEST_OFFSET, limit=limit)
        if len(rows) < limit:
            return Branch(nodes=[_node(row) for row in rows], before=None)
        last = rows[-1]["seq"]
        rest = self._tree(session, "e.seq = :last", before=last + 1, limit=PAGE_LIMIT, last=last)
        rows = [row for row in rows if row["seq"] != last] + rest
        return Branch(nodes=[_node(row) for row in rows], before=last)

    def nodes_of(self, session: str, entry_id: str) -> list[Node]:
        """The nodes of one entry."""
        rows = self._tree(
            session, "e.id = :id", before=LARGEST_OFFSET, limit=PAGE_LIMIT, id=entry_id
        )
        return [_node(row) for row in rows]

    def bin(self, session: str, offset: int, limit: int) -> list[tuple[ResultRow, float]]:
        """Deleted results, latest first, each with the time of its deletion (Unix seconds)."""
        check_page(offset, limit)
        with self._database.reading() as connection:
            rows = connection.execute(_BIN, (check_session(session), limit, offset)).fetchall()
        return [(result_row(row), float(row["removed_at"])) for row in rows]

    def bin_count(self, session: str) -> int:
        query = "SELECT count(*) FROM results WHERE session = ? AND removed = 1"
        with self._database.reading() as connection:
            return int(connection.execute(query, (check_session(session),)).fetchone()[0])

    def _tree(
        self, session: str, chosen: str, *, before: int, limit: int, **more: object
    ) -> list[sqlite3.Row]:
        values = {"session": check_session(session), "before": before, "limit": limit, **more}
        with self._database.reading() as connection:
            return connection.execute(_TREE.format(chosen=chosen), values).fetchall()


def _node(row: sqlite3.Row) -> Node:
    position = row["parent_position"]
    return Node(
        row=result_row(row),
        parent=None if position is None else (row["parent"], position),
        source=row["source"],
        gone=bool(row["removed"]),
    )
