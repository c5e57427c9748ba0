"""Measures a session's stored results into an evaluation's folder, with the same report."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from genimg_ui.backend.base import CancelToken
from genimg_ui.core.serial import Json
from genimg_ui.environment import base_versions, versions
from genimg_ui.errors import GenimgError
from genimg_ui.evaluation.folder import (
    MASK,
    ORIGINAL,
    CaseRecord,
    EvaluationFolder,
    RunRecord,
    file_of,
)
from genimg_ui.evaluation.metrics.base import Pair, Score, SetScore, Undefined
from genimg_ui.evaluation.metrics.catalogue import AS_THEY_ARE, METRICS
from genimg_ui.evaluation.own_results import REPAINTING, OwnResult, pair_of
from genimg_ui.evaluation.results import Result
from genimg_ui.evaluation.runner import Done, Scorer
from genimg_ui.evaluation.staging import plain_png
from genimg_ui.evaluation.summing import Measured, outcome
from genimg_ui.evaluation.writing import LIBRARIES, example, make_result, write_all
from genimg_ui.history.files import make_folder, write_whole
from genimg_ui.history.names import new_entry_id
from genimg_ui.history.record import EntryState
from genimg_ui.history.store import Store
from genimg_ui.masks import mask_png

NAME = "results as they are"
VERSION = 1  # of what is measured and how; raised when the same results give other numbers
_TOLD_EVERY = 20  # results between two lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """What works with: the data folder of the results, metrics, titles by model, who watches."""

    store: Store
    open_scorer: Callable[[tuple[str, ...]], Scorer]
    titles: Mapping[str, str]
    tell: Callable[[str], None]
    cancel: CancelToken


def measure(owns: Sequence[OwnResult], out: Path, tools: Measuring) -> Result:
    """Measure what is missing in the folder, then write its files.

    A result whose files cannot be read is a case without scores that says why. Raises
    RefusedInput, StorageError, Cancelled.
    """
    folder = EvaluationFolder(out)
    with folder.locked():
        run = folder.begin(_run_record(owns))
        scorer = tools.open_scorer(AS_THEY_ARE)
        done = _cases(owns, folder, scorer, tools)
        tools.tell("Metrics of whole sets, intervals and the report ...")
        lacks = {one.name: one.sentence for one in scorer.unavailable}
        players = tuple(dict.fromkeys(own.player for own in owns))
        measured = Measured(
            models=players,
            metrics=tuple(METRICS[name] for name in AS_THEY_ARE if name not in lacks),
            cases=done,
            sets={name: _sets(name, owns, done, scorer, tools.store) for name in players},
        )
        outcomes = tuple(
            outcome(name, tools.titles.get(name, name), records, example(tools.store, records))
            for name in players
            for records in [[r for (player, _), r in done.items() if player == name]]
        )
        result = make_result(run, measured, outcomes, lacks)
        write_all(folder, result, done, None)
        return result


def _run_record(owns: Sequence[OwnResult]) -> RunRecord:
    protocol: dict[str, Json] = {
        "name": NAME,
        "version": VERSION,
        "metrics": list(AS_THEY_ARE),
    }
    plain = json.dumps(protocol, sort_keys=True)
    return RunRecord(
        id=new_entry_id(),
        protocol=protocol,
        protocol_digest=hashlib.sha256(plain.encode()).hexdigest(),
        models={name: name for name in dict.fromkeys(own.player for own in owns)},
        pictures={f"{own.entry.id} {own.index}": own.record.sha256 for own in owns},
        environment=base_versions() | versions(*LIBRARIES),
        cases=len({own.case for own in owns}),
    )


def _cases(
    owns: Sequence[OwnResult], folder: EvaluationFolder, scorer: Scorer, tools: Measuring
) -> Done:
    kept = {(r.model, r.case): r for r in folder.cases() if r.done}
    found: Done = {}
    for number, own in enumerate(owns, start=1):
        tools.cancel.check()
        key = (own.player, own.case)
        if key not in kept:
            kept[key] = _measured(own, folder, scorer, tools.store)
            folder.append([kept[key]])
        found[key] = kept[key]
        if number % _TOLD_EVERY == 0 or number == len(owns):
            tools.tell(f"Results: {number} of {len(owns)}")
    return found


def _measured(own: OwnResult, folder: EvaluationFolder, scorer: Scorer, store: Store) -> CaseRecord:
    try:
        pair = pair_of(store, own)
    except GenimgError as problem:
        return _record(own, {}, str(problem))
    (scores,) = scorer.score([pair])
    _show(own, pair, folder)
    folder.put_picture(own.case, file_of(own.player), store.result_path(own.record.sha256))
    return _record(own, scores, "")


def _show(own: OwnResult, pair: Pair, folder: EvaluationFolder) -> None:
    """Original and mask of the case, where they do not lie there yet."""
    for name, content in ((ORIGINAL, plain_png(pair.original)), (MASK, mask_png(pair.mask))):
        path = folder.picture(own.case, name)
        if not path.is_file():
            make_folder(path.parent)
            write_whole(path, content, name)


def _record(own: OwnResult, scores: Mapping[str, Score], error: str) -> CaseRecord:
    entry, made = own.entry, own.record
    return CaseRecord(
        case=own.case,
        model=own.player,
        picture=(entry.inputs.source or "")[:12],
        mask_kind=str(own.task),
        mask_seed=0,
        prompt=entry.request.sampling.prompt,
        seed=made.seed,
        entry=entry.id,
        state=EntryState.FAILED if error else EntryState.DONE,
        error=error,
        source=entry.inputs.source or "",
        mask=entry.inputs.mask or "",
        result=made.sha256,
        pixels_sha256=made.pixels_sha256,
        report=made.report,
        scores={name: s for name, s in scores.items() if not isinstance(s, Undefined)},
        undefined={n: s.sentence for n, s in scores.items() if isinstance(s, Undefined)},
        seconds=entry.timings.get("generate", 0.0) / len(entry.results),
    )


def _sets(
    player: str, owns: Sequence[OwnResult], done: Done, scorer: Scorer, store: Store
) -> dict[str, SetScore]:
    """The metrics of all of a player's results that repaint what their sources show."""
    chosen = [
        own
        for own in owns
        if own.player == player and own.task in REPAINTING and done[player, own.case].done
    ]
    return scorer.score_set(_pairs(chosen, store)) if chosen else {}


def _pairs(owns: Sequence[OwnResult], store: Store) -> Iterator[Pair]:
    return (pair_of(store, own) for own in owns)
