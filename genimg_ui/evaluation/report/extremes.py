"""Which cases a report shows: the worst and best of each metric, and some of all."""

from collections.abc import Mapping, Sequence

from genimg_ui.evaluation.folder import CaseRecord
from genimg_ui.evaluation.metrics.base import Direction, Metric

SHOWN = 3  # of each end
MONTAGE = 16  # cases

Cases = Mapping[tuple[str, int], CaseRecord]  # by model and case


def extremes(cases: Cases, metric: Metric) -> tuple[list[CaseRecord], list[CaseRecord]]:
    """The worst and the best results of all models, worst and best first; none stands in both."""
    scored = [record for record in cases.values() if metric.name in record.scores]
    sign = 1 if metric.direction is Direction.HIGHER else -1
    order = sorted(scored, key=lambda record: sign * record.scores[metric.name])
    most = min(SHOWN, len(order) // 2)
    return order[:most], order[len(order) - most :][::-1]


def montage(cases: Cases) -> Sequence[int]:
    """Up to `MONTAGE` cases that have a result, evenly from first to last."""
    known = sorted({record.case for record in cases.values() if record.done})
    if len(known) <= MONTAGE:
        return known
    return [known[round(i * (len(known) - 1) / (MONTAGE - 1))] for i in range(MONTAGE)]
