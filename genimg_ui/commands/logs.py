"""The commands about the seed log: print or export it, and make its index anew."""

import argparse
import json
import sys
from pathlib import Path

from genimg_ui.core.serial import to_json
from genimg_ui.errors import RefusedInput
from genimg_ui.history.log_export import FORMATS, export_log, write_log
from genimg_ui.history.reindex import Reindexed
from genimg_ui.history.reindex import reindex as make_anew
from genimg_ui.history.store import Store

DONE = 0


def add_log_commands(names: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `log` and `reindex` to the command line."""
    entries = names.add_parser("log", help="print the seed log, or write it to a file")
    entries.add_argument("--session", metavar="ID")
    entries.add_argument("--format", choices=FORMATS, metavar="|".join(FORMATS))
    entries.add_argument("--out", type=Path, metavar="FILE")
    entries.set_defaults(run=log)
    again = names.add_parser("reindex", help="make genimg.db anew from the logs and files")
    again.set_defaults(run=reindex)


def log(flags: argparse.Namespace) -> int:
    """Print the entries of one session or of all; with --format as a file or to the output."""
    store = Store.open(flags.data_dir)
    try:
        if flags.format is not None or flags.out is not None:
            _export(store, flags)
        else:
            _print(store, flags)
    finally:
        store.close()
    return DONE


def reindex(flags: argparse.Namespace) -> int:
    """Make the index anew and tell what it holds."""
    done = make_anew(flags.data_dir)
    if flags.json:
        print(json.dumps(to_json(done) | {"kept": done.kept and str(done.kept)}))
    else:
        print("\n".join(_told(done)))
    return DONE


def _print(store: Store, flags: argparse.Namespace) -> None:
    if flags.json:
        entries = [to_json(entry) for entry in store.entries(flags.session)]
        print(json.dumps({"entries": entries}))
        return
    for entry in store.entries(flags.session):
        seeds = ", ".join(str(record.seed) for record in entry.results) or "no result"
        words = entry.error or entry.request.sampling.prompt
        print(
            f"{entry.created}  {entry.id}  {entry.state}  {entry.request.model}  {seeds}  {words}"
        )


def _export(store: Store, flags: argparse.Namespace) -> None:
    kind = flags.format or _format_of(flags.out)
    if flags.session is not None and not store.seed_log_path(flags.session).is_file():
        raise RefusedInput(f"There is no session {flags.session} in {flags.data_dir}.")
    if flags.out is None:
        sys.stdout.writelines(export_log(store, kind, flags.session))
        return
    if not flags.out.parent.is_dir():
        raise RefusedInput(f"--out must lie in a folder that exists, got {flags.out}.")
    write_log(store, kind, flags.session, flags.out)


def _format_of(out: Path) -> str:
    kind = out.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise RefusedInput(f"--format must be one of {', '.join(FORMATS)}, got {out.name!r}.")
    return kind


def _told(done: Reindexed) -> list[str]:
    lines = [
        f"The index holds {done.entries} edits of {done.sessions} sessions with "
        f"{done.results} results."
    ]
    if done.absent:
        lines.append(f"{done.absent} results have no file any more.")
    if done.unnamed:
        lines.append(f"{done.unnamed} result files are named by no log, and stay where they are.")
    if done.unreadable_lines:
        lines.append(f"{done.unreadable_lines} lines of the logs cannot be read.")
    for table, count in done.rescued.items():
        lines.append(f"From the old database: {table}, {count}.")
    lines += done.lost
    if done.kept is not None:
        lines.append(f"The old database is {done.kept}; delete it when nothing is missing.")
    return lines
