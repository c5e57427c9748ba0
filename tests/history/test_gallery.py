"""Searching, filtering, the tree and the bin: each shows the session's own, page by page."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from genimg_ui.core.geometry import Sides, Size
from genimg_ui.core.request import EditGroup, EditInputs
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.history.entries import NO_RESULT
from genimg_ui.history.gallery import Branch
from genimg_ui.history.marks import MarkChange, Marks
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.history.search import Query
from genimg_ui.history.store import Store
from tests.history.conftest import bring_back

MakeEntry = Callable[..., LogEntry]
SOURCE = "5" * 64


def digests() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"{next(numbers):064x}"


class Album:
    """Entries of one session, each with one result unless it says otherwise."""

    def __init__(self, store: Store, session: str, make_entry: MakeEntry) -> None:
        self.store, self.session, self._make = store, session, make_entry
        self._new = digests()

    def add(self, prompt: str = "", *, parent: LogEntry | None = None, of: int = 0, **more) -> str:
        results = [self._new() for _ in range(more.pop("results", 1))]
        entry = self._make(*results, prompt=prompt, state=more.pop("state", EntryState.DONE))
        request = replace(
            entry.request, model=more.pop("model", "a"), border=more.pop("border", Sides())
        )
        source = parent.results[of].sha256 if parent else SOURCE
        inputs = EditInputs(source=source, mask=None, group=more.pop("group", None))
        entry = replace(
            entry, request=request, inputs=inputs, parent=parent.id if parent else None, **more
        )
        self.store.record(self.session, entry)
        return entry.id

    def entry(self, entry_id: str) -> LogEntry:
        return self.store.entry(entry_id)

    def find(self, text: str = "", **filters: object) -> list[str]:
        query = Query(text=text, **filters)  # type: ignore[arg-type]
        found = self.store.gallery.find(self.session, query, 0, 50)
        assert found.total == len(found.rows)
        return [row.entry_id for row in found.rows]

    def links(self, branch: Branch) -> list[tuple[str, str | None, bool]]:
        return [(n.row.entry_id, n.parent and n.parent[0], n.gone) for n in branch.nodes]


@pytest.fixture
def album(store: Store, ann: str, make_entry: MakeEntry) -> Album:
    return Album(store, ann, make_entry)


@pytest.fixture
def other(store: Store, bob: str, make_entry: MakeEntry) -> Album:
    return Album(store, bob, make_entry)


def test_words_are_found_wherever_they_stand(album: Album) -> None:
    door = album.add("A réd door, 50 mm", created="2026-01-02T10:00:00.000+00:00")
    boat = album.add("a blue boat", model="square", created="2026-01-03T10:00:00.000+00:00")
    album.store.journal.mark(album.session, [(boat, 0)], MarkChange(label="Cover", note="ask Eve"))
    assert album.find("red") == album.find("RÉD doo") == album.find('"red door"') == [door]
    assert album.find("a") == [boat, door]
    assert album.find('"door red"') == []
    assert album.find("a -red") == album.find("-door") == [boat]
    assert album.find("cover") == album.find("note:eve") == album.find("model:squ") == [boat]
    assert album.find("label:eve") == []
    assert album.find("2026-01-02") == album.find("day:2026-01-02") == [door]
    album.store.journal.mark(album.session, [(boat, 0)], MarkChange(label="Back"))
    assert (album.find("cover"), album.find("back")) == ([], [boat])


def test_a_seed_finds_its_variant(album: Album) -> None:
    entry = album.add("cat", results=3)
    rows = album.store.gallery.find(album.session, Query(text="seed:2"), 0, 9).rows
    assert [(row.entry_id, row.index) for row in rows] == [(entry, 2)]


@pytest.mark.parametrize(
    "text",
    ['"', "'", "AND", "NOT", "a OR", "(", "*", "^", "{x} :", "--", 'x:"', "NEAR(", "ſ", "\0"],
)
def test_signs_are_words_or_nothing_but_no_errors(album: Album, text: str) -> None:
    album.add("nothing of that")
    album.find(text)


def test_a_search_without_letters_shows_everything(album: Album) -> None:
    entry = album.add("x")
    assert album.find(" !! - ") == [entry]


def test_filters_hold_together(album: Album) -> None:
    group = EditGroup(id="run1", cell={"strength": "0.5"})
    plain = album.add(created="2026-01-02T10:00:00.000+00:00")
    wide = album.add("sea", border=Sides(right=9), created="2026-01-03T10:00:00.000+00:00")
    run = album.add("sea", model="b", group=group, created="2026-01-04T10:00:00.000+00:00")
    mark = album.store.journal.mark
    mark(album.session, [(wide, 0)], MarkChange(rating=3, starred=True))
    mark(album.session, [(run, 0)], MarkChange(rating=5, approved=True))
    assert album.find(border=True) == album.find(starred=True) == [wide]
    assert album.find(prompt=True) == album.find(rating=3) == [run, wide]
    assert album.find(model="b") == album.find(approved=True) == album.find(run="run1") == [run]
    assert album.find(since="2026-01-03", until="2026-01-04") == [wide]
    assert album.find("sea", rating=4) == [run]
    assert album.find(starred=True, approved=True) == []
    assert album.find() == [run, wide, plain]
    assert album.store.gallery.models(album.session) == ["a", "b"]


def test_edits_without_results_are_found_by_their_state(album: Album) -> None:
    failed = album.add("a wall", results=0, state=EntryState.FAILED, error="It broke.")
    done = album.add("a wall")
    assert album.find() == album.find("wall") == [done]
    assert album.find(state="failed") == album.find("wall", state="failed") == [failed]
    [row] = album.store.gallery.find(album.session, Query(state="failed"), 0, 9).rows
    assert (row.index, row.sha256, row.marks) == (NO_RESULT, "", Marks())


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"text": "x" * 401}, "A search must have at most 400 characters, got 401."),
        ({"state": "lost"}, "A state must be one of done, failed, cancelled, interrupted, got"),
    ],
)
def test_what_cannot_be_searched_is_refused(query: dict[str, str], sentence: str) -> None:
    with pytest.raises(RefusedInput, match=sentence):
        Query(**query)  # type: ignore[arg-type]


def test_found_results_are_paged(album: Album) -> None:
    ids = [album.add("sea") for _ in range(5)][::-1]
    for text in ("", "sea"):
        found = album.store.gallery.find(album.session, Query(text=text), 1, 2)
        assert [row.entry_id for row in found.rows] == ids[1:3]
        assert found.total == 5


def test_sessions_see_nothing_of_each_other(album: Album, other: Album) -> None:
    mine = album.add("sea")
    assert other.find("sea") == other.find() == []
    assert other.find(album.session[:8]) == []
    assert other.store.gallery.tree(other.session).nodes == []
    assert other.store.gallery.nodes_of(other.session, mine) == []
    with pytest.raises(UnknownItem):
        other.store.lineage.place(other.session, mine)
    assert other.store.lineage.made_from_source(other.session, SOURCE) == []
    assert other.store.gallery.bin(other.session, 0, 9) == []


def test_deleted_results_are_not_found_but_in_the_bin(album: Album) -> None:
    first, second, third = album.add("sea"), album.add("sea"), album.add("sea")
    for entry in (third, first):
        album.store.delete(album.session, entry, 0)
    assert album.find("sea") == [second]
    rows = album.store.gallery.bin(album.session, 0, 9)
    assert [row.entry_id for row, _ in rows] == [first, third]
    assert album.store.gallery.bin_count(album.session) == 2
    assert rows[0][1] >= rows[1][1] > 0


def test_the_tree_knows_parents_and_variants(album: Album) -> None:
    root = album.add(results=2)
    left = album.add(parent=album.entry(root))
    right = album.add(parent=album.entry(root), of=1)
    branch = album.store.gallery.tree(album.session)
    assert album.links(branch) == [
        (right, root, False),
        (left, root, False),
        (root, None, False),
        (root, None, False),
    ]
    assert [node.parent for node in branch.nodes[:2]] == [(root, 1), (root, 0)]
    assert branch.nodes[-1].source == SOURCE
    assert branch.before is None
    lineage = album.store.lineage
    assert lineage.made_from_result(album.session, (root, 1)) == [(right, 0)]
    assert lineage.made_from_source(album.session, SOURCE) == [(root, 0), (root, 1)]


def test_a_deleted_picture_stays_in_the_tree_while_others_came_from_it(album: Album) -> None:
    root = album.add()
    middle = album.add(parent=album.entry(root))
    leaf = album.add(parent=album.entry(middle))
    album.store.delete(album.session, middle, 0)
    assert album.links(album.store.gallery.tree(album.session)) == [
        (leaf, middle, False),
        (middle, root, True),
        (root, None, False),
    ]
    album.store.delete(album.session, leaf, 0)
    assert leaf not in [n.row.entry_id for n in album.store.gallery.tree(album.session).nodes]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 9])
def test_the_pages_of_the_tree_hold_every_node_once(album: Album, limit: int) -> None:
    ids = [album.add(results=2) for _ in range(4)]
    seen, before = [], None
    while True:
        branch = album.store.gallery.tree(album.session, before=before, limit=limit)
        seen += [(node.row.entry_id, node.row.index) for node in branch.nodes]
        before = branch.before
        if before is None:
            break
    assert seen == [(entry, i) for entry in reversed(ids) for i in (0, 1)]


def test_a_picture_lies_where_the_borders_have_put_it(album: Album) -> None:
    first = album.add(border=Sides(left=10, top=2))
    second = album.add(parent=album.entry(first), border=Sides(left=5, bottom=7))
    place = album.store.lineage.place(album.session, second)
    assert (place.root, place.left, place.top) == (SOURCE, -15, -2)
    assert place.box(Size(50, 40)) == (-15, -2, 35, 38)


def test_a_lost_index_brings_marks_and_bin_back(album: Album) -> None:
    store, session = album.store, album.session
    sha = store.put_result(lambda file: file.write(b"\x89PNG") and None)
    for _ in range(3):
        entry = album._make(sha, prompt="sea")
        store.record(session, entry)
    marks = MarkChange(rating=2, label="new", note="n")
    store.journal.mark(session, [(entry.id, 0)], MarkChange(starred=True, label="old"))
    store.journal.mark(session, [(entry.id, 0)], marks)
    store.delete(session, store.results_page(session, 2, 1)[0].entry_id, 0)
    store.journal.keep_bin(session, None)
    with (store.data_dir / "sessions" / session / "marks.jsonl").open("a") as journal:
        journal.write('{"items": [["none", 0]], "set": {"rating": 1}}\n')
        journal.write('{"items": [["none", 0]], "set": {"sha256": "x"}}\n[]\n{"set')
    store.close()
    (store.data_dir / "genimg.db").unlink()
    again = Store.open(store.data_dir)
    assert again.marks(session, entry.id, 0) == Marks(starred=True, rating=2, label="new", note="n")
    assert [r.entry_id for r in again.gallery.find(session, Query(text="new"), 0, 9).rows] == [
        entry.id
    ]
    assert (again.count(session), again.gallery.bin_count(session)) == (2, 1)
    assert again.bin_keeps(session) is None
    again.star(session, entry.id, 0, on=False)  # a torn line is closed
    again.close()
    (store.data_dir / "genimg.db").unlink()
    assert Store.open(store.data_dir).marks(session, entry.id, 0).starred is False


def test_an_index_of_earlier_days_is_searched_and_has_its_tree(album: Album) -> None:
    root = album.add("a red door", border=Sides(left=1))
    leaf = album.add("a boat", parent=album.entry(root))
    failed = album.add("x", results=0, state=EntryState.FAILED)
    bring_back(album.store, 2)
    album.store = Store.open(album.store.data_dir)
    assert album.find("red") == album.find(border=True) == [root]
    assert album.find("seed:0 boat") == [leaf]
    assert album.find(state="failed") == [failed]
    assert album.links(album.store.gallery.tree(album.session)) == [
        (leaf, root, False),
        (root, None, False),
    ]
