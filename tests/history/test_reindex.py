"""A database that is removed or damaged is made anew from logs and files, and nothing is lost."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from genimg_ui.errors import StorageError
from genimg_ui.history.record import LogEntry
from genimg_ui.history.reindex import reindex
from genimg_ui.history.store import Store

MakeEntry = Callable[..., LogEntry]
A = "a" * 64


def put(store: Store, content: bytes) -> str:
    return store.put_result(lambda file: file.write(content) and None)


@pytest.fixture
def filled(store: Store, ann: str, bob: str, make_entry: MakeEntry) -> list[LogEntry]:
    """Two sessions with edits, marks, a deleted result and a draft; the store is closed."""
    kept, gone = put(store, b"\x89PNG 1"), put(store, b"\x89PNG 2")
    entries = [make_entry(kept, gone), make_entry(), make_entry(kept)]
    for session, entry in zip((ann, ann, bob), entries, strict=True):
        store.record(session, entry)
    store.star(ann, entries[0].id, 0, on=True)
    store.delete(bob, entries[2].id, 0)
    store.save_draft(ann, {"prompt": "half an idea"})
    put(store, b"\x89PNG of an edit that was interrupted")
    store.result_path(gone).unlink()
    store.close()
    return entries


def holds(data: Path, ann: str, bob: str, entries: list[LogEntry]) -> Store:
    """The new index says what the old one said."""
    again = Store.open(data)
    assert list(again.entries(ann)) == entries[:2]
    assert list(again.entries(bob)) == entries[2:]
    [row] = again.results_page(ann, 0, 9, starred=True)
    assert (row.entry_id, row.index) == (entries[0].id, 0)
    assert again.count(ann) == 1 and again.count(bob) == 0
    again.undelete(bob, entries[2].id, 0)
    assert again.count(bob) == 1
    return again


def test_a_removed_database(store: Store, ann: str, bob: str, filled: list[LogEntry]) -> None:
    for path in store.data_dir.glob("genimg.db*"):
        path.unlink()
    done = reindex(store.data_dir)
    assert (done.sessions, done.entries, done.results, done.absent) == (2, 3, 3, 1)
    assert (done.unnamed, done.unreadable_lines, done.kept) == (1, 0, None)
    holds(store.data_dir, ann, bob, filled).close()


def test_a_whole_database_gives_what_only_it_has(
    store: Store, ann: str, bob: str, filled: list[LogEntry]
) -> None:
    done = reindex(store.data_dir)
    assert done.rescued == {"drafts": 1} and done.lost == ()
    again = holds(store.data_dir, ann, bob, filled)
    assert again.draft(ann) == {"prompt": "half an idea"}
    again.close()
    assert done.kept is not None and done.kept.is_file()
    assert reindex(store.data_dir).kept != done.kept


@pytest.mark.parametrize("damage", ["header", "pages", "empty", "text"])
def test_a_damaged_database(
    store: Store, ann: str, bob: str, filled: list[LogEntry], damage: str
) -> None:
    path = store.data_dir / "genimg.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = bytearray(path.read_bytes())
    if damage == "header":
        content[:100] = b"\xff" * 100
    if damage == "pages":
        content[4096:] = b"\xff" * len(content[4096:])
    if damage == "empty":
        content = bytearray()
    if damage == "text":
        content = bytearray(b"this is no database\n" * 500)
    path.write_bytes(content)
    if damage != "empty":  # that is a new one, which opening fills
        with pytest.raises(StorageError, match="is damaged .* reindex --data-dir"):
            list(Store.open(store.data_dir).entries())
    done = reindex(store.data_dir)
    assert done.entries == 3
    assert done.kept is not None and done.kept.read_bytes() == bytes(content)
    holds(store.data_dir, ann, bob, filled).close()


def test_a_damaged_page_in_use_is_told(store: Store, ann: str, make_entry: MakeEntry) -> None:
    for _ in range(20):
        store.record(ann, make_entry(A, prompt="long " * 500))
    with store.database.reading() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = store.data_dir / "genimg.db"
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(StorageError, match="Pictures and logs are not: stop the program"):
        list(Store(store.data_dir).entries(ann))


def test_a_lost_log_comes_back_from_the_old_database(
    store: Store, ann: str, bob: str, filled: list[LogEntry]
) -> None:
    store.seed_log_path(ann).unlink()
    done = reindex(store.data_dir)
    assert done.rescued["entries"] == 2
    assert len(store.seed_log_path(ann).read_text().splitlines()) == 2
    holds(store.data_dir, ann, bob, filled).close()


@pytest.mark.usefixtures("filled")
def test_lines_that_cannot_be_read_are_counted(store: Store, ann: str) -> None:
    with store.seed_log_path(ann).open("a") as log:
        log.write("{\n\n[1]\nnull")
    assert reindex(store.data_dir).unreadable_lines == 3


def test_a_folder_in_use_is_left_alone(store: Store, ann: str, make_entry: MakeEntry) -> None:
    store.record(ann, make_entry(A))
    with pytest.raises(StorageError, match=r"is in use\. Stop the program"):
        reindex(store.data_dir)
    assert store.count(ann) == 1
    store.close()
    assert reindex(store.data_dir).entries == 1


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="There is no data folder"):
        reindex(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()


@pytest.mark.usefixtures("filled")
def test_what_cannot_be_finished_leaves_the_old_database(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: Path) -> Store:
        raise StorageError("The disk of the data folder is full.")

    before = (store.data_dir / "genimg.db").read_bytes()
    monkeypatch.setattr(Store, "open", refused)
    with pytest.raises(StorageError, match="is full"):
        reindex(store.data_dir)
    assert (store.data_dir / "genimg.db").read_bytes() == before
    assert not list(store.data_dir.glob("genimg-before-reindex*"))
