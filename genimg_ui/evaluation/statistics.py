"""Means with intervals; seeded, so that a report is the same twice.

Intervals are percentile bootstrap intervals (Efron & Tibshirani 1993, chapter 13) of the mean, in
which whole pictures are drawn again (a cluster bootstrap: Davison & Hinkley 1997, section 3.8).
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A mean over `n` values with its 95 % interval; `undefined` counts values left out.

    `low` and `high` are None where fewer than two pictures were measured, `mean` where none was.
    """

    n: int
    mean: float | None
    low: float | None
    high: float | None
    undefined: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value of one metric: `group` is the picture it came from.

    Values of one picture (several masks, prompts, seeds) are no independent observations, so
    intervals draw pictures again, not values.
    """

    group: str
    value: float | None  # None: undefined for this case


def summarise(samples: Sequence[Sample], *, seed: int = 0, resamples: int = RESAMPLES) -> Summary:
    """The mean of all values and its interval, whatever their order.

    Differences of two models over the same cases make a paired comparison: what an interval
    leaves 0 out of is more than chance. Raises ValueError for a value that is not finite.
    """
    found: defaultdict[str, list[float]] = defaultdict(list)
    for sample in samples:
        if sample.value is None:
            continue
        if not math.isfinite(sample.value):
            raise ValueError(f"a value must be finite or None, got {sample.value} ({sample.group})")
        found[sample.group].append(sample.value)
    count = sum(len(values) for values in found.values())
    undefined = len(samples) - count
    if not count:
        return Summary(n=0, mean=None, low=None, high=None, undefined=undefined)
    groups = [sorted(found[name]) for name in sorted(found)]
    mean = math.fsum(value for values in groups for value in values) / count
    if len(groups) < 2:
        return Summary(n=count, mean=mean, low=None, high=None, undefined=undefined)
    low, high = _interval(groups, seed, resamples)
    return Summary(n=count, mean=mean, low=low, high=high, undefined=undefined)


def _interval(groups: list[list[float]], seed: int, resamples: int) -> tuple[float, float]:
    """How far the mean goes when as many pictures are drawn again, with replacement."""
    sums = np.array([math.fsum(values) for values in groups])
    counts = np.array([len(values) for values in groups])
    rng = np.random.Generator(np.random.PCG64(seed))
    size = len(groups)
    drawn = rng.multinomial(size, np.full(size, 1 / size), size=resamples)
    means = (drawn @ sums) / (drawn @ counts)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)
