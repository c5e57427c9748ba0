"""The end of every evaluation: one Result, and the three files that tell it."""

from collections.abc import Mapping, Sequence

from genimg_ui.evaluation.folder import (
    CSV,
    REPORT,
    RESULT,
    CaseRecord,
    EvaluationFolder,
    RunRecord,
)
from genimg_ui.evaluation.gate import Fall
from genimg_ui.evaluation.metrics.base import Region
from genimg_ui.evaluation.report.page import Report
from genimg_ui.evaluation.results import ModelOutcome, Result, cases_csv, result_json
from genimg_ui.evaluation.summing import Cases, Measured, leads, values
from genimg_ui.history.names import utc_now
from genimg_ui.history.record import LogEntry
from genimg_ui.history.store import Store

# Libraries whose version may change a number, by their names on PyPI.
LIBRARIES = ("torch", "diffusers", "transformers", "numba", "scikit-image", "torchmetrics")


def make_result(
    run: RunRecord,
    measured: Measured,
    outcomes: tuple[ModelOutcome, ...],
    lacks: Mapping[str, str],
) -> Result:
    """All numbers of an evaluation; `lacks` says by metric what is not here."""
    return Result(
        run=run.id,
        created=utc_now(),
        protocol=run.protocol,
        protocol_digest=run.protocol_digest,
        pictures_digest=run.pictures_digest,
        cases=run.cases,
        models=outcomes,
        metrics=measured.metrics,
        values=values(measured),
        leads=leads(measured),
        unavailable=dict(lacks),
        environment=run.environment,
    )


def example(store: Store, records: Sequence[CaseRecord]) -> LogEntry | None:
    """The entry of one result, which tells model and machine; None where there is no result."""
    first = next((record for record in records if record.done), None)
    return store.entry(first.entry) if first else None


def write_all(
    folder: EvaluationFolder, result: Result, cases: Cases, falls: tuple[Fall, ...] | None
) -> None:
    """result.json, cases.csv and report.html."""
    columns = tuple(m.name for m in result.metrics if m.region is not Region.SET)
    folder.write(RESULT, result_json(result))
    folder.write(CSV, cases_csv(cases, columns).encode())
    folder.write(REPORT, Report(result, cases, folder, falls).html().encode())
