"""Selected results in one ZIP, as they leave the program, with the log lines of their edits.

Where an installation writes no record into files, there are no log lines in the archive either.
"""

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from genimg_ui.errors import RefusedInput
from genimg_ui.history.exports import ExportFolder
from genimg_ui.history.lineage import Item
from genimg_ui.history.record import LogEntry
from genimg_ui.history.seed_log import entry_line
from genimg_ui.history.store import Store

LARGEST_EXPORT = 4_000_000_000  # bytes of pictures: what fits a ZIP that every program opens


class ResultExports:
    """Makes archives of results of one data folder."""

    def __init__(
        self,
        store: Store,
        leaving: Callable[[str], Path] | None = None,
        *,
        record: bool = True,
    ) -> None:
        """`leaving` gives the file of a result's sha256 to pack; None: the stored one.

        `record`: whether the log lines go with them.
        """
        self._store = store
        self._record = record
        self._leaving = leaving or store.result_path
        self._folder = ExportFolder(store.data_dir)

    def archive(self, session: str, items: Sequence[Item]) -> Path:
        """Pack results of this session, given as (entry id, index); RefusedInput where too many."""
        entries: dict[str, LogEntry] = {}
        members: dict[str, Path] = {}
        for entry_id, index in items:
            entry = entries.setdefault(entry_id, self._store.entry_of(session, entry_id))
            if not 0 <= index < len(entry.results):
                raise RefusedInput(f"The edit {entry_id} has no result {index + 1}.")
            name = (
                f"{entry.created[:10]}_{entry.id}_{index + 1}_seed{entry.results[index].seed}.png"
            )
            members[name] = self._leaving(entry.results[index].sha256)
        size = sum(path.stat().st_size for path in members.values())
        if size > LARGEST_EXPORT:
            raise RefusedInput(
                f"One archive holds at most {LARGEST_EXPORT / 1e9:.0f} GB, these results have "
                f"{size / 1e9:.1f} GB.",
                remedy="Select fewer results.",
            )

        def write(file: BinaryIO) -> None:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:  # PNG is compressed
                for name, path in members.items():
                    archive.write(path, name)
                if self._record:
                    lines = "".join(f"{entry_line(entry)}\n" for entry in entries.values())
                    archive.writestr("seed_log.jsonl", lines)

        return self._folder.write(".zip", write, owner=f"archive {session}")
