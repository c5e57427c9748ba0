"""The command `measure`: stored results of a session, measured as they are."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from genimg_ui.commands.edits import DONE, FAILURE, cancelled_by_interrupt
from genimg_ui.commands.evaluations import open_scorer, print_result, teller
from genimg_ui.commands.workbench import Workbench
from genimg_ui.core.serial import to_json
from genimg_ui.errors import Cancelled, RefusedInput
from genimg_ui.evaluation.baselines import with_baselines
from genimg_ui.evaluation.measuring import Measuring, measure
from genimg_ui.evaluation.own_results import own_results
from genimg_ui.history.names import is_session
from genimg_ui.history.record import LogEntry
from genimg_ui.history.store import Store
from genimg_ui.judging.entrants import Chosen, Compared, Selection, results_of

Subparsers = Any  # argparse keeps its type to itself
Places = list[tuple[LogEntry, int]]


def add_measure_command(names: Subparsers) -> None:
    """Add `measure` to the command line."""
    command = names.add_parser("measure", help="measure results of a session as they are")
    add = command.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help="new, or one to go on with")
    add("--session", metavar="ID", help="absent: the edits of the command line")
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--last", type=int, metavar="N", help="the newest results")
    which.add_argument("--starred", action="store_true", help="those with a star")
    which.add_argument("--run", dest="run_id", metavar="ID", help="those of a run or sweep")
    which.add_argument(
        "--listed", type=Path, metavar="FILE", help="those of a file with lines ENTRY INDEX"
    )
    add("--compare", choices=tuple(map(str, Compared)), default=str(Compared.MODELS))
    command.set_defaults(run=run_measure)


def run_measure(flags: argparse.Namespace) -> int:
    """Measure; 1 where no result could be read at all."""
    with Workbench(flags) as place:
        session = flags.session or place.session
        if not is_session(session):
            raise RefusedInput(
                "--session must be the id of a session (32 hex digits, a folder of sessions/), "
                f"got {session[:60]!r}."
            )
        places = _places(place.store, session, flags)
        owns = own_results(places, by_settings=flags.compare == Compared.SETTINGS)
        specs = with_baselines(place.registry).all()
        with cancelled_by_interrupt() as cancel:
            tools = Measuring(
                store=place.store,
                open_scorer=open_scorer,
                titles={spec.id: spec.title for spec in specs},
                tell=teller(flags),
                cancel=cancel,
            )
            try:
                result = measure(owns, flags.out, tools)
            except Cancelled:
                print("Stopped. The same command goes on from here.", file=sys.stderr)
                return FAILURE
    if flags.json:
        print(json.dumps({"result": to_json(result)}))
    else:
        print_result(result, flags.out)
    return DONE if any(model.done for model in result.models) else FAILURE


def _places(store: Store, session: str, flags: argparse.Namespace) -> Places:
    """The results that are meant, oldest first."""
    if flags.listed is not None:
        found = _listed(flags.listed)
    else:
        rows = results_of(store, session, _selection(flags))
        found = [(row.entry_id, row.index) for row in reversed(rows)]
    entries = {name: store.entry_of(session, name) for name, _ in found}
    return [(entries[name], index) for name, index in found]


def _selection(flags: argparse.Namespace) -> Selection:
    if flags.starred:
        return Selection(chosen=Chosen.STARRED)
    if flags.run_id is not None:
        return Selection(chosen=Chosen.RUN, run=flags.run_id)
    return Selection(chosen=Chosen.LAST, last=flags.last)


def _listed(path: Path) -> list[tuple[str, int]]:
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedInput(f"{path} cannot be read: {error}.") from error
    found = []
    for number, line in enumerate(lines, start=1):
        entry, _, index = line.strip().partition(" ")
        if not entry:
            continue
        if not index.isdecimal() or len(index) > 4:
            raise RefusedInput(
                f"Line {number} of {path.name} must be the id of an entry and the place of a "
                f"result from 0 on, got {line[:60]!r}."
            )
        found.append((entry, int(index)))
    return found
