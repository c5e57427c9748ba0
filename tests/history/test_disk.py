"""What may be removed goes, and what something still needs stays."""

import errno
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from genimg_ui.errors import RefusedInput, StorageError, UnknownItem
from genimg_ui.history.disk import DiskLimits
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.history.store import Store

MakeEntry = Callable[..., LogEntry]
SIZE = 1000  # bytes of each picture of these tests


def picture(name: str) -> bytes:
    return b"\x89PNG" + name.encode().ljust(SIZE - 4, b".")


def put_result(store: Store, name: str) -> str:
    return store.put_result(lambda file: file.write(picture(name)) and None)


def there(store: Store, sha256: str) -> bool:
    try:
        return store.source_path(sha256).is_file()
    except UnknownItem:
        return False


def test_usage_counts_what_a_session_needs(
    store: Store, ann: str, bob: str, make_entry: MakeEntry
) -> None:
    source, mask = store.put_source(picture("s")), store.put_mask(picture("m"))
    result = put_result(store, "r")
    store.put_thumb(result, picture("t"))
    store.record(ann, make_entry(result, source=source, mask=mask))
    store.put_source(picture("of nobody"))
    assert store.usage(ann) == 4 * SIZE
    assert store.usage(bob) == 0
    assert store.usage() == 5 * SIZE


def test_purge_empties_the_bin_and_frees_the_disk(
    store: Store, ann: str, make_entry: MakeEntry
) -> None:
    source = store.put_source(picture("s"))
    kept, binned = put_result(store, "kept"), put_result(store, "binned")
    entry = make_entry(kept, binned, source=source)
    store.record(ann, entry)
    store.put_thumb(binned, picture("t"))
    store.delete(ann, entry.id, 1)
    assert store.purge(ann, older_than=3600) == 0
    assert there(store, binned)
    assert store.purge(ann) == 2 * SIZE
    assert (there(store, kept), there(store, binned), there(store, source)) == (True, False, True)
    with pytest.raises(UnknownItem):
        store.undelete(ann, entry.id, 1)
    assert store.entry(entry.id) == entry


def test_purge_keeps_what_something_else_needs(
    store: Store, ann: str, bob: str, make_entry: MakeEntry
) -> None:
    shared, chained, drafted = (put_result(store, name) for name in "123")
    entry = make_entry(shared, chained, drafted)
    store.record(ann, entry)
    store.record(bob, make_entry(shared))
    store.record(ann, make_entry(source=chained, state=EntryState.FAILED))
    store.save_draft(ann, {"source": drafted})
    for index in range(3):
        store.delete(ann, entry.id, index)
    assert store.purge(ann) == 0
    assert all(there(store, sha256) for sha256 in (shared, chained, drafted))
    assert store.count(ann) == 0


def test_eviction_takes_the_oldest_unstarred_results_first(
    store: Store, ann: str, make_entry: MakeEntry
) -> None:
    names = [put_result(store, str(i)) for i in range(5)]
    entries = [make_entry(name) for name in names]
    for entry in entries:
        store.record(ann, entry)
    store.star(ann, entries[0].id, 0, on=True)
    limits = DiskLimits(session_bytes=3 * SIZE)
    told = store.evict(limits, dry_run=True)
    assert [there(store, name) for name in names] == [True] * 5
    assert (told[0].session, told[0].results) == (ann, 2)
    assert "2 results that you did not star and made first will be removed" in told[0].sentence
    done = store.evict(limits)
    assert "were removed: pictures of this session may take 0 MB" in done[0].sentence
    assert [there(store, name) for name in names] == [True, False, False, True, True]
    assert [row.sha256 for row in store.results_page(ann, 0, 9)] == [names[4], names[3], names[0]]
    assert store.evict(limits) == []


def test_eviction_in_all_takes_from_every_session(
    store: Store, ann: str, bob: str, make_entry: MakeEntry
) -> None:
    for owner, name in ((ann, "1"), (bob, "2"), (ann, "3")):
        store.record(owner, make_entry(put_result(store, name)))
    done = store.evict(DiskLimits(total_bytes=SIZE))
    assert {e.session: e.results for e in done} == {ann: 1, bob: 1}
    assert store.usage() == SIZE


def test_eviction_takes_the_source_with_its_last_result(
    store: Store, ann: str, make_entry: MakeEntry
) -> None:
    source, mask = store.put_source(picture("s")), store.put_mask(picture("m"))
    first, second = put_result(store, "1"), put_result(store, "2")
    store.record(ann, make_entry(first, source=source, mask=mask))
    store.record(ann, make_entry(second, source=first))
    store.evict(DiskLimits(session_bytes=2 * SIZE))
    assert (there(store, source), there(store, first), there(store, second)) == (False, True, True)
    assert store.usage() == 2 * SIZE


def age(store: Store, *names: str, seconds: float = 100_000) -> None:
    """Let the pictures have been put so long ago."""
    with store.database.writing() as connection:
        for name in names:
            query = "UPDATE files SET touched = touched - ?, held = held - ? WHERE sha256 = ?"
            connection.execute(query, (seconds, seconds, name))


def test_old_uploads_that_nothing_names_are_removed_at_the_start(
    store: Store, ann: str, make_entry: MakeEntry
) -> None:
    names = ("old", "drafted", "shown before", "tried", "new")
    old, drafted, shown, tried, new = (store.put_source(picture(name)) for name in names)
    mask = store.put_mask(picture("m"))
    for state in (EntryState.FAILED, EntryState.CANCELLED, EntryState.INTERRUPTED):
        store.record(ann, make_entry(source=tried, mask=mask, state=state))
    for name in (shown, drafted):
        store.save_draft(ann, {"source": name})
    assert store.purge_bins(0) == 0
    age(store, old, drafted, shown, tried, mask)
    assert store.evict(DiskLimits()) == []
    assert there(store, old)
    assert store.purge_bins(10**6) == 2 * SIZE
    left = [there(store, name) for name in (old, drafted, shown, tried, new)]
    assert left == [False, True, False, True, True]
    assert store.mask_path(mask).is_file()


def test_no_limit_removes_nothing(store: Store, ann: str, make_entry: MakeEntry) -> None:
    name = put_result(store, "1")
    store.record(ann, make_entry(name))
    assert store.evict(DiskLimits()) == []
    assert hashlib.sha256(store.result_path(name).read_bytes()).hexdigest() == name


def test_a_folder_that_lets_nothing_go_is_told(
    store: Store, ann: str, make_entry: MakeEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.record(ann, make_entry(put_result(store, "1")))

    def read_only(_path: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", read_only)
    with pytest.raises(StorageError, match="cannot be written: the removal of a picture"):
        store.evict(DiskLimits(total_bytes=0))


def test_each_session_says_how_long_its_bin_keeps(
    store: Store, ann: str, bob: str, make_entry: MakeEntry
) -> None:
    sizes = {}
    for session in (ann, bob):
        sha = store.put_result(lambda file, s=session: file.write(b"\x89PNG" + s.encode()) and None)
        entry = make_entry(sha)
        store.record(session, entry)
        store.delete(session, entry.id, 0)
        sizes[session] = store.result_path(sha).stat().st_size
    assert store.bin_keeps(ann) == 7 * 86_400
    store.journal.keep_bin(ann, None)
    with store.database.writing() as connection:
        connection.execute("UPDATE results SET removed_at = removed_at - 2 * 86400")
    assert store.purge_bins() == 0
    store.journal.keep_bin(bob, 86_400.0)
    assert store.purge_bins() == sizes[bob]
    assert (store.gallery.bin_count(ann), store.gallery.bin_count(bob)) == (1, 0)
    with pytest.raises(RefusedInput, match="The trash is emptied after never, 86400, 604800"):
        store.journal.keep_bin(ann, 5.0)
    assert store.purge(ann) == sizes[ann]
