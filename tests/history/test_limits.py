"""Who gives where a limit is exceeded, what is refused, and who is told."""

from collections.abc import Callable

import pytest

from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.history import ownership, removal
from genimg_ui.history.disk import DiskLimits
from genimg_ui.history.notices import MOST_NOTICES, give_notice
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.history.store import Store
from tests.history.conftest import bring_back

MakeEntry = Callable[..., LogEntry]
SIZE = 1000  # bytes of each picture of these tests


def picture(name: str) -> bytes:
    return b"\x89PNG" + name.encode().ljust(SIZE - 4, b".")


def there(store: Store, *names: str) -> list[bool]:
    found = []
    for name in names:
        try:
            found.append(store.source_path(name).is_file())
        except UnknownItem:
            found.append(False)
    return found


class Person:
    """Someone who uploads and gets results, each of one picture."""

    def __init__(self, store: Store, session: str, make_entry: MakeEntry) -> None:
        self.store, self.session, self._make = store, session, make_entry

    def shows(self, *names: str) -> list[str]:
        """Upload pictures one after the other; the last one is open."""
        uploads = []
        for name in names:
            uploads.append(self.store.put_source(picture(self.session + name)))
            self.store.save_draft(self.session, {"source": uploads[-1]})
        return uploads

    def gets(self, *names: str, starred: bool = False) -> list[str]:
        results = []
        for name in names:
            content = picture(self.session + name)
            results.append(self.store.put_result(lambda file, c=content: file.write(c) and None))
            entry = self._make(results[-1])
            self.store.record(self.session, entry)
            self.store.star(self.session, entry.id, 0, on=starred)
        return results

    def deletes(self, count: int) -> None:
        for row in self.store.results_page(self.session, 0, count):
            self.store.delete(self.session, row.entry_id, row.index)


@pytest.fixture
def anna(store: Store, ann: str, make_entry: MakeEntry) -> Person:
    return Person(store, ann, make_entry)


@pytest.fixture
def bert(store: Store, bob: str, make_entry: MakeEntry) -> Person:
    return Person(store, bob, make_entry)


def wait(store: Store, seconds: float) -> None:
    """Let every file have been put so long ago."""
    with store.database.writing() as connection:
        query = "UPDATE files SET touched = touched - ?, held = held - ?"
        connection.execute(query, (seconds, seconds))


def test_uploads_that_nobody_used_go_before_any_result(
    store: Store, anna: Person, bert: Person
) -> None:
    results = bert.gets("1", "2")
    uploads = anna.shows(*"abcdefgh")
    assert store.evict(DiskLimits(total_bytes=4 * SIZE)) == []
    assert there(store, *results) == [True, True]
    assert there(store, *uploads) == [False] * 6 + [True, True]
    assert store.usage() == 4 * SIZE


def test_files_that_no_session_named_push_out_nobody(store: Store, bert: Person) -> None:
    results = bert.gets("1", "2")
    stray = [store.put_source(picture(str(i))) for i in range(10)]
    limits = DiskLimits(total_bytes=3 * SIZE)
    assert store.evict(limits) == []
    assert there(store, *results, *stray) == [True] * 12  # they may be about to be named
    wait(store, ownership.UPLOAD_HELD + 1)
    assert store.evict(limits) == []
    assert there(store, *results) == [True, True]
    assert store.usage() == 3 * SIZE


def test_a_picture_that_is_put_again_is_held_again(store: Store, anna: Person) -> None:
    first, _ = anna.shows("1", "2")
    store.put_source(store.source_path(first))
    store.evict(DiskLimits(total_bytes=0))
    assert there(store, first) == [True]
    assert store.usage(anna.session) == 2 * SIZE


def test_who_uses_most_gives_first(store: Store, anna: Person, bert: Person) -> None:
    his = bert.gets("1", "2")
    hers = anna.gets(*"abcdef")
    done = store.evict(DiskLimits(total_bytes=6 * SIZE))
    assert [(e.session, e.results) for e in done] == [(anna.session, 2)]
    assert there(store, *his, *hers) == [True, True, False, False, True, True, True, True]


def test_stars_push_nobody_else_out(store: Store, anna: Person, bert: Person) -> None:
    anna.gets(*"abcde", starred=True)
    his = bert.gets("1", "2")
    assert store.evict(DiskLimits(total_bytes=6 * SIZE)) == []
    assert there(store, *his) == [True, True]
    assert store.take_notices(bert.session) == []


def test_who_is_below_the_fair_share_gives_nothing_for_an_open_upload(
    store: Store, anna: Person, bert: Person
) -> None:
    anna.gets(*"abcd", starred=True)
    anna.shows("open")
    his = bert.gets("1", "2")
    assert store.evict(DiskLimits(total_bytes=6 * SIZE)) == []
    assert there(store, *his) == [True, True]


def test_a_removal_that_falls_short_is_undone(store: Store, anna: Person) -> None:
    anna.gets(*"abc", starred=True)
    plain = anna.gets("plain")
    anna.shows("open")
    assert store.evict(DiskLimits(total_bytes=3 * SIZE)) == []
    assert there(store, *plain) == [True]
    assert store.usage(anna.session) == 5 * SIZE
    assert store.count(anna.session) == 4
    assert store.take_notices(anna.session) == []


def test_results_stay_where_too_few_could_go(store: Store, anna: Person) -> None:
    starred = anna.gets(*"abcd", starred=True)
    plain = anna.gets("e")
    limits = DiskLimits(total_bytes=3 * SIZE)
    assert store.evict(limits) == []
    assert there(store, *starred, *plain) == [True] * 5
    assert store.usage() == 5 * SIZE
    assert store.count(anna.session) == 5
    assert store.evict(DiskLimits(total_bytes=4 * SIZE))[0].results == 1


def test_inputs_of_a_failed_edit_go_before_results_but_only_for_a_limit(
    store: Store, anna: Person, make_entry: MakeEntry
) -> None:
    source, mask = store.put_source(picture("s")), store.put_mask(picture("m"))
    store.record(anna.session, make_entry(source=source, mask=mask, state=EntryState.FAILED))
    results = anna.gets("1", "2")
    assert store.evict(DiskLimits(session_bytes=4 * SIZE, total_bytes=4 * SIZE)) == []
    assert there(store, source) == [True]
    assert store.evict(DiskLimits(session_bytes=2 * SIZE)) == []
    assert there(store, source, *results) == [False, True, True]
    with pytest.raises(UnknownItem):
        store.mask_path(mask)


def test_a_picture_of_two_sessions_stays_for_the_other(
    store: Store, anna: Person, bert: Person, make_entry: MakeEntry
) -> None:
    (shared,) = anna.gets("1")
    store.record(bert.session, make_entry(shared))
    anna.gets("2")
    store.evict(DiskLimits(session_bytes=SIZE))
    assert there(store, shared) == [True]
    assert store.usage(anna.session) == store.usage(bert.session) == SIZE
    assert store.count(bert.session) == 1


def test_earlier_uploads_count_and_make_room(store: Store, anna: Person) -> None:
    uploads = anna.shows("1", "2", "3")
    assert store.usage(anna.session) == 3 * SIZE
    limits = DiskLimits(session_bytes=4 * SIZE)
    assert store.room_for(anna.session, limits, SIZE) is None
    assert there(store, *uploads) == [True, True, True]
    assert store.room_for(anna.session, limits, 2 * SIZE) is None
    assert there(store, *uploads) == [False, True, True]
    assert store.room_for(anna.session, DiskLimits(), 10**15) is None


def test_a_full_session_is_refused_until_it_deletes(store: Store, anna: Person) -> None:
    results = anna.gets("1", "2", "3")
    limits = DiskLimits(session_bytes=3 * SIZE)
    lack = store.room_for(anna.session, limits, SIZE)
    assert lack is not None
    assert "no room for 0.0 MB more" in lack
    assert "download and delete results" in lack
    assert there(store, *results) == [True, True, True]
    anna.deletes(1)
    assert store.room_for(anna.session, limits, SIZE) is None
    assert there(store, *results) == [True, True, False]


def test_room_in_all_is_made_by_those_who_use_most(
    store: Store, anna: Person, bert: Person
) -> None:
    hers = anna.gets("1", "2", "3", "4")
    limits = DiskLimits(total_bytes=4 * SIZE)
    assert store.room_for(bert.session, limits, SIZE) is None
    assert there(store, *hers) == [False, True, True, True]
    assert len(store.take_notices(anna.session)) == 1
    lack = store.room_for(bert.session, limits, 5 * SIZE)
    assert lack is not None
    assert "all sessions together use 0.0 MB of at most 0.0 MB" in lack


def test_a_session_must_have_its_form(store: Store) -> None:
    with pytest.raises(RefusedInput, match="session id must be"):
        store.room_for("../x", DiskLimits(), 1)
    with pytest.raises(RefusedInput, match="session id must be"):
        store.take_notices("../x")


def test_who_lost_results_is_told_once(store: Store, anna: Person, bert: Person) -> None:
    anna.gets("1", "2", "3")
    store.evict(DiskLimits(session_bytes=SIZE), dry_run=True)
    assert store.take_notices(anna.session) == []
    done = store.evict(DiskLimits(session_bytes=SIZE))
    assert "2 results that you did not star and made first were removed" in done[0].sentence
    assert store.take_notices(bert.session) == []
    assert store.take_notices(anna.session) == [done[0].sentence]
    assert store.take_notices(anna.session) == []


def test_notices_that_nobody_reads_do_not_pile_up(store: Store, ann: str, bob: str) -> None:
    with store.database.writing() as connection:
        give_notice(connection, bob, "his")
        for i in range(MOST_NOTICES + 5):
            give_notice(connection, ann, str(i))
    assert store.take_notices(ann) == [str(i) for i in range(5, MOST_NOTICES + 5)]
    assert store.take_notices(bob) == ["his"]


def test_every_bin_is_emptied_of_what_lies_there_long(
    store: Store, anna: Person, bert: Person
) -> None:
    names = [*anna.gets("1", "2"), *bert.gets("3")]
    anna.deletes(1)
    bert.deletes(1)
    assert store.purge_bins(3600) == 0
    assert there(store, *names) == [True, True, True]
    assert store.purge_bins(0) == 2 * SIZE
    assert there(store, *names) == [True, False, False]


def test_limits_that_hold_need_no_look_at_the_disk(
    store: Store, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna.gets("1", "2")

    def slow(*_: object) -> None:
        raise AssertionError("the folders were listed, or the database was locked")

    monkeypatch.setattr(ownership.os, "scandir", slow)
    monkeypatch.setattr(store.database, "writing", slow)
    limits = DiskLimits(session_bytes=2 * SIZE, total_bytes=2 * SIZE)
    assert store.evict(limits) == []
    assert store.room_for(anna.session, DiskLimits(session_bytes=3 * SIZE), SIZE) is None
    monkeypatch.setattr(store.database, "reading", slow)
    assert store.evict(DiskLimits()) == []


def test_a_folder_of_earlier_days_is_counted(store: Store, anna: Person, bert: Person) -> None:
    anna.shows("s")
    anna.gets("1")
    (starred,) = bert.gets("2", starred=True)
    store.put_thumb(starred, picture("t"))
    bring_back(store, 1)
    again = Store.open(store.data_dir)
    assert again.usage() == 4 * SIZE
    assert again.usage(anna.session) == again.usage(bert.session) == 2 * SIZE
    assert [e.session for e in again.evict(DiskLimits(total_bytes=3 * SIZE))] == [anna.session]
    again.close()


def test_what_a_crash_left_is_counted_again(store: Store, anna: Person) -> None:
    kept, lost = anna.gets("1", "2")
    store.result_path(lost).unlink()
    stray = store.data_dir / "sources" / f"{'7' * 64}.png"
    stray.write_bytes(picture("s") * 3)
    again = Store.open(store.data_dir)
    assert again.usage() == 4 * SIZE
    assert again.usage(anna.session) == SIZE
    assert again.evict(DiskLimits(total_bytes=SIZE)) == []
    assert there(again, kept, "7" * 64) == [True, False]
    again.close()


def test_a_picture_that_is_put_while_an_equal_one_goes_is_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = ownership.FileTable(store.database, store._folders)
    sha256 = store.put_source(picture("s"))
    assert table.unlink([sha256]) == 0  # it was put again after it had left the table
    assert there(store, sha256) == [True]
    note = store._files.note

    def removed_just_before(name: str, held: float) -> None:
        store.source_path(name).unlink()
        note(name, held)

    monkeypatch.setattr(store._files, "note", removed_just_before)
    assert store.put_source(picture("s")) == sha256
    assert there(store, sha256) == [True]


def test_a_star_limit_that_cannot_hold_is_seen_before_anything_is_tried(
    store: Store, anna: Person, bert: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna.gets(*"abcd", starred=True)
    anna.gets("e")
    bert.gets("f")
    monkeypatch.setattr(removal.Removal, "drop_result", lambda *_: pytest.fail("it was tried"))
    assert store.evict(DiskLimits(total_bytes=3 * SIZE)) == []
