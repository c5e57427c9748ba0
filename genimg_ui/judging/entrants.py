"""Which results may enter a study: of a session's history, or of an evaluation's folder."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from genimg_ui.core.serial import to_json
from genimg_ui.core.sweep import describe_cell
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.evaluation.folder import EvaluationFolder, file_of
from genimg_ui.history.entries import PAGE_LIMIT, ResultRow
from genimg_ui.history.record import LogEntry
from genimg_ui.history.search import Query
from genimg_ui.history.store import Store
from genimg_ui.judging.studies import Entrant

MOST_RESULTS = 2000  # that are looked at


class Chosen(StrEnum):
    """Which results of a session."""

    STARRED = "starred"
    RUN = "run"
    LAST = "last"


class Compared(StrEnum):
    """What is ranked: models, or the settings that a run varied."""

    MODELS = "models"
    SETTINGS = "settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Results of a session: `run` is the id of a run, `last` how many of the newest."""

    chosen: Chosen
    compared: Compared = Compared.MODELS
    run: str = ""
    last: int = 50


def results_of(store: Store, session: str, selection: Selection) -> list[ResultRow]:
    """What the selection means, newest first; raises RefusedInput where it is nothing."""
    if not 2 <= selection.last <= MOST_RESULTS:
        raise RefusedInput(f"The last results must be 2 to {MOST_RESULTS}, got {selection.last}.")
    if selection.chosen is Chosen.RUN and not selection.run:
        raise RefusedInput("A run must be chosen, got none.")
    query = {
        Chosen.STARRED: Query(starred=True),
        Chosen.RUN: Query(run=selection.run),
        Chosen.LAST: Query(),
    }[selection.chosen]
    most = selection.last if selection.chosen is Chosen.LAST else MOST_RESULTS
    rows: list[ResultRow] = []
    while len(rows) < most:
        page = min(PAGE_LIMIT, most - len(rows))
        found = store.gallery.find(session, query, len(rows), page).rows
        rows += found
        if len(found) < page:
            break
    if not rows:
        raise RefusedInput(
            f"There must be results to choose from, got none ({_SAID[selection.chosen]})."
        )
    return rows


def entrants_of(store: Store, session: str, selection: Selection) -> list[Entrant]:
    """The selected results by case and player; raises RefusedInput, UnknownItem."""
    entries: dict[str, LogEntry] = {}
    found = []
    for row in results_of(store, session, selection):
        if row.entry_id not in entries:
            entries[row.entry_id] = store.entry_of(session, row.entry_id)
        entry = entries[row.entry_id]
        found.append(
            Entrant(
                case=_case(entry, selection.compared),
                prompt=entry.request.sampling.prompt.strip(),
                player=_player(entry, selection.compared),
                entry=entry.id,
                index=row.index,
                path=store.result_path(row.sha256),
            )
        )
    return found


def entrants_of_evaluation(folder: Path) -> list[Entrant]:
    """What each model made of each case of an evaluation; raises RefusedInput."""
    evaluation = EvaluationFolder(folder)
    evaluation.run()  # refuses what is none
    found = list(_of_evaluation(evaluation))
    if not found:
        raise UnknownItem("The evaluation has no pictures yet: let it run first.")
    return found


def _of_evaluation(evaluation: EvaluationFolder) -> Iterator[Entrant]:
    for record in evaluation.cases():
        path = evaluation.picture(record.case, file_of(record.model))
        if record.done and path.is_file():
            yield Entrant(
                case=str(record.case),
                prompt=record.prompt,
                player=record.model,
                entry=record.entry,
                index=0,
                path=path,
            )


def _case(entry: LogEntry, compared: Compared) -> str:
    """The same for results that can be compared: 16 hex digits."""
    request, inputs = entry.request, entry.inputs
    parts = [inputs.source, inputs.mask, to_json(request.border), request.upscale]
    parts += [str(request.region)]
    if compared is Compared.SETTINGS and entry.group is not None:
        parts += [entry.group.id]  # its prompt may be what varies
    else:
        parts += [request.sampling.prompt.strip()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _player(entry: LogEntry, compared: Compared) -> str:
    if compared is Compared.MODELS:
        return entry.request.model
    settings = describe_cell(entry.group.cell) if entry.group is not None else ""
    return settings or entry.request.model


_SAID = {
    Chosen.STARRED: "no result of this session has a star",
    Chosen.RUN: "the run has no picture",
    Chosen.LAST: "this session has made none",
}
