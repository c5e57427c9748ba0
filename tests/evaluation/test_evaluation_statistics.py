"""Means and bootstrap intervals: known values, coverage, and what happens at the edges."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import bootstrap

from genimg_ui.evaluation.statistics import Sample, Summary, summarise


def _samples(values: list[float], per_group: int = 1) -> list[Sample]:
    return [
        Sample(group=f"{number // per_group:04d}", value=value)
        for number, value in enumerate(values)
    ]


def test_agrees_with_scipys_percentile_bootstrap() -> None:
    values = np.random.default_rng(1).gamma(2, 3, 200)
    found = summarise(_samples(values.tolist()), resamples=20_000)
    other = bootstrap((values,), np.mean, method="percentile", n_resamples=20_000, rng=2)
    assert found.mean == pytest.approx(values.mean(), abs=1e-12) and found.n == 200
    width = other.confidence_interval.high - other.confidence_interval.low
    assert found.low == pytest.approx(other.confidence_interval.low, abs=0.05 * width)
    assert found.high == pytest.approx(other.confidence_interval.high, abs=0.05 * width)


def test_the_interval_holds_the_true_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        found = summarise(_samples(rng.normal(5, 2, 60).tolist()), resamples=400)
        assert found.low is not None and found.high is not None
        held += found.low <= 5 <= found.high
    assert 0.89 <= held / 200 <= 0.99


def test_values_of_one_picture_do_not_count_as_many_pictures() -> None:
    values = [float(v) for v in np.repeat(np.random.default_rng(3).normal(0, 1, 20), 10)]
    alone, together = summarise(_samples(values)), summarise(_samples(values, per_group=10))
    widths = [s.high - s.low for s in (alone, together) if s.low is not None and s.high is not None]
    assert together.n == 200 and widths[1] > 2.5 * widths[0]


def test_is_seeded_and_knows_no_order() -> None:
    samples = _samples(np.random.default_rng(5).normal(0, 1, 90).tolist(), per_group=2)
    assert summarise(samples) == summarise(samples[::-1])
    assert summarise(samples) != summarise(samples, seed=1)


def test_more_pictures_make_a_narrower_interval() -> None:
    values = np.random.default_rng(4).normal(0, 1, 800).tolist()
    found = [summarise(_samples(values[:n])) for n in (20, 200, 800)]
    widths = [s.high - s.low for s in found if s.low is not None and s.high is not None]
    assert len(widths) == 3 and all(a > b for a, b in pairwise(widths))


def test_the_edges() -> None:
    assert summarise([]) == Summary(n=0, mean=None, low=None, high=None)
    missing = Sample(group="a", value=None)
    assert summarise([missing]) == Summary(n=0, mean=None, low=None, high=None, undefined=1)
    one = summarise([Sample(group="a", value=2.0), Sample(group="a", value=4.0), missing])
    assert one == Summary(n=2, mean=3.0, low=None, high=None, undefined=1)
    same = summarise(_samples([0.1] * 9))
    assert same.low == pytest.approx(0.1) and same.high == pytest.approx(0.1)
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="must be finite or None"):
            summarise([Sample(group="a", value=value)])
