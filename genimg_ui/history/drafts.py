"""The unfinished edit of each session: one JSON object that a refresh or a restart brings back.

The page owns the object; only `source`, `mask` and the ready maps and references of the request
(sha256) are read here, so that their files are kept. A later revision replaces an earlier one; an
earlier one changes nothing.
"""

import json

from genimg_ui.core.serial import Json
from genimg_ui.errors import RefusedInput
from genimg_ui.history.database import Database
from genimg_ui.history.names import check_session, is_sha256

LARGEST_DRAFT = 262_144  # characters: settings and two digests take about two thousand


class DraftTable:
    """One row for each session."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, session: str, draft: dict[str, Json], *, revision: int | None) -> int:
        """Keep `draft` unless a later one is kept; return the revision that is kept now."""
        data = json.dumps(draft, ensure_ascii=False)
        if len(data) > LARGEST_DRAFT:
            raise RefusedInput(
                f"a draft must hold at most {LARGEST_DRAFT} characters, got {len(data)}"
            )
        named = (_digest(draft, "source"), _digest(draft, "mask"), _maps(draft))
        values = (check_session(session), *named, data)
        with self._database.writing() as connection:
            row = connection.execute(
                "SELECT revision FROM drafts WHERE session = ?", (session,)
            ).fetchone()
            kept = row["revision"] if row else 0
            new = kept + 1 if revision is None else revision
            if row and new <= kept:
                return int(kept)
            connection.execute(
                "INSERT OR REPLACE INTO drafts (session, source, mask, maps, data, revision)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (*values, new),
            )
        return int(new)

    def load(self, session: str) -> tuple[dict[str, Json], int] | None:
        """The draft and its revision; None where the session has none."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT data, revision FROM drafts WHERE session = ?", (check_session(session),)
            ).fetchone()
        return (json.loads(row["data"]), row["revision"]) if row else None


def _digest(draft: dict[str, Json], key: str) -> str | None:
    value = draft.get(key)
    return value if is_sha256(value) else None


def _maps(draft: dict[str, Json]) -> str | None:
    """The digests of ready control maps and references as a JSON list; None without any."""
    request = draft.get("request")
    request = request if isinstance(request, dict) else {}
    digests = []
    for name, key in (("controls", "map"), ("references", "picture")):
        units = request.get(name)
        found = [unit.get(key) for unit in units or () if isinstance(unit, dict)]
        digests += [value for value in found if is_sha256(value)]
    return json.dumps(digests) if digests else None
