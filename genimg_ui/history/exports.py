"""Files made for one download: pictures, contact sheets, archives. They may go after a day.

They are no part of the record, and no quota counts them: whatever lies here can be made again. So
a session has one of each kind, and all together stay below a limit.
"""

import hashlib
import secrets
import time
from contextlib import suppress
from pathlib import Path

from genimg_ui.history.files import Writer, make_folder, write_export

KEPT_SECONDS = 86_400.0  # long enough for a link that a page shows
MOST_BYTES = 8_000_000_000  # of all files here: the largest archive twice
_UNFINISHED = (".tmp", ".part")


class ExportFolder:
    """`exports/` of a data folder; each file has a name that nobody can guess."""

    def __init__(self, data_dir: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self._folder = make_folder(data_dir / "exports")
        self._most_bytes = most_bytes

    def write(self, suffix: str, write: Writer, *, owner: str = "") -> Path:
        """Keep what `write` writes under a new name that ends in `suffix`; see `settle`."""
        target = self.target(suffix, owner=owner)
        write_export(target, write)
        self.settle(target, owner=owner)
        return target

    def target(self, suffix: str, *, owner: str = "") -> Path:
        """A new name. `owner`: the kind of file and its session, as any text; "" for nobody."""
        return self._folder / f"{_prefix(owner)}{secrets.token_hex(16)}{suffix}"

    def named(self, name: str) -> Path:
        """The place of a file that is made once under a name of its own."""
        return self._folder / name

    def settle(self, kept: Path, *, owner: str = "") -> None:
        """After `kept` was written: remove what it replaces, what is old, and what is too much."""
        before, left = time.time() - KEPT_SECONDS, []
        for path in self._folder.iterdir():
            with suppress(OSError):  # another process may remove it at the same time
                found = path.stat()
                replaced = bool(owner) and path.name.startswith(_prefix(owner)) and path != kept
                if found.st_mtime < before or replaced:
                    path.unlink()
                elif path.suffix not in _UNFINISHED:
                    left.append((found.st_mtime, found.st_size, path))
        excess = sum(size for _, size, _ in left) - self._most_bytes
        for _, size, path in sorted(left):
            if excess <= 0:
                return
            if path != kept:
                with suppress(OSError):
                    path.unlink()
                    excess -= size


def _prefix(owner: str) -> str:
    """What the names of an owner's files begin with; it tells nothing of the session."""
    return f"{hashlib.sha256(f'export {owner}'.encode()).hexdigest()[:16]}-" if owner else ""
