"""What strip, tree, trash and comparison show, and what their events may ask."""

from typing import Any

import pytest

from genimg_ui.errors import RefusedInput
from genimg_ui.history.entries import NO_RESULT, ResultRow
from genimg_ui.history.gallery import Branch, Found, Node
from genimg_ui.history.lineage import Place
from genimg_ui.history.marks import MarkChange, Marks
from genimg_ui.history.record import EntryState
from genimg_ui.history.search import Query
from genimg_ui.ui import history_views


def row(entry: str = "e1", index: int = 1, **more: Any) -> ResultRow:
    return ResultRow(
        entry_id=entry,
        index=index,
        sha256=more.pop("sha256", "1" * 64),
        seed=8,
        created="2026-01-02T03:04:05",
        label="a cat",
        model="square",
        state=more.pop("state", EntryState.DONE),
        **more,
    )


def thumb(sha256: str) -> str:
    return f"t/{sha256[:3]}"


def test_the_strip_shows_a_page_of_what_was_found() -> None:
    marks = Marks(starred=True, rating=4, label="cover", note="ask Eve")
    told = history_views.strip(
        Found(rows=[row(marks=marks)], total=25),
        Query(text="cat"),
        offset=24,
        models=["square"],
        thumb=thumb,
    )
    assert (told["offset"], told["total"], told["page"]) == (24, 25, history_views.PAGE)
    assert told["query"]["text"] == "cat" and told["models"] == ["square"]
    [item] = told["items"]
    assert (item["entry"], item["index"], item["thumb"]) == ("e1", 1, "t/111")
    assert item["marks"]["rating"] == 4
    assert item["title"] == (
        "cover · a cat · seed 8 · square · 2026-01-02T03:04 · rated 4 · starred · ask Eve"
    )


def test_an_edit_without_a_result_has_no_picture() -> None:
    failed = row(index=NO_RESULT, sha256="", state=EntryState.FAILED)
    item = history_views.item(failed, thumb)
    assert (item["thumb"], item["state"], item["caption"]) == ("", "failed", "a cat")
    assert "failed" in item["title"] and "seed" not in item["title"]


def test_the_tree_names_parents_and_opened_pictures() -> None:
    branch = Branch(
        nodes=[
            Node(row=row("e3", 0), parent=("e2", 1), source="2" * 64, gone=False),
            Node(row=row("e2", 1), parent=None, source="5" * 64, gone=True),
        ],
        before=7,
    )
    told = history_views.tree(branch, here="e3:0", selected=None, thumb=thumb)
    assert [node["parent"] for node in told["nodes"]] == ["e2:1", f"source:{'5' * 64}"]
    assert [source["index"] for source in told["sources"]] == ["5" * 64]
    assert (told["nodes"][1]["thumb"], told["nodes"][1]["text"]) == ("", "deleted")
    assert (told["before"], told["here"]) == (7, "e3:0")


@pytest.mark.parametrize(("keep", "chosen"), [(None, "never"), (86_400.0, "1"), (604_800.0, "7")])
def test_the_trash_tells_and_reads_when_it_is_emptied(keep: float | None, chosen: str) -> None:
    told = history_views.trash([(row(), 12.5)], offset=0, total=1, keep=keep, thumb=thumb)
    assert told["keep"] == chosen and told["items"][0]["removed_at"] == 12.5
    assert history_views.keep_of({"keep": chosen}) == keep


def shown(name: str, width: int, height: int) -> dict[str, Any]:
    return {
        "after": name,
        "width": width,
        "height": height,
        "facts": [("seed", "3")],
        "marks": {"label": ""},
    }


def test_two_results_lie_as_on_the_picture_that_they_come_from() -> None:
    places = Place(root="r", left=0, top=0), Place(root="r", left=-10, top=-4)
    told = history_views.pair((shown("a", 30, 20), shown("b", 50, 24)), places)
    assert (told["width"], told["height"]) == (50, 24)
    assert (told["inner"], told["outer"]) == ([10, 4, 30, 20], [0, 0, 50, 24])
    assert (told["before"], told["after"], told["ok"]) == ("a", "b", None)
    assert "different pictures" not in told["proof"]


def test_results_of_different_pictures_lie_corner_on_corner() -> None:
    places = Place(root="r", left=-5, top=0), Place(root="s", left=-10, top=-4)
    told = history_views.pair((shown("a", 30, 20), shown("b", 50, 24)), places)
    assert (told["inner"], told["outer"]) == ([0, 0, 30, 20], [0, 0, 50, 24])
    assert "They come from different pictures." in told["proof"]


def test_events_are_read_by_known_names_only() -> None:
    asked = {"text": "cat", "rating": 3, "starred": True, "model": "", "run": "x", "strange": 1}
    assert history_views.query_of(asked) == Query(text="cat", rating=3, starred=True)
    change = {"rating": 2, "approved": True, "removed": 1}
    assert history_views.change_of({"change": change}) == MarkChange(rating=2)
    assert history_views.items_of({"entry": "e", "index": 2}) == [("e", 2)]
    assert history_views.items_of({"items": [["e", 2], ["f", 0]]}) == [("e", 2), ("f", 0)]


def test_too_many_or_no_results_are_refused() -> None:
    for items in ([], [["e", 0]] * 501):
        with pytest.raises(RefusedInput, match=f"Select 1 to 500 results, got {len(items)}"):
            history_views.items_of({"items": items})
    with pytest.raises(RefusedInput, match="never or after some days, got 'soon'"):
        history_views.keep_of({"keep": "soon"})
