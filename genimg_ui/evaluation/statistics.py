"""Means with intervals; seeded, so that a report is the same twice.

Intervals are percentile bootstrap intervals (Efron & Tibshirani 1993, chapter 13) of the mean, in
which whole pictures are drawn again (a cluster bootstrap: Davison & Hinkley 1997, section 3.8).
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

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
    drawn = _drawn(len(groups), seed, resamples)
    return _ends((drawn @ sums) / (drawn @ counts))


@lru_cache(maxsize=8)  # every metric and every pair of models has the same number of pictures
def _drawn(size: int, seed: int, resamples: int) -> NDArray[np.int64]:
    """How often each of `size` pictures comes in each drawing: (resamples, size), read-only."""
    rng = np.random.Generator(np.random.PCG64(seed))
    drawn = rng.multinomial(size, np.full(size, 1 / size), size=resamples)
    drawn.flags.writeable = False
    return drawn


def _ends(values: NDArray[np.float64]) -> tuple[float, float]:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def ratio(over: Sequence[Sample], under: Sequence[Sample], *, seed: int = 0) -> Summary:
    """The mean of `over` divided by that of `under`, with an interval; `n` counts pairs.

    Both are of the same cases in the same order, and each picture is drawn with both of its
    values. Pairs in which one is undefined are left out. Raises ValueError where a drawing of
    `under` is 0.
    """
    both = [
        (first.group, first.value, second.value)
        for first, second in zip(over, under, strict=True)
        if first.value is not None and second.value is not None
    ]
    if not both:
        return Summary(n=0, mean=None, low=None, high=None, undefined=len(over))
    found: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for group, over_value, under_value in both:
        found[group].append((over_value, under_value))
    sums = np.array(
        [[math.fsum(values) for values in zip(*found[name], strict=True)] for name in sorted(found)]
    )
    first, second = sums.sum(axis=0)
    drawn = _drawn(len(found), seed, RESAMPLES) @ sums
    if second == 0 or not drawn[:, 1].all():
        raise ValueError("a ratio needs values below that are not 0")
    left_out = len(over) - len(both)
    mean = float(first / second)
    if len(found) < 2:
        return Summary(n=len(both), mean=mean, low=None, high=None, undefined=left_out)
    low, high = _ends(drawn[:, 0] / drawn[:, 1])
    return Summary(n=len(both), mean=mean, low=low, high=high, undefined=left_out)
