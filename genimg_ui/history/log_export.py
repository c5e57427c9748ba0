"""The seed log of a session, or of all, as a file: JSON lines, CSV or HTML."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from genimg_ui.errors import RefusedInput, StorageError, UnknownItem
from genimg_ui.history.export import csv_of
from genimg_ui.history.export_html import html_of
from genimg_ui.history.seed_log import entry_line
from genimg_ui.history.store import Store

FORMATS = ("jsonl", "csv", "html")


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
    parts = export_log(store, kind, session)
    unfinished: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(suffix=".part", dir=target.parent)
        unfinished = Path(name)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.writelines(parts)
        unfinished.chmod(0o644)  # a copy to hand on, unlike what is in the data folder
        os.replace(unfinished, target)
    except OSError as error:
        raise StorageError(f"{target} could not be written: {error.strerror}.") from error
    finally:
        if unfinished is not None:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
