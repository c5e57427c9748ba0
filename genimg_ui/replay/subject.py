"""What a person names to be replayed: an entry, a result's file, a bundle, a whole log."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from genimg_ui.bundle import MOST_BYTES
from genimg_ui.bundle.unpack import is_bundle, unpacked
from genimg_ui.core.sniff import HEAD_BYTES, recognise
from genimg_ui.errors import RefusedInput, StorageError
from genimg_ui.history.files import Writer
from genimg_ui.history.metadata import entry_from_file
from genimg_ui.history.names import is_session
from genimg_ui.history.record import LogEntry
from genimg_ui.history.seed_log import read_line
from genimg_ui.history.store import Store

FILES = (".png", ".webp", ".jpg", ".jpeg", ".tif", ".tiff", ".zip")
LONGEST_LINE = 4_000_000  # bytes; a line of ours has some thousand


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An entry, the folder of its pictures, and the file in hand where it came out of one."""

    entry: LogEntry
    store: Store
    picture: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of a log: its entry, or why it has none."""

    number: int
    entry: LogEntry | None
    problem: str = ""


@contextmanager
def opened(store: Store, name: str) -> Iterator[Subject]:
    """What an entry's id, a result's file or a bundle names; raises RefusedInput, UnknownItem."""
    path = Path(name)
    if path.suffix.lower() not in FILES and not path.exists():
        yield Subject(entry=store.entry(name), store=store)
        return
    if not path.is_file():
        raise RefusedInput(f"There is no file {path}.")
    if not is_bundle(path):
        lossy = recognise(_head(path)) == "JPEG"  # its pixels were never the edit's own
        yield Subject(entry=entry_from_file(path), store=store, picture=None if lossy else path)
        return
    with _of_bundle(path, store.data_dir / "cache" / "bundles") as subject:
        yield subject


@contextmanager
def _of_bundle(path: Path, folder: Path) -> Iterator[Subject]:
    """A data folder of its own for the pictures of a bundle."""
    with unpacked(path, folder, max_bytes=MOST_BYTES) as bundle:
        store = Store.open(bundle.source.parent / "data")
        try:
            store.put_source(bundle.source)
            if bundle.mask is not None:
                store.put_mask(bundle.mask.read_bytes())
            for ready in bundle.maps.values():
                store.put_source(ready)
            for result in bundle.results.values():
                store.put_result(_copier(result))
            yield Subject(entry=bundle.entry, store=store)
        finally:
            store.close()


def _copier(path: Path) -> Writer:
    def copy(target: BinaryIO) -> None:
        with path.open("rb") as file:
            shutil.copyfileobj(file, target)

    return copy


def log_lines(store: Store, name: str) -> Iterator[LogLine]:
    """The lines of a log file, or the entries of a session of the data folder, oldest first."""
    path = Path(name)
    if not path.exists() and is_session(name):
        yield from _of_session(store, name)
        return
    if not path.is_file():
        raise RefusedInput(f"There is no log {path}, and no session of this name.")
    with path.open("rb") as file:
        number = 0
        while raw := file.readline(LONGEST_LINE):
            number += 1
            if raw.strip():
                yield _line(number, raw)


def _of_session(store: Store, session: str) -> Iterator[LogLine]:
    number = 0
    try:
        for number, entry in enumerate(store.entries(session), start=1):
            yield LogLine(number=number, entry=entry)
    except StorageError as error:
        problem = f"{error} What comes after it was not read."
        yield LogLine(number=number + 1, entry=None, problem=problem)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _line(number: int, raw: bytes) -> LogLine:
    try:
        return LogLine(number=number, entry=read_line(raw.decode()))
    except ValueError as error:
        problem = f"line {number} is no entry: {str(error)[:200]}"
        return LogLine(number=number, entry=None, problem=problem)
