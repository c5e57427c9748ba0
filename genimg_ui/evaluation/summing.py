"""From the cases of an evaluation to its numbers: means, intervals, and which model leads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from genimg_ui.evaluation.folder import CaseRecord
from genimg_ui.evaluation.metrics.base import Direction, Metric, Region, SetScore, Undefined
from genimg_ui.evaluation.results import EVERY, Lead, ModelOutcome, Value
from genimg_ui.evaluation.statistics import Sample, Summary, summarise
from genimg_ui.history.record import LogEntry

Cases = Mapping[tuple[str, int], CaseRecord]  # by model and case
LEAST_PICTURES = 10  # of fewer, a bootstrap's interval is too narrow to name a leader
SetScores = Mapping[str, Mapping[str, SetScore]]  # by model and metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All that the numbers follow from; `metrics` are those that were computed."""

    models: tuple[str, ...]
    metrics: tuple[Metric, ...]
    cases: Cases
    sets: SetScores

    @property
    def mask_kinds(self) -> tuple[str, ...]:
        """All kinds together, and each alone where there are several."""
        kinds = tuple(dict.fromkeys(record.mask_kind for record in self.cases.values()))
        return (EVERY, *kinds) if len(kinds) > 1 else (EVERY,)

    def records(self, model: str, mask_kind: str) -> list[CaseRecord]:
        """The results of a model with masks of a kind."""
        return [
            record
            for (name, _), record in self.cases.items()
            if name == model and record.done and mask_kind in (EVERY, record.mask_kind)
        ]


def values(measured: Measured) -> tuple[Value, ...]:
    """Every metric of every model, over all masks and by their kind."""
    return tuple(_values(measured))


def leads(measured: Measured) -> tuple[Lead, ...]:
    """The best model of each metric and mask kind, where its interval says so."""
    found = (
        _lead(measured, metric, kind)
        for metric, kind in product(measured.metrics, measured.mask_kinds)
    )
    return tuple(lead for lead in found if lead is not None)


def outcome(
    name: str, title: str, records: Sequence[CaseRecord], entry: LogEntry | None
) -> ModelOutcome:
    """How a model's cases ended; `entry` is one of its results, which tells the machine."""
    done = [record for record in records if record.done]
    seconds = sum(record.seconds for record in done) / len(done) if done else None
    return ModelOutcome(
        id=name,
        title=title,
        done=len(done),
        failed=len(records) - len(done),
        seconds=seconds,
        changed_outside=sum(r.report.changed_outside for r in done if r.report is not None),
        model=entry.model if entry else None,
        runtime=entry.runtime if entry else None,
        environment=dict(entry.environment) if entry else {},
    )


def _values(measured: Measured) -> Iterator[Value]:
    for model, metric in product(measured.models, measured.metrics):
        if metric.region is Region.SET:
            score = measured.sets.get(model, {}).get(metric.name)
            if score is not None:
                yield _set_value(model, metric, score)
            continue
        for kind in measured.mask_kinds:
            yield _pair_value(metric, kind, model, measured.records(model, kind))


def _pair_value(metric: Metric, mask_kind: str, model: str, records: Sequence[CaseRecord]) -> Value:
    """The mean over results; where none has a value, the reason of the first."""
    summary = summarise(
        [Sample(group=record.picture, value=record.scores.get(metric.name)) for record in records]
    )
    reasons = (record.undefined.get(metric.name, "") for record in records)
    reason = next(filter(None, reasons), "") if summary.mean is None else ""
    return Value(
        model=model, metric=metric.name, mask_kind=mask_kind, summary=summary, undefined=reason
    )


def _set_value(model: str, metric: Metric, score: SetScore) -> Value:
    value = score.value
    return Value(
        model=model,
        metric=metric.name,
        mask_kind=EVERY,
        summary=Summary(
            n=score.n,
            mean=None if isinstance(value, Undefined) else value,
            low=score.low,
            high=score.high,
        ),
        undefined=value.sentence if isinstance(value, Undefined) else "",
    )


def _lead(measured: Measured, metric: Metric, kind: str) -> Lead | None:
    if len(measured.models) < 2 or (metric.region is Region.SET and kind != EVERY):
        return None
    for model in measured.models:
        others = (other for other in measured.models if other != model)
        if all(_beats(measured, metric, kind, (model, other)) for other in others):
            return Lead(metric=metric.name, mask_kind=kind, model=model)
    return None


def _beats(measured: Measured, metric: Metric, kind: str, models: tuple[str, str]) -> bool:
    """Whether the first is better by an interval of paired differences that leaves 0 out.

    Where either has no value nothing is known, and the answer is no.
    """
    if metric.region is Region.SET:
        return _set_beats(measured, metric, models)
    first, second = (
        {record.case: record for record in measured.records(model, kind)} for model in models
    )
    both = [case for case in first if case in second]
    cost = metric.direction.cost
    samples = [
        Sample(group=first[case].picture, value=cost(theirs) - cost(mine))
        for case in both
        for mine, theirs in [
            (first[case].scores.get(metric.name), second[case].scores.get(metric.name))
        ]
        if mine is not None and theirs is not None
    ]
    if len({sample.group for sample in samples}) < LEAST_PICTURES:
        return False
    low = summarise(samples).low
    return low is not None and low > 0


def _set_beats(measured: Measured, metric: Metric, models: tuple[str, str]) -> bool:
    """Whether the intervals of two sets lie apart, the first on the better side."""
    first, second = (measured.sets.get(model, {}).get(metric.name) for model in models)
    ends = [end for s in (first, second) if s is not None for end in (s.low, s.high)]
    few = any(score is None or score.n < LEAST_PICTURES for score in (first, second))
    if few or any(end is None for end in ends):
        return False
    low, high, other_low, other_high = (end for end in ends if end is not None)
    return low > other_high if metric.direction is Direction.HIGHER else high < other_low
