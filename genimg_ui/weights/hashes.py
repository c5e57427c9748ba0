"""sha256 of weight files, reckoned once for each file.

A file counts as known while its path, size and time of change are the same. What is known is kept
in a small JSON file, where one is given; it may be deleted, and a broken one is made anew.
"""

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from genimg_ui.core.provenance import FileRecord


class WeightHashes:
    """The digests of one process, shared with others by `place`; safe between threads."""

    def __init__(self, place: Path | None = None) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._known: dict[str, str] | None = None

    def records(self, folder: Path, files: Iterable[Path]) -> tuple[FileRecord, ...]:
        """One record for each of `files`, which lie below `folder`, in the order of their names."""
        named = sorted((path.relative_to(folder).as_posix(), path) for path in files)
        return tuple(
            FileRecord(name=name, bytes=path.stat().st_size, sha256=self.sha256(path))
            for name, path in named
        )

    def sha256(self, path: Path) -> str:
        """64 hex digits; raises OSError where the file cannot be read."""
        real = path.resolve()
        status = real.stat()
        key = f"{real}|{status.st_size}|{status.st_mtime_ns}"
        with self._lock:
            if self._known is None:
                self._known = self._read()
            if key in self._known:
                return self._known[key]
        with real.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        with self._lock:
            self._known = self._read() | (self._known or {}) | {key: sha256}
            self._write(self._known)
        return sha256

    def _read(self) -> dict[str, str]:
        if self._place is None:
            return {}
        try:
            known = json.loads(self._place.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(known, dict) or not all(isinstance(v, str) for v in known.values()):
            return {}
        return known

    def _write(self, known: dict[str, str]) -> None:
        """Keep what is known, unless the disk refuses: then it is reckoned again."""
        if self._place is None:
            return
        with suppress(OSError):
            self._place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(suffix=".tmp", dir=self._place.parent)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    json.dump(known, file, indent=0)
                os.replace(name, self._place)
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise
