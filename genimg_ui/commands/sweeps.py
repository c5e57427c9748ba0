"""The commands `sweep` and `presets`: runs and presets without the page."""

import argparse
import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from genimg_ui.commands.edits import (
    DONE,
    FAILURE,
    cancelled_by_interrupt,
    inputs_of,
    request_of,
    say,
    source_of,
)
from genimg_ui.commands.workbench import Workbench
from genimg_ui.core.image import decode
from genimg_ui.core.parameters import PARAMETERS
from genimg_ui.core.request import SEED_LIMIT, EditInputs
from genimg_ui.core.sweep import Axis, Cell, Sweep, describe_cell
from genimg_ui.core.sweep_values import parse_values
from genimg_ui.core.template import parse_table
from genimg_ui.errors import RefusedInput, StorageError
from genimg_ui.history.names import new_entry_id
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.jobs.queue import JobQueue
from genimg_ui.preset_shelf import built_in_presets
from genimg_ui.presets import Preset, read_presets
from genimg_ui.registry import load_registry
from genimg_ui.registry.live import OWN_FILE
from genimg_ui.run_exports import RunExports
from genimg_ui.runs import RunCell, Runs, group_of, ranked
from genimg_ui.settings import add_export_flags, export_policy
from genimg_ui.workspace import Workspace

Subparsers = Any  # argparse keeps its type to itself


def add_run_commands(
    names: Subparsers, add_request: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Add both commands; `add_request` adds the flags that describe an edit."""
    sweep = names.add_parser("sweep", help="run an edit over one or two parameters")
    add_request(sweep)
    add_export_flags(sweep, os.environ)
    add = sweep.add_argument
    add("--out", type=Path, metavar="SHEET.png", help="the contact sheet")
    add(
        "--vary",
        action="append",
        default=[],
        metavar="NAME=VALUES",
        help=f"strength=0.3..0.9x4 or seed=4; at most twice; {', '.join(PARAMETERS)}",
    )
    add("--field", action="append", default=[], metavar="NAME=VALUES", help="of the template")
    add("--new-seeds", action="store_true", help="another seed for each picture")
    add("--dry-run", action="store_true", help="say how many pictures, and how long")
    sweep.set_defaults(run=run_sweep)
    presets = names.add_parser("presets", help="list the built-in presets, or check a file")
    presets.add_argument("file", nargs="?", type=Path, metavar="FILE.yaml")
    presets.set_defaults(run=list_presets)


def run_sweep(flags: argparse.Namespace) -> int:
    """Run every cell and draw the contact sheet; 0 only where each has its picture."""
    _check_sheet(flags)
    policy = export_policy(flags, public=False)
    with Workbench(flags) as place:
        spec = place.registry.get(flags.model or place.registry.default)
        request = request_of(flags, spec, place.store)
        size = decode(source_of(flags)).size
        workspace = Workspace(place.store, JobQueue(place.store), place.registry)
        runs = Runs(workspace)
        plan = runs.plan(place.session, request, read_sweep(flags), size)
        if flags.dry_run:
            summary = {"pictures": len(plan.cells), "seconds": plan.seconds}
            print(json.dumps(summary) if flags.json else plan.sentence)
            return DONE
        if not flags.json:
            print(plan.sentence, file=sys.stderr)
        inputs, run_id = inputs_of(flags, place.store), new_entry_id()
        _run_cells(flags, place, plan.cells, (inputs, run_id))
        cells = runs.run(place.session, run_id).cells
        if flags.out is not None and any(cell.result for cell in cells):
            exports = RunExports(workspace, runs, record=policy.record)
            _copy(exports.sheet(place.session, run_id).path, flags.out)
    _print_cells(flags, run_id, cells)
    if policy.credentials:
        print("note: A contact sheet carries no content credentials.", file=sys.stderr)
    return DONE if all(cell.result for cell in cells) else FAILURE


def list_presets(flags: argparse.Namespace) -> int:
    """List presets with their tasks; models that are not in models.yaml are said."""
    presets = built_in_presets() if flags.file is None else read_presets(flags.file)
    known = {spec.id for spec in load_registry(flags.models, flags.data_dir / OWN_FILE).all()}
    rows = [(preset, _lack(preset, known)) for preset in presets]
    if flags.json:
        plain = [
            {"name": p.name, "task": p.task, "settings": sorted(p.settings), "lack": lack}
            for p, lack in rows
        ]
        print(json.dumps({"presets": plain}))
        return DONE
    for preset, lack in rows:
        task = f" ({preset.task})" if preset.task else ""
        print(f"{preset.name}{task}: {preset.about}")
        print(f"    sets {', '.join(preset.settings) or 'the prompt'}{lack}")
    return DONE


def read_sweep(flags: argparse.Namespace) -> Sweep:
    """The sweep that --vary, --field and --new-seeds mean; raises RefusedInput."""
    table = parse_table("\n".join(flags.field))
    seed = secrets.randbelow(SEED_LIMIT) if flags.seed is None else flags.seed
    axes = []
    for text in flags.vary:
        name, separator, values = text.partition("=")
        if not separator:
            raise RefusedInput(f"--vary must be NAME=VALUES, got {text[:60]!r}.")
        found = parse_values(name.strip(), values, first_seed=seed, table=table)
        axes.append(Axis(parameter=name.strip(), values=found))
    return Sweep(axes=tuple(axes), new_seeds=flags.new_seeds)


def _run_cells(
    flags: argparse.Namespace,
    place: Workbench,
    cells: tuple[Cell, ...],
    where: tuple[EditInputs, str],
) -> None:
    """One edit after the other; Ctrl+C ends the running one and lets the others be."""
    inputs, run_id = where
    with cancelled_by_interrupt() as cancel:
        for index, cell in enumerate(cells):
            own = replace(inputs, group=group_of(run_id, index, cell))
            entry: LogEntry = place.editor.apply(
                cell.request, own, on_event=say(flags), cancel=cancel
            )
            place.store.record(place.session, entry)
            if entry.state is EntryState.CANCELLED:
                return


def _print_cells(flags: argparse.Namespace, run_id: str, cells: tuple[RunCell, ...]) -> None:
    order = {index: rank for rank, index in enumerate(ranked(cells), 1)}
    if flags.json:
        rows = [
            {
                "entry": cell.entry,
                "varies": cell.varies,
                "state": cell.state,
                "sha256": cell.result.sha256 if cell.result else None,
                "score": cell.score,
                "rank": order[index],
            }
            for index, cell in enumerate(cells)
        ]
        print(json.dumps({"run": run_id, "cells": rows}))
        return
    for index, cell in enumerate(cells):
        found = cell.text if cell.result is None else f"#{order[index]}  score {cell.score:.3f}"
        print(f"{cell.entry}  {describe_cell(cell.varies)}  {found}")


def _lack(preset: Preset, known: set[str]) -> str:
    model = preset.settings.get("model")
    return "" if model is None or model in known else f"; not here: the model {model}"


def _check_sheet(flags: argparse.Namespace) -> None:
    if flags.dry_run:
        return
    if flags.out is None:
        raise RefusedInput("--out must name the contact sheet, a .png file.")
    if flags.out.suffix.lower() != ".png" or not flags.out.parent.is_dir():
        raise RefusedInput(f"--out must name a .png file in a folder that exists, got {flags.out}.")


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise RefusedInput(f"There is no file {path}.")
    return path


def _copy(source: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise StorageError(f"{target} could not be written: {error.strerror}.") from error
