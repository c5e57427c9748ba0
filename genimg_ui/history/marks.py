"""What a person says of a result: star, rating, label, note, approval.

None of it is in the log, which records what happened; it lies in the index, is searched with the
prompt, and is kept by `journal`.
"""

import sqlite3
from dataclasses import dataclass, fields

from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.history.database import Database
from genimg_ui.history.names import check_session
from genimg_ui.history.search import search_key

HIGHEST_RATING = 5
LONGEST_LABEL = 80  # characters: what fits below two thumbnails
LONGEST_NOTE = 4000
LARGEST_INDEX = 2**16  # beyond it no count of results can be meant
MARK_COLUMNS = "r.starred, r.rating, r.label AS own_label, r.note, r.approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """All marks of one result."""

    starred: bool = False
    rating: int = 0  # 1 to 5; 0: none
    label: str = ""  # one line
    note: str = ""
    approved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkChange:
    """The marks to set; None leaves one as it is. Raises RefusedInput for values out of range."""

    starred: bool | None = None
    rating: int | None = None
    label: str | None = None
    note: str | None = None
    approved: bool | None = None

    def __post_init__(self) -> None:
        if self.rating is not None and not 0 <= self.rating <= HIGHEST_RATING:
            raise RefusedInput(
                f"A rating must be 1 to {HIGHEST_RATING}, or 0 for none, got {self.rating}."
            )
        _check_length("label", self.label, LONGEST_LABEL)
        _check_length("note", self.note, LONGEST_NOTE)

    def columns(self) -> dict[str, object]:
        """The columns to write."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        if self.label is not None:
            values["label"] = " ".join(self.label.split())
        return {name: value for name, value in values.items() if value is not None}


def marks_of_result(database: Database, session: str, entry_id: str, index: int) -> Marks:
    """The result's marks; none for a result that this session does not have."""
    query = (
        f"SELECT {MARK_COLUMNS} FROM results r JOIN entries e ON e.seq = r.entry"
        " WHERE r.session = ? AND e.id = ? AND r.position = ?"
    )
    with database.reading() as connection:
        row = connection.execute(query, (check_session(session), entry_id, index)).fetchone()
    return Marks() if row is None else marks_of(row)


def change_result(
    connection: sqlite3.Connection,
    session: str,
    item: tuple[str, int],
    columns: dict[str, object],
) -> int:
    """Write columns of one result whose file is there; its entry's `seq`, or UnknownItem."""
    entry_id, index = item
    if 0 <= index < LARGEST_INDEX:
        rows = connection.execute(
            f"UPDATE results SET {_assigned(columns)} WHERE position = :index"
            " AND session = :session AND removed < 2"
            " AND entry = (SELECT seq FROM entries WHERE id = :id) RETURNING entry",
            columns | {"index": index, "session": check_session(session), "id": entry_id},
        ).fetchall()
        if rows:
            return int(rows[0][0])
    raise UnknownItem(f"result {index} of entry {entry_id!r} is not in this session.")


def reword(
    connection: sqlite3.Connection, entry: int, index: int, columns: dict[str, object]
) -> None:
    """Let a changed label and note be found; `entry` is the entry's `seq`."""
    words = {name: columns[name] for name in columns if name in ("label", "note")}
    if words:
        key = {"rowid": search_key(entry, index)}
        connection.execute(
            f"UPDATE search SET {_assigned(words)} WHERE rowid = :rowid", words | key
        )


def marks_of(row: sqlite3.Row) -> Marks:
    """The marks in a row that has `MARK_COLUMNS`."""
    return Marks(
        starred=bool(row["starred"]),
        rating=row["rating"],
        label=row["own_label"],
        note=row["note"],
        approved=bool(row["approved"]),
    )


def _assigned(columns: dict[str, object]) -> str:
    return ", ".join(f"{name} = :{name}" for name in columns)


def _check_length(what: str, text: str | None, longest: int) -> None:
    if text is not None and len(text) > longest:
        raise RefusedInput(f"A {what} must have at most {longest} characters, got {len(text)}.")
