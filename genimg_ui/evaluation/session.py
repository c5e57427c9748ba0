"""One evaluation from its protocol to result.json, cases.csv and report.html."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genimg_ui.backend.base import CancelToken
from genimg_ui.core.serial import Json
from genimg_ui.editor import Editor
from genimg_ui.environment import base_versions, versions
from genimg_ui.evaluation.folder import CSV, REPORT, RESULT, STORE, EvaluationFolder, RunRecord
from genimg_ui.evaluation.gate import Fall, check_comparable, falls
from genimg_ui.evaluation.metrics.base import Region
from genimg_ui.evaluation.metrics.catalogue import METRICS
from genimg_ui.evaluation.progress import Progress, steady_clock
from genimg_ui.evaluation.protocol import Protocol, cases, digest, to_plain
from genimg_ui.evaluation.report.page import Report
from genimg_ui.evaluation.results import Result, cases_csv, result_json
from genimg_ui.evaluation.runner import Bench, Runner, Scorer
from genimg_ui.evaluation.staging import Stage, pictures_digests
from genimg_ui.evaluation.summing import Cases, Measured, leads, outcome, values
from genimg_ui.history.names import new_entry_id, utc_now
from genimg_ui.history.record import LogEntry
from genimg_ui.history.store import Store
from genimg_ui.registry import ModelSpec

# Libraries whose version may change a number, by their names on PyPI.
_LIBRARIES = ("torch", "diffusers", "transformers", "numba", "scikit-image", "torchmetrics")
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
    result = _result(asked, run, measured, lacks, store)
    fell = None
    if asked.baseline is not None:
        fell = falls(result, asked.baseline, asked.tolerances or {})
    folder.write(RESULT, result_json(result))
    columns = tuple(metric.name for metric in metrics if metric.region is not Region.SET)
    folder.write(CSV, cases_csv(done, columns).encode())
    folder.write(REPORT, Report(result, done, folder, fell).html().encode())
    return Evaluated(result=result, falls=fell)


def _run_record(asked: Asked) -> RunRecord:
    all_cases = cases(asked.protocol, asked.pictures)
    return RunRecord(
        id=new_entry_id(),
        protocol=to_plain(asked.protocol),
        protocol_digest=digest(asked.protocol),
        models=_facts(asked),
        pictures=pictures_digests(all_cases, asked.pictures),
        environment=base_versions() | versions(*_LIBRARIES),
        cases=len(all_cases),
    )


def _facts(asked: Asked) -> dict[str, Json]:
    """What must not change of each model, with the parameters that are its own."""
    own = {name: {"entry": asked.models[name], "own": dict(asked.own[name])} for name in asked.own}
    return dict(asked.models) | own


def _result(
    asked: Asked, run: RunRecord, measured: Measured, lacks: dict[str, str], store: Store
) -> Result:
    return Result(
        run=run.id,
        created=utc_now(),
        protocol=run.protocol,
        protocol_digest=run.protocol_digest,
        pictures_digest=run.pictures_digest,
        cases=run.cases,
        models=tuple(
            outcome(spec, records, _example(spec, measured.cases, store))
            for spec in asked.specs
            for records in [[r for (name, _), r in measured.cases.items() if name == spec.id]]
        ),
        metrics=measured.metrics,
        values=values(measured),
        leads=leads(measured),
        unavailable=lacks,
        environment=run.environment,
    )


def _example(spec: ModelSpec, done: Cases, store: Store) -> LogEntry | None:
    """The entry of one result of a model, None where it has none."""
    records = (record for (name, _), record in done.items() if name == spec.id)
    first = next((record for record in records if record.done), None)
    return store.entry(first.entry) if first else None


def _staging_told(run: RunRecord, tools: Tools) -> Callable[[int], None]:
    def told(count: int) -> None:
        tools.cancel.check()
        if count % _STAGED_EVERY == 0 or count == run.cases:
            tools.tell(f"Pictures and masks: {count} of {run.cases}")

    return told
