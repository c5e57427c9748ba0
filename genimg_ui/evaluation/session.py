"""One evaluation from its protocol to result.json, cases.csv and report.html."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genimg_ui.backend.base import CancelToken
from genimg_ui.core.serial import Json
from genimg_ui.editor import Editor
from genimg_ui.environment import base_versions, versions
from genimg_ui.evaluation.folder import STORE, EvaluationFolder, RunRecord
from genimg_ui.evaluation.gate import Fall, check_comparable, falls
from genimg_ui.evaluation.metrics.catalogue import METRICS
from genimg_ui.evaluation.progress import Progress, steady_clock
from genimg_ui.evaluation.protocol import Protocol, cases, digest, to_plain
from genimg_ui.evaluation.results import Result
from genimg_ui.evaluation.runner import Bench, Runner, Scorer
from genimg_ui.evaluation.staging import Stage, pictures_digests
from genimg_ui.evaluation.summing import Measured, outcome
from genimg_ui.evaluation.writing import LIBRARIES, example, make_result, write_all
from genimg_ui.history.names import new_entry_id
from genimg_ui.history.store import Store
from genimg_ui.registry import ModelSpec

_STAGED_EVERY = 50  # cases between two lines while pictures are cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be measured; `models` says by id what must not change on the way.

    `own` are parameters of single models, by id, over those of the protocol. `baseline` is held
    against the result, within `tolerances`.
    """

    protocol: Protocol
    pictures: Path
    specs: tuple[ModelSpec, ...]
    models: Mapping[str, Json]
    out: Path
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    baseline: Result | None = None
    tolerances: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What an evaluation works with: engines, metrics, and who watches."""

    editor_of: Callable[[Store], Editor]
    open_scorer: Callable[[tuple[str, ...]], Scorer]
    release: Callable[[], None]  # frees the memory of weights
    session: str
    tell: Callable[[str], None]
    cancel: CancelToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What came out; `falls` is None where there was no baseline."""

    result: Result
    falls: tuple[Fall, ...] | None = None


def evaluate(asked: Asked, tools: Tools) -> Evaluated:
    """Run what is missing in the folder, then write its files; raises GenimgError, Cancelled."""
    folder = EvaluationFolder(asked.out)
    with folder.locked():
        wanted = _run_record(asked)
        if asked.baseline is not None:
            models = [spec.id for spec in asked.specs]
            digests = (wanted.protocol_digest, wanted.pictures_digest)
            check_comparable(asked.baseline, *digests, models)
        run = folder.begin(wanted)
        store = Store.open(folder.path / STORE)
        try:
            return _evaluate(asked, tools, folder, run, store)
        finally:
            store.close()


def _evaluate(
    asked: Asked, tools: Tools, folder: EvaluationFolder, run: RunRecord, store: Store
) -> Evaluated:
    scorer = tools.open_scorer(asked.protocol.metrics)
    bench = Bench(
        editor=tools.editor_of(store), store=store, session=tools.session, release=tools.release
    )
    stage = Stage(asked.protocol, asked.pictures, folder, store)
    staged = stage.all(cases(asked.protocol, asked.pictures), _staging_told(run, tools))
    progress = Progress(len(asked.specs), len(staged), tools.tell, steady_clock)
    runner = Runner(asked.protocol, run, folder, bench, scorer, own=asked.own)
    done = runner.cases(asked.specs, staged, stage, progress, cancel=tools.cancel)
    tools.cancel.check()
    tools.tell("Metrics of whole sets, intervals and the report ...")
    sets = {spec.id: runner.set_scores(spec, staged, stage, done) for spec in asked.specs}
    lacks = {one.name: one.sentence for one in scorer.unavailable}
    metrics = tuple(METRICS[name] for name in asked.protocol.metrics if name not in lacks)
    measured = Measured(
        models=tuple(spec.id for spec in asked.specs), metrics=metrics, cases=done, sets=sets
    )
    outcomes = tuple(
        outcome(spec.id, spec.title, records, example(store, records))
        for spec in asked.specs
        for records in [[r for (name, _), r in done.items() if name == spec.id]]
    )
    result = make_result(run, measured, outcomes, lacks)
    fell = None
    if asked.baseline is not None:
        fell = falls(result, asked.baseline, asked.tolerances or {})
    write_all(folder, result, done, fell)
    return Evaluated(result=result, falls=fell)


def _run_record(asked: Asked) -> RunRecord:
    all_cases = cases(asked.protocol, asked.pictures)
    return RunRecord(
        id=new_entry_id(),
        protocol=to_plain(asked.protocol),
        protocol_digest=digest(asked.protocol),
        models=_facts(asked),
        pictures=pictures_digests(all_cases, asked.pictures),
        environment=base_versions() | versions(*LIBRARIES),
        cases=len(all_cases),
    )


def _facts(asked: Asked) -> dict[str, Json]:
    """What must not change of each model, with the parameters that are its own."""
    own = {name: {"entry": asked.models[name], "own": dict(asked.own[name])} for name in asked.own}
    return dict(asked.models) | own


def _staging_told(run: RunRecord, tools: Tools) -> Callable[[int], None]:
    def told(count: int) -> None:
        tools.cancel.check()
        if count % _STAGED_EVERY == 0 or count == run.cases:
            tools.tell(f"Pictures and masks: {count} of {run.cases}")

    return told
