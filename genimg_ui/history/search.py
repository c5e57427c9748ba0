"""Finding results: words in prompts, models, labels, notes, seeds and dates, and filters.

The words are a full-text index (SQLite FTS5) of one row for each result, and one for an edit that
has none. Its rowid leads to the result and sorts as the gallery does, newest entry first.
"""

import re
from dataclasses import dataclass

from genimg_ui.errors import RefusedInput
from genimg_ui.history.record import EntryState, LogEntry

FIELDS = ("prompt", "negative", "model", "label", "note", "seed", "day")
LONGEST_TEXT = 400  # characters of one search: more than any box shows
MOST_WORDS = 20
_SLOTS = 1 << 16  # results that one entry may have, so that keys never meet
_WORD = re.compile(r'(-?)(?:(\w+):)?(?:"([^"]*)"?|(\S+))')
INSERT = (
    "INSERT INTO search (rowid, session, prompt, negative, model, label, note, seed, day)"
    " VALUES (?, ?, ?, ?, ?, '', '', ?, ?)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What the history shows: every condition that is given must hold.

    `text`: words (each may go on), "phrases", -excluded ones, and field:word for FIELDS. `since`
    and `until` are ISO 8601, UTC; `until` itself is not in it. `run` is the id of a group of edits.
    """

    text: str = ""
    model: str = ""
    state: str = ""
    starred: bool = False
    approved: bool = False
    rating: int = 0  # at least
    since: str = ""
    until: str = ""
    border: bool = False  # extended only
    prompt: bool = False  # with a prompt only
    run: str = ""

    def __post_init__(self) -> None:
        if len(self.text) > LONGEST_TEXT:
            raise RefusedInput(
                f"A search must have at most {LONGEST_TEXT} characters, got {len(self.text)}."
            )
        if self.state and self.state not in tuple(EntryState):
            allowed = ", ".join(EntryState)
            raise RefusedInput(f"A state must be one of {allowed}, got {self.state[:40]!r}.")


def search_key(entry: int, index: int) -> int:
    """Rowid of a result in the index; `entry` is its entry's `seq`."""
    return entry * _SLOTS + _SLOTS - 1 - index


def rows_of(entry: LogEntry, seq: int, session: str) -> list[tuple[object, ...]]:
    """What the index holds of an entry, for `INSERT`."""
    sampling = entry.request.sampling
    words = (session, sampling.prompt, sampling.negative_prompt, entry.request.model)
    seeds = [str(result.seed) for result in entry.results] or [""]
    return [(search_key(seq, i), *words, seed, entry.created[:10]) for i, seed in enumerate(seeds)]


def conditions(session: str, query: Query) -> tuple[str, dict[str, object]]:
    """The FROM and WHERE of `query`, with its values: `e` is the entry, `r` the result or NULL.

    Entries without results are in it only where the query asks for a state.
    """
    values: dict[str, object] = {"session": session}
    where = ["e.session = :session"]
    match = match_of(session, query.text)
    if match:
        values["match"] = match
        where.append("search MATCH :match")
        tables = (
            f"search s CROSS JOIN entries e ON e.seq = s.rowid / {_SLOTS}"
            f" LEFT JOIN results r ON r.entry = e.seq"
            f" AND r.position = {_SLOTS - 1} - s.rowid % {_SLOTS}"
        )
    else:
        tables = "entries e LEFT JOIN results r ON r.entry = e.seq"
    where.append("(r.removed = 0 OR r.entry IS NULL)" if query.state else "r.removed = 0")
    for condition, name, value in (
        ("e.model = :model", "model", query.model),
        ("e.state = :state", "state", query.state),
        ("r.starred = 1", "", query.starred),
        ("r.approved = 1", "", query.approved),
        ("r.rating >= :rating", "rating", query.rating),
        ("e.created >= :since", "since", query.since),
        ("e.created < :until", "until", query.until),
        ("e.has_border = 1", "", query.border),
        ("e.has_prompt = 1", "", query.prompt),
        ("e.run = :run", "run", query.run),
    ):
        if value:
            where.append(condition)
            if name:
                values[name] = value
    return f"FROM {tables} WHERE {' AND '.join(where)}", values


def order(query: Query) -> str:
    """The ORDER BY that needs no sorting."""
    return "ORDER BY s.rowid DESC" if has_words(query.text) else "ORDER BY e.seq DESC, r.position"


def has_words(text: str) -> bool:
    return bool(_parts(text))


def match_of(session: str, text: str) -> str:
    """The text as an FTS5 expression over one session; "" where it has no words."""
    parts = _parts(text)
    if not parts:
        return ""
    wanted = [f'session : "{session}"'] + [part for excluded, part in parts if not excluded]
    unwanted = [part for excluded, part in parts if excluded]
    return " NOT ".join([f"({' AND '.join(wanted)})", *unwanted])


def _parts(text: str) -> list[tuple[bool, str]]:
    """Each word as (excluded, FTS5 expression); signs without letters or digits count as none."""
    parts = []
    for minus, field, phrase, word in _WORD.findall(text)[:MOST_WORDS]:
        if field and field.lower() not in FIELDS:
            word, field = f"{field}:{word or phrase}", ""
        said = phrase or word
        if not any(char.isalnum() for char in said):
            continue
        columns = field.lower() or "{" + " ".join(FIELDS) + "}"
        quoted = '"' + said.replace('"', " ") + '"'
        parts.append((bool(minus), f"({columns} : {quoted}{'' if phrase else '*'})"))
    return parts
