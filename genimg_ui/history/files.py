"""Whole files under the data folder: each is there with all its bytes, or not at all.

A file is written beside its place, synced, renamed, and the folder synced. Picture files are
named by the sha256 of their bytes plus an extension that the content decides, so writing the
same picture twice keeps one file.
"""

import errno
import hashlib
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from genimg_ui.errors import StorageError, UnknownItem
from genimg_ui.history.names import check_sha256

Writer = Callable[[BinaryIO], None]

_UNFINISHED = ".tmp"
_ABANDONED_AFTER = 3600.0  # seconds: a writer that is older than this was killed
_FULL = {errno.ENOSPC, errno.EDQUOT}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
_MAGIC = (
    (b"\x89PNG", ".png"),
    (b"\xff\xd8\xff", ".jpg"),
    (b"II*\x00", ".tif"),
    (b"MM\x00*", ".tif"),
    (b"BM", ".bmp"),
    (b"RIFF", ".webp"),
)
SUFFIXES = (".png", ".jpg", ".webp", ".tif", ".bmp", ".bin")


def storage_error(error: Exception, folder: Path, what: str) -> StorageError:
    """Say in one sentence why `what` was not kept."""
    text = str(error).lower()
    number = error.errno if isinstance(error, OSError) else None
    if number in _FULL or (isinstance(error, sqlite3.Error) and "full" in text):
        return StorageError(
            f"The disk of the data folder {folder} is full: {what} was not kept. "
            "Free some space and try again."
        )
    if number in _READ_ONLY or (isinstance(error, sqlite3.Error) and "readonly" in text):
        return StorageError(
            f"The data folder {folder} cannot be written: {what} was not kept. "
            "Allow writing to it or choose another with --data-dir."
        )
    if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 255 in _DAMAGED:
        return StorageError(
            f"The index genimg.db of the data folder {folder} is damaged ({error}). Pictures and "
            "logs are not: stop the program and make the index anew with "
            f"`python -m genimg_ui reindex --data-dir {folder}`."
        )
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return StorageError(f"The data folder {folder} refused to keep {what}: {reason}.")


def make_folder(folder: Path) -> Path:
    """Create `folder` for this user alone, unless it is there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder, "its structure") from error
    return folder


def write_whole(target: Path, content: bytes, what: str) -> None:
    """Put a file with `content` at `target`, replacing what was there."""
    unfinished = _write_unfinished(target.parent, lambda file: _write_all(file, content), what)
    _settle(unfinished, target, what)


def write_export(target: Path, write: Writer) -> None:
    """Put what `write` writes at `target`, whole."""
    _settle(_write_unfinished(target.parent, write, "the download"), target, "the download")


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class PictureFolder:
    """One folder of files named by the sha256 of their bytes."""

    def __init__(self, folder: Path, what: str) -> None:
        self.folder = make_folder(folder)
        self._what = what

    def put(self, write: Writer) -> str:
        """Keep what `write` writes; return its sha256."""
        unfinished = _write_unfinished(self.folder, write, self._what)
        try:
            with unfinished.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                file.seek(0)
                suffix = _suffix_of(file.read(12))
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        target = self.folder / f"{sha256}{suffix}"
        if target.exists():
            unfinished.unlink(missing_ok=True)
        else:
            _settle(unfinished, target, self._what)
        return sha256

    def put_named(self, sha256: str, content: bytes) -> None:
        """Keep `content` as what belongs to the picture `sha256`, replacing what was there."""
        target = self.folder / f"{check_sha256(sha256)}{_suffix_of(content)}"
        write_whole(target, content, self._what)

    def find(self, sha256: str) -> Path | None:
        check_sha256(sha256)
        places = (self.folder / f"{sha256}{suffix}" for suffix in SUFFIXES)
        return next((place for place in places if place.is_file()), None)

    def path(self, sha256: str) -> Path:
        """Where the file is; UnknownItem where there is none."""
        found = self.find(sha256)
        if found is None:
            raise UnknownItem(f"{self._what} {sha256} is not in the data folder.")
        return found

    def remove(self, sha256: str) -> int:
        """Remove the file; the bytes that this frees."""
        found = self.find(sha256)
        if found is None:
            return 0
        try:
            size = found.stat().st_size
            found.unlink()
        except FileNotFoundError:  # another process removed it just now
            return 0
        except OSError as error:
            raise storage_error(error, self.folder.parent, "the removal of a picture") from error
        return size

    def sweep(self) -> None:
        """Remove what killed writers left."""
        for path in self.folder.glob(f"*{_UNFINISHED}"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _ABANDONED_AFTER:
                    path.unlink()


def _write_unfinished(folder: Path, write: Writer, what: str) -> Path:
    try:
        descriptor, name = tempfile.mkstemp(suffix=_UNFINISHED, dir=folder)
    except OSError as error:
        raise storage_error(error, folder.parent, what) from error
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise storage_error(error, folder.parent, what) from error
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return unfinished


def _settle(unfinished: Path, target: Path, what: str) -> None:
    try:
        os.replace(unfinished, target)
        sync_folder(target.parent)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise storage_error(error, target.parent.parent, what) from error


def _write_all(file: BinaryIO, content: bytes) -> None:
    file.write(content)


def _suffix_of(start: bytes) -> str:
    for magic, suffix in _MAGIC:
        if start.startswith(magic):
            return suffix
    return ".bin"
