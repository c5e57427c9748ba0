"""Back and forward over the edits of a picture: each version comes with its mask."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from genimg_ui.core.geometry import Sides
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.history.record import LogEntry
from genimg_ui.masks import mask_png
from genimg_ui.versions import Versions, Ways
from tests.editing import noise, painted, png, request
from tests.test_workspace import ANN, BOB, SIZE, Room


@dataclass
class Walk:
    """A room, and a person who goes back and forward in it."""

    room: Room
    versions: Versions = field(init=False)

    def __post_init__(self) -> None:
        self.versions = Versions(self.room.work)

    def edit(self, **asked: object) -> LogEntry:
        """Edit what is open, and go on from the result."""
        entry = self.branch(**asked)
        self.room.work.continue_from(ANN, entry.id, 0)
        return entry

    def branch(self, **asked: object) -> LogEntry:
        """Edit what is open, and stay there."""
        source = self.room.work.draft(ANN).source
        assert source is not None
        size = self.room.work.picture(source).size
        path = self.room.file("mask.png", mask_png(painted(*size, (4, 4, 9, 9))))
        self.room.work.keep_mask(ANN, source, path, size)
        return self.room.run(request(**asked))

    def at(self) -> tuple[str | None, str | None]:
        draft = self.room.work.draft(ANN)
        return draft.source, draft.mask


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    room = Room(tmp_path)
    room.open()
    yield Walk(room)
    room.desk.close()


def test_back_and_forward_bring_picture_and_mask(walk: Walk) -> None:
    first, second = walk.edit(seed=1), walk.edit(seed=2)
    one, two = first.results[0].sha256, second.results[0].sha256
    assert walk.at() == (two, None)
    assert walk.versions.here(ANN) == (second.id, 0)
    walk.versions.back(ANN)
    assert walk.at() == (one, second.inputs.mask)
    walk.versions.back(ANN)
    assert walk.at() == (first.inputs.source, first.inputs.mask)
    assert walk.versions.here(ANN) is None
    with pytest.raises(RefusedInput, match="This is the first version"):
        walk.versions.back(ANN)
    walk.versions.forward(ANN)
    assert walk.at() == (one, second.inputs.mask)
    walk.versions.forward(ANN)
    assert walk.at() == (two, None)
    with pytest.raises(RefusedInput, match="nothing was made from it yet"):
        walk.versions.forward(ANN)


def test_forward_leads_to_the_branch_that_was_left(walk: Walk) -> None:
    old = walk.edit(seed=1)
    walk.versions.back(ANN)
    walk.branch(seed=2)
    walk.room.work.continue_from(ANN, old.id, 0)
    walk.versions.back(ANN)
    assert walk.versions.forward(ANN).parent == old.id


def test_forward_leads_to_what_was_made_since(walk: Walk) -> None:
    walk.edit(seed=1)
    walk.versions.back(ANN)
    new = walk.branch(seed=2)
    assert walk.versions.forward(ANN).parent == new.id


def test_forward_passes_over_deleted_results(walk: Walk) -> None:
    kept, deleted = walk.branch(seed=1), walk.edit(seed=2)
    walk.versions.back(ANN)
    walk.room.desk.store.delete(ANN, deleted.id, 0)
    assert walk.versions.forward(ANN).parent == kept.id


def test_a_border_goes_with_its_mask_and_the_settings_stay(walk: Walk) -> None:
    entry = walk.edit(seed=1, border=Sides(left=5))
    assert entry.results, entry.error
    draft = walk.versions.back(ANN)
    assert draft.request.border == Sides(left=5)
    assert draft.request.sampling == walk.room.work.draft(ANN).request.sampling
    assert walk.versions.forward(ANN).request.border == Sides()


def test_a_mask_that_is_gone_keeps_nobody_from_going_back(walk: Walk) -> None:
    entry = walk.edit(seed=1)
    walk.room.desk.store.mask_path(entry.inputs.mask or "").unlink()
    walk.versions.back(ANN)
    assert walk.at() == (entry.inputs.source, None)


def test_another_edit_can_be_painted_on_an_earlier_version(walk: Walk) -> None:
    first = walk.edit(seed=1)
    walk.edit(seed=2)
    walk.versions.back(ANN)
    third = walk.branch(seed=3)
    assert (third.parent, third.inputs.source) == (first.id, first.results[0].sha256)


def test_an_uploaded_picture_is_opened_again_by_its_own_session(walk: Walk) -> None:
    entry = walk.edit(seed=1)
    walk.versions.reopen(ANN, entry.inputs.source)
    assert walk.at() == (entry.inputs.source, None)
    assert walk.versions.here(ANN) is None
    with pytest.raises(UnknownItem, match="is not in this session"):
        walk.versions.reopen(BOB, entry.inputs.source)


def test_without_a_picture_there_is_nowhere_to_go(walk: Walk) -> None:
    for move in (walk.versions.back, walk.versions.forward):
        with pytest.raises(RefusedInput, match="Open a picture first"):
            move(BOB)
    walk.room.open(BOB, png(noise(*SIZE)))
    with pytest.raises(RefusedInput, match="first version"):
        walk.versions.back(BOB)


def ways(walk: Walk) -> tuple[bool, bool]:
    told: Ways = walk.versions.ways(ANN, walk.room.work.draft(ANN))
    return told.back, told.forward


def test_the_ways_are_those_that_can_be_gone(walk: Walk) -> None:
    assert walk.versions.ways(BOB, walk.room.work.draft(BOB)) == Ways(back=False, forward=False)
    assert ways(walk) == (False, False)
    first = walk.branch(seed=1)
    assert ways(walk) == (False, True)
    walk.room.work.continue_from(ANN, first.id, 0)
    assert ways(walk) == (True, False)
    walk.branch(seed=2)
    assert ways(walk) == (True, True)
    walk.versions.back(ANN)
    assert ways(walk) == (False, True)
    walk.room.work.store.journal.bin(ANN, [(first.id, 0)])
    assert ways(walk) == (False, False)
