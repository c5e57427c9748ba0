"""seed_log.jsonl: one line of JSON per ended edit of one session, only ever appended to.

Several processes may append; each holds the file's lock while it does. A line is synced before
it counts. A line that a crash tore is closed by a line feed and passed over when read.
"""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from genimg_ui.core.serial import from_json, to_json
from genimg_ui.errors import RefusedInput
from genimg_ui.history.files import storage_error, sync_folder
from genimg_ui.history.locks import locked
from genimg_ui.history.migrations import migrate
from genimg_ui.history.names import check_entry_id
from genimg_ui.history.record import LogEntry

_LOG = logging.getLogger(__name__)


def entry_line(entry: LogEntry) -> str:
    """The entry as one line, without the line feed."""
    return json.dumps(to_json(entry), ensure_ascii=False, separators=(",", ":"))


def read_line(line: str) -> LogEntry:
    """Build the entry of one line, of any schema that is known; ValueError where it is none."""
    try:
        entry = from_json(LogEntry, migrate(json.loads(line)))
        check_entry_id(entry.id)
    except (RefusedInput, RecursionError) as problem:
        raise ValueError(str(problem)) from problem
    return entry


class SeedLog:
    """A log that is open and locked; made by `opened`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator["SeedLog"]:
        """Create the log where it is absent, and keep others out while it is open."""
        try:
            new = not path.exists()
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            if new:
                sync_folder(path.parent)
        except OSError as error:
            raise storage_error(error, path.parent, "the seed log") from error
        try:
            with locked(descriptor):
                yield cls(path, descriptor)
        finally:
            os.close(descriptor)

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return os.fstat(self._descriptor).st_size

    def append(self, entry: LogEntry) -> None:
        """Add the entry's line and sync it; on a full disk the log is as it was before."""
        before = self.size
        torn = before > 0 and os.pread(self._descriptor, 1, before - 1) != b"\n"
        line = ("\n" if torn else "") + entry_line(entry) + "\n"
        try:
            _write_all(self._descriptor, line.encode())
            os.fsync(self._descriptor)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._descriptor, before)
            raise storage_error(error, self._path.parent, "the log's line") from error

    def entries(self) -> Iterator[LogEntry]:
        """Every readable entry, oldest first."""
        with self._path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                if not raw.strip():
                    continue
                try:
                    yield read_line(raw.decode())
                except ValueError as error:
                    _LOG.warning("%s, line %d is passed over: %s", self._path, number, error)


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
