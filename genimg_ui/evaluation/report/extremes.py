"""Which cases a report shows: the worst and best of each metric, and some of all."""

from collections.abc import Mapping, Sequence

from genimg_ui.evaluation.folder import CaseRecord
from genimg_ui.evaluation.metrics.base import Metric

SHOWN = 3  # of each end
MONTAGE = 16  # cases

Cases = Mapping[tuple[str, int], CaseRecord]  # by model and case


def extremes(cases: Cases, metric: Metric) -> tuple[list[CaseRecord], list[CaseRecord]]:
    """The worst and the best results of all models, worst and best first, each of another case.

    No case stands in both.
    """
    scored = [record for record in cases.values() if metric.name in record.scores]
    cost = metric.direction.cost
    order = sorted(scored, key=lambda record: -cost(record.scores[metric.name]))
    most = min(SHOWN, len({record.case for record in order}) // 2)
    worst = _first(order, most, taken=set())
    return worst, _first(order[::-1], most, taken={record.case for record in worst})


def _first(order: Sequence[CaseRecord], most: int, taken: set[int]) -> list[CaseRecord]:
    """The first records of cases that are not taken, one of each case."""
    found: dict[int, CaseRecord] = {}
    for record in order:
        if record.case not in taken and len(found) < most:
            found.setdefault(record.case, record)
    return list(found.values())


def montage(cases: Cases) -> Sequence[int]:
    """Up to `MONTAGE` cases that have a result, evenly from first to last."""
    known = sorted({record.case for record in cases.values() if record.done})
    if len(known) <= MONTAGE:
        return known
    return [known[round(i * (len(known) - 1) / (MONTAGE - 1))] for i in range(MONTAGE)]
