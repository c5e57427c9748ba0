"""Log and index agree after every crash, and a session sees its own things only."""

import errno
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from genimg_ui.errors import RefusedInput, StorageError, UnknownItem
from genimg_ui.history.entries import page_query
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.history.seed_log import SeedLog, read_line
from genimg_ui.history.store import Store

MakeEntry = Callable[..., LogEntry]

A, B, C = "a" * 64, "b" * 64, "c" * 64


def logged(store: Store, session: str) -> list[str]:
    lines = store.seed_log_path(session).read_text().splitlines()
    return [read_line(line).id for line in lines if line.startswith("{") and line.endswith("}")]


def indexed(store: Store, session: str) -> list[str]:
    return [entry.id for entry in store.entries(session)]


def test_an_entry_comes_back_as_it_was(store: Store, ann: str, make_entry: MakeEntry) -> None:
    entry = make_entry(A, B, prompt="a red\n door")
    store.record(ann, entry)
    assert store.entry(entry.id) == store.entry_of(ann, entry.id) == entry
    assert [read_line(x) for x in store.seed_log_path(ann).read_text().splitlines()] == [entry]
    assert store.session_of(entry.id) == ann
    assert [row.label for row in store.results_page(ann, 0, 9)] == ["a red door"] * 2


def test_an_entry_is_kept_once(store: Store, ann: str, make_entry: MakeEntry) -> None:
    entry = make_entry(A)
    store.record(ann, entry)
    store.record(ann, entry)
    assert logged(store, ann) == indexed(store, ann) == [entry.id]


def test_results_are_paged_newest_first(store: Store, ann: str, make_entry: MakeEntry) -> None:
    first, second = make_entry(A, B), make_entry(C)
    store.record(ann, first)
    store.record(ann, make_entry(state=EntryState.FAILED))
    store.record(ann, second)
    rows = store.results_page(ann, 0, 10)
    assert [(r.entry_id, r.index) for r in rows] == [(second.id, 0), (first.id, 0), (first.id, 1)]
    assert [(r.sha256, r.seed) for r in rows] == [(C, 0), (A, 0), (B, 1)]
    assert store.results_page(ann, 1, 1) == rows[1:2]
    assert store.count(ann) == 3


@pytest.mark.parametrize(("offset", "limit"), [(-1, 5), (0, 0), (0, 501), (2**70, 5)])
def test_a_page_out_of_range_is_refused(store: Store, ann: str, offset: int, limit: int) -> None:
    with pytest.raises(RefusedInput, match="a page must start at 0 or later and hold 1 to 500"):
        store.results_page(ann, offset, limit)


def test_star_delete_and_undelete(store: Store, ann: str, make_entry: MakeEntry) -> None:
    entry = make_entry(A, B)
    store.record(ann, entry)
    store.star(ann, entry.id, 1, on=True)
    assert [r.sha256 for r in store.results_page(ann, 0, 9, starred=True)] == [B]
    assert store.count(ann, starred=True) == 1
    store.delete(ann, entry.id, 1)
    assert [r.sha256 for r in store.results_page(ann, 0, 9)] == [A]
    store.undelete(ann, entry.id, 1)
    assert [r.marks.starred for r in store.results_page(ann, 0, 9)] == [False, True]
    store.star(ann, entry.id, 1, on=False)
    assert store.count(ann, starred=True) == 0


@pytest.mark.parametrize("index", [-1, 1, 2**70])
def test_a_result_that_is_not_there_is_refused(
    store: Store, ann: str, make_entry: MakeEntry, index: int
) -> None:
    entry = make_entry(A)
    store.record(ann, entry)
    with pytest.raises(UnknownItem, match="is not in this session"):
        store.delete(ann, entry.id, index)


def test_sessions_do_not_see_each_other(
    store: Store, ann: str, bob: str, make_entry: MakeEntry
) -> None:
    entry = make_entry(A)
    store.record(ann, entry)
    store.save_draft(ann, {"prompt": "mine"})
    assert store.results_page(bob, 0, 9) == []
    assert store.count(bob) == 0
    assert list(store.entries(bob)) == []
    assert store.draft(bob) is None
    with pytest.raises(UnknownItem, match="is not in this session"):
        store.entry_of(bob, entry.id)
    for change in (store.delete, store.undelete):
        with pytest.raises(UnknownItem):
            change(bob, entry.id, 0)
    with pytest.raises(UnknownItem):
        store.star(bob, entry.id, 0, on=True)
    assert store.purge(bob) == 0
    assert store.count(ann) == 1


def test_a_result_is_found_by_its_file_and_by_its_pixels(
    store: Store, ann: str, make_entry: MakeEntry
) -> None:
    pixels = "0" * 63 + "1"
    entry = make_entry(A, pixels[::-1])
    store.record(ann, entry)
    assert store.find_result(A) == (entry, 0)
    assert store.find_result(pixels) == (entry, 1)
    with pytest.raises(UnknownItem, match=f"no result in the data folder has the sha256 {B}"):
        store.find_result(B)


def test_a_crash_between_log_and_index_is_mended(
    store: Store, ann: str, make_entry: MakeEntry
) -> None:
    sha = store.put_result(lambda file: file.write(b"\x89PNG") and None)
    store.record(ann, make_entry())
    lost = make_entry(sha)
    with SeedLog.opened(store.seed_log_path(ann)) as log:
        log.append(lost)
    assert store.count(ann) == 0
    again = Store.open(store.data_dir)
    assert indexed(again, ann) == logged(again, ann)
    assert [row.entry_id for row in again.results_page(ann, 0, 9)] == [lost.id]


def test_a_line_that_the_index_missed_is_how_its_edit_ended(
    store: Store, ann: str, make_entry: MakeEntry
) -> None:
    sha = store.put_result(lambda file: file.write(b"\x89PNG") and None)
    store.record(ann, make_entry())
    done = make_entry(sha)
    with SeedLog.opened(store.seed_log_path(ann)) as log:
        log.append(done)  # its writer was killed before the index had it
    store.record(ann, replace(done, state=EntryState.INTERRUPTED, results=()))
    assert store.entry(done.id) == done
    assert indexed(store, ann) == logged(store, ann)
    assert [row.entry_id for row in store.results_page(ann, 0, 9)] == [done.id]


def test_a_lost_index_is_made_anew_without_results_that_have_no_file(
    store: Store, ann: str, make_entry: MakeEntry
) -> None:
    kept = store.put_result(lambda file: file.write(b"\x89PNG") and None)
    entry = make_entry(A, kept)
    store.record(ann, entry)
    store.close()
    for path in store.data_dir.glob("genimg.db*"):
        path.unlink()
    again = Store.open(store.data_dir)
    assert indexed(again, ann) == [entry.id]
    assert [row.sha256 for row in again.results_page(ann, 0, 9)] == [kept]


def test_a_lost_log_is_written_anew(store: Store, ann: str, make_entry: MakeEntry) -> None:
    for _ in range(3):
        store.record(ann, make_entry())
    ids = logged(store, ann)
    store.seed_log_path(ann).unlink()
    assert logged(Store.open(store.data_dir), ann) == ids


def test_a_torn_line_is_closed_and_passed_over(
    store: Store, ann: str, make_entry: MakeEntry, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = make_entry(A), make_entry(B)
    store.record(ann, first)
    with store.seed_log_path(ann).open("a") as log:
        log.write('{"id":"torn","crea')
    again = Store.open(store.data_dir)
    assert "line 2 is passed over" in caplog.text
    again.record(ann, second)
    assert logged(again, ann) == indexed(again, ann) == [first.id, second.id]
    assert '{"id":"torn","crea\n' in store.seed_log_path(ann).read_text()
    third = Store.open(store.data_dir)
    assert indexed(third, ann) == [first.id, second.id]


def test_a_log_line_that_the_disk_refuses_leaves_the_log_as_it_was(
    store: Store, ann: str, make_entry: MakeEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.record(ann, make_entry(A))
    before = store.seed_log_path(ann).read_bytes()
    real_write = os.write

    def half(descriptor: int, data: bytes) -> int:
        if len(data) > 10:
            return real_write(descriptor, bytes(data[:10]))
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda d, data: half(d, bytes(data)[:12]))
        with pytest.raises(StorageError, match="is full: the log's line was not kept"):
            store.record(ann, make_entry(B))
    assert store.seed_log_path(ann).read_bytes() == before
    assert store.count(ann) == 1


def test_an_index_that_is_full_is_told_and_the_entry_is_mended_later(
    store: Store, ann: str, make_entry: MakeEntry
) -> None:
    store.record(ann, make_entry(A))
    with store.database.reading() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="is full: a change was not kept"):
        for _ in range(50):
            store.record(ann, make_entry(B))
    store.close()
    again = Store.open(store.data_dir)
    assert indexed(again, ann) == logged(again, ann)


def test_a_read_only_index_is_told(store: Store, ann: str, make_entry: MakeEntry) -> None:
    with store.database.reading() as connection:
        connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StorageError, match="cannot be written: a change was not kept"):
        store.record(ann, make_entry(A))


def test_a_newer_data_folder_is_refused(store: Store) -> None:
    with store.database.reading() as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageError, match="newer program: its schema is 99"):
        Store(store.data_dir)


_APPENDER = """
import sys
from dataclasses import replace
from pathlib import Path
from genimg_ui.history.seed_log import read_line
from genimg_ui.history.store import Store
store = Store.open(Path(sys.argv[1]))
entry = read_line(sys.argv[3])
for number in range(40):
    store.record(sys.argv[2], replace(entry, id=f"{sys.argv[4]}{number}"))
"""


def test_two_processes_append_at_once(store: Store, ann: str, make_entry: MakeEntry) -> None:
    store.record(ann, make_entry(A, prompt="long " * 2000))
    line = store.seed_log_path(ann).read_text().strip()
    arguments = [sys.executable, "-c", _APPENDER, str(store.data_dir), ann, line]
    writers = [subprocess.Popen([*arguments, name]) for name in ("x", "y")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert len(set(logged(store, ann))) == len(logged(store, ann)) == 81
    assert indexed(store, ann) == logged(store, ann)
    assert store.count(ann) == 81


def test_an_append_waits_for_the_one_before(store: Store, ann: str, make_entry: MakeEntry) -> None:
    first, second = make_entry(A), make_entry(B)
    other = threading.Thread(target=store.record, args=(ann, second))
    with SeedLog.opened(store.seed_log_path(ann)) as log:
        other.start()
        other.join(0.2)
        assert other.is_alive()
        log.append(first)
    other.join()
    assert logged(store, ann) == [first.id, second.id]


def test_ten_thousand_entries_are_paged_by_an_index(
    store: Store, ann: str, make_entry: MakeEntry
) -> None:
    entries: list[LogEntry] = [make_entry(A) for _ in range(10_000)]
    store._entries.insert(ann, entries, log_size=0)
    assert store.count(ann) == 10_000
    assert [r.entry_id for r in store.results_page(ann, 9_990, 50)] == [
        entry.id for entry in reversed(entries[:10])
    ]
    assert sum(1 for _ in store.entries(ann)) == 10_000


@pytest.mark.parametrize("starred", [False, True])
def test_the_gallery_needs_no_scan_and_no_sort(store: Store, ann: str, starred: bool) -> None:
    with store.database.reading() as connection:
        plan = connection.execute(
            f"EXPLAIN QUERY PLAN {page_query(starred=starred)}", (ann, 50, 0)
        ).fetchall()
    steps = " | ".join(row["detail"] for row in plan)
    assert f"INDEX results_{'starred' if starred else 'live'}" in steps
    assert "SCAN" not in steps
    assert "TEMP B-TREE" not in steps


def test_a_draft_comes_back_and_the_later_revision_wins(store: Store, ann: str) -> None:
    assert store.draft(ann) is None
    assert store.draft_revision(ann) == 0
    assert store.save_draft(ann, {"source": A, "border": [1, 0, 0, 0]}) == 1
    assert store.save_draft(ann, {"source": B}, revision=7) == 7
    assert store.save_draft(ann, {"source": C}, revision=6) == 7
    assert Store(store.data_dir).draft(ann) == {"source": B}
    assert store.draft_revision(ann) == 7


def test_a_huge_draft_is_refused(store: Store, ann: str) -> None:
    with pytest.raises(RefusedInput, match="a draft must hold at most 262144 characters, got"):
        store.save_draft(ann, {"mask": "x" * 300_000})


def test_the_database_is_in_wal_mode_and_whole(store: Store) -> None:
    with sqlite3.connect(store.data_dir / "genimg.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_a_result_whose_file_was_deleted_is_told_and_costs_nothing_else(
    store: Store, ann: str, make_entry: MakeEntry
) -> None:
    gone, kept = (store.put_result(lambda file, c=c: file.write(c) and None) for c in (b"1", b"2"))
    store.put_thumb(gone, b"\xff\xd8\xff")
    entry = make_entry(gone, kept)
    store.record(ann, entry)
    store.result_path(gone).unlink()
    for opened in (store, Store.open(store.data_dir)):
        with pytest.raises(UnknownItem, match=f"the result {gone} is not in the data folder"):
            opened.result_path(gone)
        assert opened.result_path(kept).read_bytes() == b"2"
        assert opened.entry(entry.id) == entry
        assert opened.count(ann) == 2
    store.delete(ann, entry.id, 0)
    assert store.purge(ann) > 0  # its thumbnail
    assert [row.sha256 for row in store.results_page(ann, 0, 9)] == [kept]
