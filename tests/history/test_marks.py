"""What a person says of a result is kept, of all named results or of none, and for its session."""

from collections.abc import Callable

import pytest

from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.history.marks import MarkChange, Marks
from genimg_ui.history.record import LogEntry
from genimg_ui.history.store import Store

MakeEntry = Callable[..., LogEntry]
A, B = "a" * 64, "b" * 64


def test_marks_are_set_one_by_one(store: Store, ann: str, make_entry: MakeEntry) -> None:
    entry = make_entry(A, B)
    store.record(ann, entry)
    store.journal.mark(
        ann, [(entry.id, 1)], MarkChange(rating=4, label=" sea\n view ", note="two\nlines")
    )
    store.star(ann, entry.id, 1, on=True)
    store.approve(ann, entry.id, 1, on=True)
    kept = Marks(starred=True, rating=4, label="sea view", note="two\nlines", approved=True)
    assert store.marks(ann, entry.id, 1) == kept
    assert [row.marks for row in store.results_page(ann, 0, 9)] == [Marks(), kept]
    store.journal.mark(ann, [(entry.id, 1)], MarkChange(label=""))
    store.approve(ann, entry.id, 1, on=False)
    assert store.marks(ann, entry.id, 1) == Marks(starred=True, rating=4, note="two\nlines")


def test_several_results_are_marked_at_once_or_not_at_all(
    store: Store, ann: str, make_entry: MakeEntry
) -> None:
    entry = make_entry(A, B)
    store.record(ann, entry)
    with pytest.raises(UnknownItem, match="result 2 of entry"):
        store.journal.mark(ann, [(entry.id, 0), (entry.id, 2)], MarkChange(rating=5))
    assert store.marks(ann, entry.id, 0) == Marks()
    store.journal.mark(ann, [(entry.id, 0), (entry.id, 1)], MarkChange(rating=5))
    assert [store.marks(ann, entry.id, i).rating for i in (0, 1)] == [5, 5]


def test_marks_are_the_session_s_own(
    store: Store, ann: str, bob: str, make_entry: MakeEntry
) -> None:
    entry = make_entry(A)
    store.record(ann, entry)
    store.journal.mark(ann, [(entry.id, 0)], MarkChange(rating=3))
    assert store.marks(bob, entry.id, 0) == Marks()
    with pytest.raises(UnknownItem, match="is not in this session"):
        store.approve(bob, entry.id, 0, on=True)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rating": 6}, "A rating must be 1 to 5, or 0 for none, got 6."),
        ({"rating": -1}, "got -1"),
        ({"label": "x" * 81}, "A label must have at most 80 characters, got 81."),
        ({"note": "x" * 4001}, "A note must have at most 4000 characters, got 4001."),
    ],
)
def test_marks_out_of_range_are_refused(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(RefusedInput, match=sentence):
        MarkChange(**change)  # type: ignore[arg-type]
