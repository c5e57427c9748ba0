"""Files made for one download: contact sheets and archives. They may go after a day.

They are no part of the record: whatever lies here can be made again.
"""

import secrets
import time
from contextlib import suppress
from pathlib import Path

from genimg_ui.history.files import Writer, make_folder, write_export

KEPT_SECONDS = 86_400.0  # long enough for a link that a page shows


class ExportFolder:
    """`exports/` of a data folder; each file has a name that nobody can guess."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = make_folder(data_dir / "exports")

    def write(self, suffix: str, write: Writer) -> Path:
        """Keep what `write` writes under a new name that ends in `suffix`; sweep old ones."""
        self._sweep()
        target = self._folder / f"{secrets.token_hex(16)}{suffix}"
        write_export(target, write)
        return target

    def _sweep(self) -> None:
        for path in self._folder.iterdir():
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > KEPT_SECONDS:
                    path.unlink()
