"""The seed log of a session, or of all, as a file: JSON lines, CSV or HTML."""

import hashlib
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from genimg_ui.errors import RefusedInput, StorageError, UnknownItem
from genimg_ui.history.export import csv_of
from genimg_ui.history.export_html import html_of
from genimg_ui.history.exports import ExportFolder
from genimg_ui.history.files import Writer, write_export
from genimg_ui.history.seed_log import entry_line
from genimg_ui.history.store import Store

FORMATS = ("jsonl", "csv", "html")
_ADDRESS = re.compile(r"sessions/([0-9a-f]{32})/seed_log\.(csv|html)")


def export_log(store: Store, kind: str, session: str | None) -> Iterator[str]:
    """The text of the log, piece by piece, oldest entry first; raises RefusedInput."""
    if kind not in FORMATS:
        raise RefusedInput(f"A log's format must be one of {', '.join(FORMATS)}, got {kind!r}.")
    entries = store.entries(session)
    if kind == "jsonl":
        return (entry_line(entry) + "\n" for entry in entries)
    if kind == "csv":
        return csv_of(entries)

    def thumb(sha256: str) -> bytes | None:
        try:
            return store.thumb_path(sha256).read_bytes()
        except (UnknownItem, OSError):
            return None

    return html_of(entries, thumb, "Seed log" if session is None else f"Seed log of {session}")


def write_log(store: Store, kind: str, session: str | None, target: Path) -> None:
    """Put the log at `target`, whole or not at all; raises RefusedInput, StorageError."""
    try:
        write_export(target, _writer(store, kind, session))
        target.chmod(0o644)  # a copy to hand on, unlike what is in the data folder
    except StorageError as error:
        reason = getattr(error.__cause__, "strerror", None) or error
        raise StorageError(f"{target} could not be written: {reason}.") from error


class LogExports:
    """The log of a session in another form, made when its address is fetched."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = ExportFolder(store.data_dir)
        self._one_at_a_time = threading.Lock()

    def fetched(self, name: str) -> Path | None:
        """The file behind `sessions/<id>/seed_log.<form>`; None for another name."""
        found = _ADDRESS.fullmatch(name)
        if found is None:
            return None
        with self._one_at_a_time:
            target = self._folder.named(_export_name(found[1], found[2]))
            write_export(target, _writer(self._store, found[2], found[1]))
            self._folder.settle(target)
        return target


def _export_name(session: str, form: str) -> str:
    """One name for each session and form: a new file takes the place of the one before."""
    return f"{hashlib.sha256(f'log {session}'.encode()).hexdigest()[:32]}.{form}"


def _writer(store: Store, kind: str, session: str | None) -> Writer:
    parts = export_log(store, kind, session)
    return lambda file: file.writelines(part.encode() for part in parts)
