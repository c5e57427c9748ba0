"""What came of an evaluation (result.json): every metric of every model, with n and interval.

Light: reading a result imports neither torch nor an engine.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from genimg_ui.core.provenance import ModelRecord, RuntimeRecord
from genimg_ui.core.serial import Json, to_json
from genimg_ui.errors import RefusedInput
from genimg_ui.evaluation.folder import CaseRecord, read_record
from genimg_ui.evaluation.metrics.base import Metric
from genimg_ui.evaluation.metrics.catalogue import METRICS
from genimg_ui.evaluation.statistics import Summary
from genimg_ui.history.export import csv_row

FORMAT = 1  # of result.json
EVERY = ""  # the mask kind of values over all kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOutcome:
    """One model: how many of its cases have a result, and what it was run with."""

    id: str
    title: str
    done: int
    failed: int
    seconds: float | None  # mean of the engine for one case, None without a result
    changed_outside: int = 0  # pixels outside the masks that are not the original's, of all cases
    model: ModelRecord | None = None
    runtime: RuntimeRecord | None = None
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One metric of one model; `mask_kind` is `EVERY`, or the kind that it is over."""

    model: str
    metric: str
    mask_kind: str
    summary: Summary
    undefined: str = ""  # why there is no value


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A metric's best model, where its interval says so.

    The intervals of its paired differences from every other model, over the cases that both have,
    leave 0 out.
    """

    metric: str
    mask_kind: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A whole evaluation. Equal runs give equal `values` and `leads`; times and ids differ."""

    run: str
    created: str  # ISO 8601, UTC
    protocol: dict[str, Json]
    protocol_digest: str
    pictures_digest: str  # of names and contents
    cases: int
    models: tuple[ModelOutcome, ...]
    metrics: tuple[Metric, ...]
    values: tuple[Value, ...]
    leads: tuple[Lead, ...] = ()
    unavailable: dict[str, str] = field(default_factory=dict)  # metric → what to download
    environment: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    def value(self, model: str, metric: str, mask_kind: str = EVERY) -> Value | None:
        """What was measured, None where nothing was."""
        wanted = (model, metric, mask_kind)
        return next((v for v in self.values if (v.model, v.metric, v.mask_kind) == wanted), None)

    @property
    def mask_kinds(self) -> tuple[str, ...]:
        """The kinds that have values of their own: none where the protocol has one kind."""
        return tuple(dict.fromkeys(v.mask_kind for v in self.values if v.mask_kind != EVERY))

    @property
    def lacks(self) -> tuple[str, ...]:
        """What was not measured and why, a line for each reason."""
        by_reason: dict[str, list[str]] = {}
        for name, sentence in self.unavailable.items():
            title = METRICS[name].title if name in METRICS else name
            by_reason.setdefault(sentence.removeprefix(title).strip(), []).append(title)
        return tuple(f"{', '.join(names)}: {reason}" for reason, names in by_reason.items())

    @property
    def failed(self) -> int:
        """Cases without a result, of all models."""
        return sum(model.failed for model in self.models)


def result_json(result: Result) -> bytes:
    """The result as a JSON file."""
    text = json.dumps(to_json(result), ensure_ascii=False, allow_nan=False, indent=1)
    return text.encode() + b"\n"


def read_result(path: Path) -> Result:
    """Read a result.json; raises RefusedInput that says what is wrong."""
    result = read_record(path, Result, "the result.json of an evaluation")
    if result.format != FORMAT:
        raise RefusedInput(f"{path} must be of format {FORMAT}, got {result.format}.")
    return result


def cases_csv(cases: Mapping[tuple[str, int], CaseRecord], metrics: tuple[str, ...]) -> str:
    """One row for each case and model, with a column for each metric (RFC 4180)."""
    return "".join(_rows(cases, metrics))


def _rows(cases: Mapping[tuple[str, int], CaseRecord], metrics: tuple[str, ...]) -> Iterator[str]:
    known = ("case", "model", "picture", "mask_kind", "mask_seed", "prompt", "seed", "entry")
    proof = ("changed_outside", "pixels_outside")
    yield csv_row((*known, "state", "seconds", *proof, *metrics, "error"))
    for record in cases.values():
        report = record.report
        yield csv_row(
            (
                *(getattr(record, name) for name in known),
                str(record.state),
                record.seconds,
                *(getattr(report, name) if report else None for name in proof),
                *(record.scores.get(name) for name in metrics),
                record.error,
            )
        )
