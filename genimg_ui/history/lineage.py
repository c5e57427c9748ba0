"""How the pictures of a session come from one another: parents, children, and where each lies.

A picture is a result (entry id and index) or an uploaded source (its sha256). Borders move the
origin: places are given in pixels of the uploaded picture at the root.
"""

import json
import sqlite3
from dataclasses import dataclass

from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.errors import UnknownItem
from genimg_ui.history.database import Database
from genimg_ui.history.names import check_session

_DEEPEST = 100_000  # edits above one another: no session has them, so a loop would end
_UP = """
WITH RECURSIVE up (id, parent, position, source, line, depth) AS (
    SELECT id, parent, parent_position, source, line, 0 FROM entries
        WHERE id = :id AND session = :session
    UNION ALL
    SELECT e.id, e.parent, e.parent_position, e.source, e.line, up.depth + 1
        FROM up JOIN entries e ON e.id = up.parent AND e.session = :session
        WHERE up.position IS NOT NULL AND up.depth < :deepest
)
SELECT source, json_extract(line, '$.request.border') AS border,
    coalesce(json_extract(line, '$.request.upscale'), 1) AS upscale FROM up ORDER BY depth
"""
_DOWN = """
SELECT e.id, r.position FROM entries e CROSS JOIN results r ON r.entry = e.seq
WHERE e.session = :session AND r.removed = 0 AND {of}
ORDER BY e.seq DESC, r.position LIMIT :limit
"""
_OF_RESULT = "e.parent = :id AND e.parent_position = :index"
_OF_SOURCE = "e.source = :source AND e.parent_position IS NULL"
Item = tuple[str, int]  # entry id and index of a result


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a result lies over the picture `root`.

    That is the uploaded one (its sha256); where an edit on the way enlarged it, the enlarged one
    (its sha256 and the factor), because nothing smaller lies over that pixel by pixel.
    """

    root: str
    left: int  # of its origin; at most 0
    top: int

    def box(self, size: Size) -> Box:
        """The box of a result of `size`, in pixels of the root's picture."""
        return Box(self.left, self.top, self.left + size.width, self.top + size.height)


class Lineage:
    """Reads the relations of one index."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def place(self, session: str, entry_id: str) -> Place:
        """Where the results of an entry lie; UnknownItem for an entry of another session."""
        values = {"id": entry_id, "session": check_session(session), "deepest": _DEEPEST}
        with self._database.reading() as connection:
            rows = connection.execute(_UP, values).fetchall()
        if not rows:
            raise UnknownItem(f"entry {str(entry_id)[:40]!r} is not in this session.")
        enlarging = [index for index, row in enumerate(rows) if row["upscale"] > 1]
        rows = rows[: enlarging[0] + 1] if enlarging else rows
        borders = [Sides(*json.loads(row["border"])) for row in rows]
        return Place(
            root=rows[-1]["source"] + (f" × {rows[-1]['upscale']}" if enlarging else ""),
            left=-sum(border.left for border in borders),
            top=-sum(border.top for border in borders),
        )

    def made_from_result(self, session: str, item: Item, *, limit: int = 50) -> list[Item]:
        """Results whose source is this result, newest edit first, without those in the bin."""
        values = {"id": item[0], "index": item[1]}
        return self._down(session, _OF_RESULT, limit, values)

    def made_from_source(self, session: str, sha256: str, *, limit: int = 50) -> list[Item]:
        """Results whose source is this uploaded picture, newest edit first."""
        return self._down(session, _OF_SOURCE, limit, {"source": sha256})

    def _down(self, session: str, of: str, limit: int, values: dict[str, object]) -> list[Item]:
        values = values | {"session": check_session(session), "limit": limit}
        with self._database.reading() as connection:
            rows: list[sqlite3.Row] = connection.execute(_DOWN.format(of=of), values).fetchall()
        return [(row["id"], row["position"]) for row in rows]
