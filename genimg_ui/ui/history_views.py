"""What strip, tree, trash and comparison of two show, as plain JSON values.

A result's key is "entry:index"; that of an opened picture is "source:" and its sha256.
"""

from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

from genimg_ui.core.geometry import Size
from genimg_ui.errors import RefusedInput
from genimg_ui.history.bins import DAY
from genimg_ui.history.entries import ResultRow
from genimg_ui.history.gallery import Branch, Found, Node
from genimg_ui.history.lineage import Place
from genimg_ui.history.marks import MarkChange, Marks
from genimg_ui.history.search import Query

Json = dict[str, Any]
Thumb = Callable[[str], str]  # the address of a small copy of the picture with this sha256
PAGE = 24  # results on one page of the strip
MOST_ITEMS = 500  # results that one action may be about
NODES = 500  # of the tree that come at once
NEVER = "never"
_MARKS = tuple(field.name for field in fields(Marks))


def strip(found: Found, query: Query, *, offset: int, models: list[str], thumb: Thumb) -> Json:
    """One page of what `query` finds."""
    return {
        "items": [item(row, thumb) for row in found.rows],
        "offset": offset,
        "total": found.total,
        "page": PAGE,
        "query": asdict(query),
        "models": models,
        "news": False,
        "selected": None,
        "log_url": None,
    }


def item(row: ResultRow, thumb: Thumb) -> Json:
    """One result of the strip; an edit without results has no picture."""
    return {
        "entry": row.entry_id,
        "index": row.index,
        "thumb": thumb(row.sha256) if row.sha256 else "",
        "caption": str(row.seed) if row.sha256 else row.label,
        "title": title(row),
        "state": str(row.state),
        "marks": marks(row.marks),
    }


def title(row: ResultRow) -> str:
    """A result in one line, for a tooltip and for who cannot see its picture."""
    marks = row.marks
    words = [marks.label, row.label, f"seed {row.seed}" if row.sha256 else str(row.state)]
    words += [row.model, row.created[:16], f"rated {marks.rating}" if marks.rating else ""]
    words += ["starred" if marks.starred else "", "approved" if marks.approved else "", marks.note]
    return " · ".join(word for word in words if word)


def tree(branch: Branch, *, here: str | None, selected: str | None, thumb: Thumb) -> Json:
    """A page of the tree; `more` is set by whoever asked for older nodes."""
    sources = {node.source for node in branch.nodes if node.parent is None}
    return {
        "nodes": [_node(node, thumb) for node in branch.nodes],
        "sources": [
            {
                "entry": "source",
                "index": sha256,
                "thumb": thumb(sha256),
                "title": "An opened picture: Enter opens it again",
                "text": "opened",
            }
            for sha256 in sorted(sources)
        ],
        "before": branch.before,
        "more": False,
        "here": here,
        "selected": selected,
    }


def _node(node: Node, thumb: Thumb) -> Json:
    row = node.row
    gone = "Deleted, but others were made from it"
    return {
        "entry": row.entry_id,
        "index": row.index,
        "parent": key(*node.parent) if node.parent else f"source:{node.source}",
        "made": row.created,
        "thumb": "" if node.gone else thumb(row.sha256),
        "title": gone if node.gone else title(row),
        "text": "deleted" if node.gone else row.marks.label or row.label,
        "marks": marks(row.marks),
        "gone": node.gone,
    }


def trash(
    rows: list[tuple[ResultRow, float]],
    *,
    offset: int,
    total: int,
    keep: float | None,
    thumb: Thumb,
) -> Json:
    """One page of the bin; `keep` is how long it keeps a result, in seconds."""
    return {
        "items": [item(row, thumb) | {"removed_at": removed_at} for row, removed_at in rows],
        "offset": offset,
        "total": total,
        "page": PAGE,
        "keep": NEVER if keep is None else f"{keep / DAY:.0f}",
    }


def pair(shown: tuple[Json, Json], places: tuple[Place, Place]) -> Json:
    """Two results over one another, from the comparison of each and the place where it lies.

    Where they come from different pictures, they lie over one another by their corners.
    """
    one, two = shown
    related = places[0].root == places[1].root
    boxes = [
        (place if related else Place(root="", left=0, top=0)).box(
            Size(view["width"], view["height"])
        )
        for view, place in zip(shown, places, strict=True)
    ]
    whole = boxes[0].union(boxes[1])
    inner, outer = ([b.left - whole.left, b.top - whole.top, *b.size] for b in boxes)
    names = [f"A: {_name(one)}", f"B: {_name(two)}"]
    how = "" if related else " They come from different pictures."
    return {
        **two,
        "before": one["after"],
        "width": whole.size.width,
        "height": whole.size.height,
        "inner": inner,
        "outer": outer,
        "tags": names,
        "proof": f"{names[0]} and {names[1]}.{how} What follows is about B.",
        "ok": None,
    }


def marks(kept: Marks) -> Json:
    """A result's marks by name."""
    return {name: getattr(kept, name) for name in _MARKS}  # a tenth of `asdict`'s time


def _name(shown: Json) -> str:
    seed = dict(shown["facts"])["seed"]
    return shown["marks"]["label"] or f"seed {seed}"


def key(entry_id: str, index: int) -> str:
    return f"{entry_id}:{index}"


def query_of(data: Json) -> Query:
    """The query that the strip asks; raises RefusedInput."""
    kinds: dict[str, Callable[[Any], Any]] = dict.fromkeys(("text", "model", "state"), str)
    kinds |= dict.fromkeys(("since", "until"), str)
    kinds |= dict.fromkeys(("starred", "approved", "border", "prompt"), bool)
    kinds |= {"rating": int}
    given: Json = {name: kind(data[name]) for name, kind in kinds.items() if data.get(name)}
    return Query(**given)


def items_of(data: Json) -> list[tuple[str, int]]:
    """The results that an event is about, as (entry id, index); raises RefusedInput."""
    items = data["items"] if "items" in data else [[data["entry"], data["index"]]]
    if not 1 <= len(items) <= MOST_ITEMS:
        raise RefusedInput(f"Select 1 to {MOST_ITEMS} results, got {len(items)}.")
    return [(str(entry), int(index)) for entry, index in items]


def change_of(data: Json) -> MarkChange:
    """The marks that an event sets; raises RefusedInput."""
    kinds: dict[str, type] = {"starred": bool, "rating": int, "label": str, "note": str}
    given = data.get("change") or {}
    return MarkChange(**{name: kind(given[name]) for name, kind in kinds.items() if name in given})


def keep_of(data: Json) -> float | None:
    """How long the bin shall keep a result, in seconds; None: for ever."""
    chosen = str(data.get("keep"))
    if chosen == NEVER:
        return None
    if not chosen.isdigit():
        raise RefusedInput(f"The trash is emptied never or after some days, got {chosen[:20]!r}.")
    return float(chosen) * DAY
