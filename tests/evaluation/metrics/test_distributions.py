"""FID, KID, precision and recall against piq and torchmetrics, and their intervals."""

import numpy as np
import piq
import pytest
import torch
from piq.pr import PR
from scipy.linalg import sqrtm
from torchmetrics.image.kid import poly_mmd

from genimg_ui.evaluation.metrics.base import Undefined
from genimg_ui.evaluation.metrics.distributions import (
    DISTANCES,
    frechet_distance,
    kernel_distance,
    precision,
    recall,
    set_score,
)

pytestmark = pytest.mark.torch


def _sets(n: int, dimensions: int, shift: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    mixing = rng.normal(0, 1, (dimensions, dimensions)) / np.sqrt(dimensions)
    real = rng.normal(0, 1, (n, dimensions)) @ mixing
    fake = rng.normal(shift, 1.2, (n, dimensions)) @ mixing
    return real, fake


def test_frechet_distance_equals_piq() -> None:
    rng = np.random.default_rng(0)  # alike in all directions: piq's root is iterative
    real, fake = rng.normal(0, 1, (400, 8)), rng.normal(0.3, 1.2, (400, 8))
    other = piq.FID().compute_metric(torch.from_numpy(real), torch.from_numpy(fake))
    assert frechet_distance(real, fake) == pytest.approx(float(other), abs=1e-4)


def test_frechet_distance_equals_the_root_of_a_matrix() -> None:
    real, fake = _sets(200, 16)
    covariances = [np.cov(values, rowvar=False) for values in (real, fake)]
    root = np.trace(sqrtm(covariances[0] @ covariances[1]).real)
    gap = ((real.mean(axis=0) - fake.mean(axis=0)) ** 2).sum()
    other = gap + sum(np.trace(c) for c in covariances) - 2 * root
    assert frechet_distance(real, fake) == pytest.approx(float(other), abs=1e-4)


def test_frechet_distance_of_known_gaussians() -> None:
    # Four points each: means 3 apart, variances 4/3 and 4 · 4/3 along both axes, no covariance.
    square = np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])
    one = 9 + 2 * (4 / 3 + 16 / 3 - 2 * np.sqrt(4 / 3 * 16 / 3))
    assert frechet_distance(square, 2 * square + [3, 0]) == pytest.approx(one, abs=1e-9)


def test_frechet_distance_with_fewer_pictures_than_dimensions() -> None:
    real, fake = _sets(12, 40)
    covariances = [np.cov(values, rowvar=False) for values in (real, fake)]
    roots = np.linalg.eigvals(covariances[0] @ covariances[1]).real.clip(0) ** 0.5
    gap = ((real.mean(axis=0) - fake.mean(axis=0)) ** 2).sum()
    other = gap + sum(np.trace(c) for c in covariances) - 2 * roots.sum()
    assert frechet_distance(real, fake) == pytest.approx(other, abs=1e-4)


def test_kernel_distance_equals_torchmetrics_and_piq() -> None:
    real, fake = _sets(60, 16)
    tensors = torch.from_numpy(real), torch.from_numpy(fake)
    assert kernel_distance(real, fake) == pytest.approx(float(poly_mmd(*tensors)), abs=1e-4)
    kid = piq.KID(subset_size=60, average=False).compute_metric(*tensors)
    assert kernel_distance(real, fake) == pytest.approx(float(kid), abs=1e-4)


@pytest.mark.parametrize("shift", [0.0, 0.7, 4.0])
def test_precision_and_recall_equal_piq(shift: float) -> None:
    real, fake = _sets(120, 6, shift)
    others = PR(nearest_k=3).compute_metric(torch.from_numpy(real), torch.from_numpy(fake))
    assert precision(real, fake) == pytest.approx(float(others[0]), abs=1e-4)
    assert recall(real, fake) == pytest.approx(float(others[1]), abs=1e-4)


def test_precision_and_recall_of_known_points() -> None:
    real = np.array([[0.0], [1], [2], [3], [4]])
    assert precision(real, real) == recall(real, real) == 1
    # Results bunched in the middle are all real; they reach half a unit, and miss 0, 1, 3 and 4.
    bunch = np.array([[1.9], [2.0], [2.1], [2.2], [2.4]])
    assert precision(real, bunch) == 1 and recall(real, bunch) == pytest.approx(0.2)


def test_identical_and_constant_sets() -> None:
    real, _ = _sets(50, 8)
    assert frechet_distance(real, real) == pytest.approx(0, abs=1e-9)
    flat = np.ones((30, 5))
    assert frechet_distance(flat, flat) == 0 and kernel_distance(flat, flat) == 0
    assert precision(flat, flat) == 1
    for kind in DISTANCES:
        score = set_score(kind, kind, flat, flat)
        assert isinstance(score.value, float) and (score.low, score.high) == (
            score.value,
            score.value,
        )


@pytest.mark.parametrize("kind", DISTANCES)
def test_intervals_hold_the_value_and_narrow_with_n(kind: str) -> None:
    widths = []
    for n in (30, 300):
        score = set_score(kind, "m", *_sets(n, 6))
        assert score.n == n and score.low is not None and score.high is not None
        assert isinstance(score.value, float) and score.low <= score.value <= score.high
        widths.append(score.high - score.low)
    assert 0 < widths[1] < widths[0]
    assert set_score(kind, "m", *_sets(30, 6)) == set_score(kind, "m", *_sets(30, 6))


def test_the_interval_is_as_wide_as_the_value_spreads() -> None:
    """Over many sets of one kind, the value's own 95 % spread is about the interval's width."""
    rng = np.random.default_rng(0)
    values, widths = [], []
    for _ in range(40):
        real, fake = rng.normal(0, 1, (80, 3)), rng.normal(1, 1, (80, 3))
        score = set_score("fid", "fid", real, fake)
        assert score.low is not None and score.high is not None
        values.append(frechet_distance(real, fake))
        widths.append(score.high - score.low)
    assert np.mean(widths) == pytest.approx(4 * np.std(values), rel=0.5)


@pytest.mark.parametrize(("kind", "least"), [("fid", 2), ("kid", 2), ("precision", 4)])
def test_sets_that_are_too_small_have_no_value(kind: str, least: int) -> None:
    real, fake = _sets(least, 3)
    enough = set_score(kind, "m", real, fake)
    assert isinstance(enough.value, float) and enough.low is None and enough.high is None
    few = set_score(kind, "m", real[1:], fake[1:])
    assert isinstance(few.value, Undefined) and f"at least {least} results" in few.value.sentence
    assert few.n == least - 1


def test_features_that_are_not_finite_are_told() -> None:
    real, fake = _sets(30, 3)
    fake[3, 1] = np.nan
    score = set_score("fid", "fid", real, fake)
    assert isinstance(score.value, Undefined) and "not finite" in score.value.sentence
