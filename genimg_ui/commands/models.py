"""The command `models`: the table of the Models tab, and what may be done with a model."""

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genimg_ui.core.serial import to_json
from genimg_ui.errors import Cancelled, RefusedInput
from genimg_ui.registry import availability
from genimg_ui.registry.live import OWN_FILE, LiveRegistry
from genimg_ui.registry.parts import bring
from genimg_ui.registry.quantisation import words
from genimg_ui.shelf.shelf import ModelRow, ModelShelf, PartRow
from genimg_ui.weights import fetch as fetching
from genimg_ui.weights.sizes import size_text

DONE, FAILURE = 0, 1
TELL_SECONDS = 0.2  # between two lines of progress


def add_model_commands(names: Any) -> None:
    """`models`, alone or followed by fetch, add, remove or accept."""
    models = names.add_parser("models", help="list, fetch, add and remove models")
    models.set_defaults(run=table)
    what = models.add_subparsers(metavar="fetch|add|remove|accept")
    one = what.add_parser("fetch", help="download a listed model, or go on with its download")
    one.add_argument("id", metavar="ID")
    one.add_argument("part", nargs="?", default="", metavar="PART", help="lora, or a control")
    one.add_argument("--accept-licence", action="store_true", help="of a non-commercial model")
    one.add_argument("--with-safety-checker", action="store_true", help="which --public needs")
    one.set_defaults(run=fetch)
    new = what.add_parser("add", help="list a model or a file of the hub, a folder or a file")
    new.add_argument("source", metavar="OWNER/NAME[/FILE]|FOLDER|FILE")
    new.add_argument("--name", default="", metavar="ID", help="how the list names it")
    new.set_defaults(run=add)
    old = what.add_parser("remove", help="remove a model's files, and the entry of an added one")
    old.add_argument("id", metavar="ID")
    old.add_argument("part", nargs="?", default="", metavar="PART", help="lora, or a control")
    old.add_argument("--yes", action="store_true", help="do not ask")
    old.set_defaults(run=remove)
    licence = what.add_parser("accept", help="accept the licence of a non-commercial model")
    licence.add_argument("id", metavar="ID")
    licence.set_defaults(run=accept)
    for command in what.choices.values():  # as after `models` itself, which has the defaults
        for flag in ("--data-dir", "--models"):
            command.add_argument(flag, type=Path, default=argparse.SUPPRESS)
        command.add_argument("--json", action="store_true", default=argparse.SUPPRESS)


def shelf_of(flags: argparse.Namespace, *, safety: bool = False) -> ModelShelf:
    """The shelf of the flags' data folder."""
    registry = LiveRegistry(flags.models, flags.data_dir / OWN_FILE)
    memory = flags.model_memory_gib
    return ModelShelf(flags.data_dir, registry, safety=safety, model_memory_gib=memory)


def table(flags: argparse.Namespace) -> int:
    """List the models: what each is, whether it is here, and whether it runs here."""
    shelf = shelf_of(flags)
    rows = shelf.rows()
    if flags.json:
        print(json.dumps({"machine": shelf.headline(), "models": [_json(row) for row in rows]}))
        return DONE
    print(shelf.headline())
    for row in rows:
        spec = row.spec
        marks = [" (default)"] * row.default + [" (added)"] * row.added
        print(f"\n{spec.id}{''.join(marks)}: {spec.title} [{spec.licence}]")
        if not row.accepted:
            print("    Its licence must be accepted once before it is used.")
        print(f"    {row.fit.text} Tasks: {', '.join(spec.tasks)}.")
        if spec.quantisation:
            print(f"    Quantised: {words(spec.quantisation)}.")
        for part in row.parts:
            print(f"    {_part_line(part)}")
        if not row.parts:
            print("    ready")
    return DONE


def fetch(flags: argparse.Namespace) -> int:
    """Download in the foreground; Ctrl+C stops it, and what has come is kept."""
    shelf = shelf_of(flags, safety=flags.with_safety_checker)
    if flags.accept_licence:
        shelf.accept(flags.id)
    part = shelf.wanted(flags.id, flags.part)
    with _interruptible() as stopped:
        try:
            bring(part, _Watch(stopped, quiet=flags.json))
        except Cancelled:
            print("\nStopped. The same command goes on from here.", file=sys.stderr)
            return FAILURE
    if flags.json:
        print(json.dumps({"model": flags.id, "part": part.key, "place": str(part.place())}))
    else:
        print(f"{part.spec.title}{f', {part.key},' if part.key else ''} is in {part.place()}")
    return DONE


def add(flags: argparse.Namespace) -> int:
    """Put a model into the list."""
    spec = shelf_of(flags).add(flags.source, flags.name)
    if flags.json:
        print(json.dumps({"model": to_json(spec)}))
    else:
        print(f"{spec.id} is in the list: family {spec.family}, {spec.licence}.")
    return DONE


def remove(flags: argparse.Namespace) -> int:
    """Remove files and entry, after a yes."""
    shelf = shelf_of(flags)
    going = shelf.removal(flags.id, flags.part)
    if not flags.yes:
        if not sys.stdin.isatty():
            raise RefusedInput(f"This removes {going.sentence}: say --yes.")
        if input(f"Remove {going.sentence}? [y/N] ").strip().lower() not in ("y", "yes"):
            return FAILURE
    shelf.remove(flags.id, flags.part)
    print(json.dumps(to_json(going)) if flags.json else f"Removed {going.sentence}.")
    return DONE


def accept(flags: argparse.Namespace) -> int:
    """Accept a licence, so that the model may be fetched and used."""
    shelf = shelf_of(flags)
    shelf.accept(flags.id)
    if not flags.json:
        print(f"Accepted: {shelf.registry().get(flags.id).licence}")
    return DONE


class _Watch(fetching.OnFetching):
    """Tells progress where a person sees it, and stops at Ctrl+C."""

    def __init__(self, stopped: list[bool], *, quiet: bool) -> None:
        self._stopped = stopped
        self._quiet = quiet or not sys.stderr.isatty()
        self._told = 0.0

    def tell(self, state: fetching.Fetching) -> None:
        if self._quiet or time.monotonic() - self._told < TELL_SECONDS:
            return
        self._told = time.monotonic()
        sizes = f"{size_text(state.done)} of {size_text(state.total)}" if state.total else ""
        print(f"\r{sizes} {state.text:<60.60}", end="", file=sys.stderr, flush=True)

    def check(self) -> None:
        if self._stopped:
            raise Cancelled


@contextmanager
def _interruptible() -> Iterator[list[bool]]:
    """A list that is not empty any more once Ctrl+C was pressed; a second one ends the program."""
    stopped: list[bool] = []

    def stop(*_: object) -> None:
        stopped.append(True)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, before)


def _part_line(row: PartRow) -> str:
    name = f"{row.part.role} {row.part.name}".strip()
    if not row.lack:
        return f"{name}: {size_text(row.bytes)} in {row.place}"
    how = " (it can be fetched)" if row.fetchable else ""
    return f"{name}: {row.part.source}: {row.lack}{how}"


def _json(row: ModelRow) -> dict[str, Any]:
    return {
        **to_json(row.spec),
        "unavailable": availability(row.spec),
        "added": row.added,
        "accepted": row.accepted,
        "fit": to_json(row.fit),
        "parts": [
            {
                "part": part.part.key,
                "source": part.part.source,
                "lack": part.lack or None,
                "place": str(part.place) if part.place else None,
                "bytes": part.bytes,
            }
            for part in row.parts
        ],
    }
