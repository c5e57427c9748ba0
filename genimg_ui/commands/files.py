"""The commands about files: a result in another format, and the credentials of any picture."""

import argparse
import json
import os
import re
from pathlib import Path

from genimg_ui.core.image import Limits, stored_limits
from genimg_ui.core.resolve import Bounds
from genimg_ui.core.serial import to_json
from genimg_ui.credentials.reading import CredentialState, verify
from genimg_ui.errors import RefusedInput
from genimg_ui.exporting.exporter import Exporter
from genimg_ui.exporting.formats import (
    DEFAULT_QUALITY,
    ExportOptions,
    Format,
    format_named,
)
from genimg_ui.history.metadata import entry_from_file
from genimg_ui.history.names import is_sha256
from genimg_ui.history.record import LogEntry
from genimg_ui.history.store import Store
from genimg_ui.settings import add_export_flags, export_policy

DONE, FAILURE = 0, 1
STORED = stored_limits(Limits(), Bounds())
_NUMBERED = re.compile(r"(?P<entry>[^:/\\]+):(?P<number>[1-9][0-9]{0,5})")


def add_file_commands(names: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `export` and `verify` to the commands."""
    parser = names.add_parser("export", help="write a result in another format")
    parser.add_argument("result", metavar="RESULT.png|ENTRY-ID[:N]|SHA256")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    forms = ", ".join(Format)
    parser.add_argument("--format", help=f"{forms}; without it, --out's suffix decides")
    quality = f"of a JPEG, 1 to 100 (default {DEFAULT_QUALITY})"
    parser.add_argument("--quality", type=int, default=DEFAULT_QUALITY, help=quality)
    add_export_flags(parser, os.environ)
    parser.set_defaults(run=export)
    check = names.add_parser("verify", help="check the content credentials of a picture")
    check.add_argument("file", type=Path, metavar="FILE")
    check.set_defaults(run=verify_file)


def export(flags: argparse.Namespace) -> int:
    """Write one result to --out; what the format could not keep is said on stdout."""
    form = format_named(flags.format or flags.out.suffix or "none")
    options = ExportOptions(
        format=form, quality=flags.quality, record=flags.record, credentials=flags.credentials
    )
    store = Store.open(flags.data_dir)
    try:
        entry, index = result_named(store, flags.result)
        exporter = Exporter(store, STORED, export_policy(flags, public=False))
        made = exporter.export(entry, index, options, flags.out)
    finally:
        store.close()
    if flags.json:
        verdict = None if made.verdict is None else to_json(made.verdict)
        told = {"path": str(made.path), "format": form, "entry": entry.id, "index": index}
        print(json.dumps({**told, "notes": list(made.notes), "credentials": verdict}))
        return DONE
    print(f"{made.path}  {form}  {made.path.stat().st_size:,} bytes")
    for note in made.notes:
        print(f"note: {note}")
    if made.verdict is not None:
        print(made.verdict.sentence)
    return DONE


def verify_file(flags: argparse.Namespace) -> int:
    """Say whose credentials a picture carries; 0 only where they are there and hold."""
    verdict = verify(flags.file)
    holds = verdict.state in (CredentialState.VALID, CredentialState.TRUSTED)
    if flags.json:
        print(json.dumps(to_json(verdict)))
        return DONE if holds else FAILURE
    print(verdict.sentence)
    parts = {"problem": verdict.problems, "edit": verdict.edits, "from": verdict.ingredients}
    for word, lines in parts.items():
        for line in lines:
            print(f"  {word}: {line}")
    return DONE if holds else FAILURE


def result_named(store: Store, name: str) -> tuple[LogEntry, int]:
    """The entry and the index of a result, by file, digest, or entry id with its number from 1."""
    if is_sha256(name):
        return store.find_result(name)
    path = Path(name)
    if path.is_file():
        carried = entry_from_file(path)
        entry = store.entry(carried.id)
        return entry, _index_of(carried, entry)
    numbered = _NUMBERED.fullmatch(name)
    entry = store.entry(name if numbered is None else numbered["entry"])
    number = 1 if numbered is None else int(numbered["number"])
    if not 1 <= number <= len(entry.results):
        raise RefusedInput(
            f"The result's number must be in [1, {len(entry.results)}], got {number}."
            if entry.results
            else f"Entry {entry.id} ended as {entry.state}: it has no result."
        )
    return entry, number - 1


def _index_of(carried: LogEntry, entry: LogEntry) -> int:
    """Which of the entry's results a file says that it is."""
    told = [(record.seed, record.pixels_sha256) for record in carried.results]
    for index, record in enumerate(entry.results):
        if told == [(record.seed, record.pixels_sha256)]:
            return index
    raise RefusedInput(f"The file must hold a result of entry {entry.id}, got another picture.")
