"""Distances of two sets of pictures in a feature space: FID, KID, precision and recall.

Features are float64 (pictures, dimensions), row i of both from case i. Intervals come from half of
the cases drawn again and again without replacement (delete-half jackknife: Shao & Tu 1995,
section 2.3): in a bootstrap, cases that are drawn twice would be neighbours of themselves, and
every distance here would count them as such.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from genimg_ui.evaluation.metrics.base import Score, SetScore, Undefined

Features = NDArray[np.float64]
NEIGHBOURS = 3  # k of Kynkäänniemi et al. 2019
DRAWS = 100
LEAST_FOR_INTERVAL = 20  # cases; below, half of them say nothing
CONFIDENCE = 0.95


def frechet_distance(real: Features, fake: Features) -> float:
    """FID's distance of two Gaussians (Heusel et al. 2017, equation 6), from 0 upwards.

    The trace of the root of the two covariances' product is the sum of the singular values of the
    product of their factors, which needs no root of a matrix and stays exact where there are fewer
    pictures than dimensions. Covariances divide by n - 1. Needs two pictures in each set.
    """
    factors = [_factor(values) for values in (real, fake)]
    roots = np.linalg.svd(factors[0] @ factors[1].T, full_matrices=False, compute_uv=False)
    variances = sum(float(np.square(factor).sum()) for factor in factors)
    gap = float(np.square(real.mean(axis=0) - fake.mean(axis=0)).sum())
    return max(0.0, gap + variances - 2 * float(roots.sum()))  # identical sets: rounded below 0


def _factor(values: Features) -> Features:
    """A matrix whose transpose times itself is the covariance, with as few rows as it can have."""
    spread = (values - values.mean(axis=0)) / np.sqrt(len(values) - 1)
    if len(values) <= values.shape[1]:
        return np.asarray(spread)
    return np.asarray(np.linalg.qr(spread, mode="r"), np.float64)


def kernel_distance(real: Features, fake: Features) -> float:
    """KID (Bińkowski et al. 2018): unbiased squared MMD of the kernel (x·y / d + 1)³.

    It is of all pictures at once, which is what the usual means over random subsets estimate. It
    is unbiased for sets that know nothing of each other; results share what surrounds the hole
    with their originals, so it may be below 0. Needs two pictures in each set.
    """
    return _kernel(real, fake)(np.arange(len(real)), np.arange(len(fake)))


def precision(real: Features, fake: Features) -> float:
    """Share of results within the originals' manifold, in [0, 1] (Kynkäänniemi et al. 2019).

    Each original's ball reaches to its third neighbour. Needs four pictures in each set.
    """
    return _covered(real, fake)(np.arange(len(real)), np.arange(len(fake)))


def recall(real: Features, fake: Features) -> float:
    """Share of originals within the results' manifold, in [0, 1] (Kynkäänniemi et al. 2019)."""
    return precision(fake, real)


# The distance of the chosen rows of two sets; what all choices share is computed once.
Rows = NDArray[np.intp]
Chosen = Callable[[Rows, Rows], float]


def _frechet(real: Features, fake: Features) -> Chosen:
    return lambda rows, others: frechet_distance(real[rows], fake[others])


def _kernel(real: Features, fake: Features) -> Chosen:
    within, among, across = (
        (first @ second.T / real.shape[1] + 1) ** 3
        for first, second in ((real, real), (fake, fake), (real, fake))
    )

    def mean(matrix: Features, rows: Rows) -> float:
        part, n = matrix[np.ix_(rows, rows)], len(rows)
        return float(part.sum() - np.trace(part)) / (n * (n - 1))

    return lambda rows, others: (
        mean(within, rows) + mean(among, others) - 2 * float(across[np.ix_(rows, others)].mean())
    )


def _covered(real: Features, fake: Features) -> Chosen:
    within, across = _distances(real, real), _distances(real, fake)
    np.fill_diagonal(within, 0)

    def chosen(rows: Rows, others: Rows) -> float:
        near = np.partition(within[np.ix_(rows, rows)], NEIGHBOURS, axis=1)
        radii = near[:, NEIGHBOURS]  # the first of a row is the picture itself
        return float((across[np.ix_(rows, others)] <= radii[:, None]).any(axis=0).mean())

    return chosen


def _covering(real: Features, fake: Features) -> Chosen:
    covered = _covered(fake, real)
    return lambda rows, others: covered(others, rows)


# By kind: what prepares it, how many pictures it needs, and the range of its values.
DISTANCES: dict[str, tuple[Callable[[Features, Features], Chosen], int, tuple[float, float]]] = {
    "fid": (_frechet, 2, (0.0, np.inf)),
    "kid": (_kernel, 2, (-np.inf, np.inf)),
    "precision": (_covered, NEIGHBOURS + 1, (0.0, 1.0)),
    "recall": (_covering, NEIGHBOURS + 1, (0.0, 1.0)),
}


def set_score(kind: str, name: str, real: Features, fake: Features) -> SetScore:
    """A metric of `DISTANCES` with its interval, or why it has no value; `name` is reported."""
    prepare, least, limits = DISTANCES[kind]
    n = len(real)
    value: Score
    if n < least:
        value = Undefined(name, f"{kind} needs at least {least} results, got {n}.")
        return SetScore(value=value, n=n)
    if not (np.isfinite(real).all() and np.isfinite(fake).all()):
        value = Undefined(name, "The feature network gave values that are not finite.")
        return SetScore(value=value, n=n)
    compute, every = prepare(real, fake), np.arange(n)
    found = compute(every, every)
    if n < LEAST_FOR_INTERVAL:
        return SetScore(value=found, n=n)
    rng = np.random.Generator(np.random.PCG64(0))
    halves = (rng.permutation(n)[: n // 2] for _ in range(DRAWS))
    drawn = np.array([compute(half, half) for half in halves])
    tail = (1 - CONFIDENCE) / 2
    # Around the value: smaller sets lie further apart, and only the spread is wanted here.
    ends = found + np.quantile(drawn - drawn.mean(), [tail, 1 - tail])
    low, high = (float(np.clip(end, *limits)) for end in ends)
    return SetScore(value=found, n=n, low=min(low, found), high=max(high, found))


def _distances(first: Features, second: Features) -> Features:
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None]
    return np.asarray(np.sqrt(np.maximum(squares - 2 * first @ second.T, 0)))
