"""Strengths by Bradley and Terry, by maximum likelihood, with their intervals.

P(i is preferred to j) = p_i / (p_i + p_j) (Bradley and Terry, Biometrika 39, 1952). The maximum is
found by the MM algorithm of Hunter (Annals of Statistics 32, 2004, equation 3). A tie counts as
half a win for each. Intervals are Wald's, from the inverse of the observed information under the
constraint that the log strengths sum to 0; they take the answers as independent of one another,
which those of one rater are not quite.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genimg_ui.errors import RefusedInput

Matrix = NDArray[np.float64]
CONFIDENCE = 0.95
ROUNDS = 100_000
CLOSE = 1e-10  # change of a log strength at which the iteration ends


class Comparison(NamedTuple):
    """One answer: how much of a win it is for `one` over `two`; 1, 0, or 0.5 for a tie."""

    one: str
    two: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Strength:
    """A player's place. `strength` is a natural logarithm; over all players they sum to 0.

    `low` and `high` bound its interval (95 %). `wins` counts a tie as half.
    """

    player: str
    strength: float
    low: float
    high: float
    wins: float
    comparisons: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """The strongest first. `prior`: virtual ties that were added between players who met."""

    strengths: tuple[Strength, ...]
    prior: float
    confidence: float = CONFIDENCE


def rank(comparisons: Sequence[Comparison], *, prior: float = 0.0) -> Ranking:
    """Estimate all strengths.

    `prior` ties are added between each two players that met; 0 is plain maximum likelihood. Raises
    RefusedInput where the answers do not connect all players, or (without a prior) where some were
    never beaten by the others, which has no finite maximum (Ford, Am. Math. Monthly 64, 1957).
    """
    names = sorted({name for each in comparisons for name in (each.one, each.two)})
    if len(names) < 2:
        raise RefusedInput(f"A ranking needs answers about 2 players or more, got {len(names)}.")
    wins = _wins(names, comparisons)
    _check_connected(names, wins)
    met = (wins + wins.T) > 0
    weighted = wins + met * prior / 2
    if prior <= 0:
        _check_finite(names, wins)
    logs = _maximise(weighted)
    spread = np.sqrt(np.diag(_covariance(weighted, logs)))
    reach = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * spread
    rows = [
        Strength(
            player=name,
            strength=float(logs[n]),
            low=float(logs[n] - reach[n]),
            high=float(logs[n] + reach[n]),
            wins=float(wins[n].sum()),
            comparisons=round(float(wins[n].sum() + wins[:, n].sum())),
        )
        for n, name in enumerate(names)
    ]
    rows.sort(key=lambda row: (-row.strength, row.player))
    return Ranking(strengths=tuple(rows), prior=prior)


def _wins(names: Sequence[str], comparisons: Sequence[Comparison]) -> Matrix:
    """wins[i, j]: how often i was preferred to j."""
    place = {name: n for n, name in enumerate(names)}
    wins = np.zeros((len(names), len(names)))
    for each in comparisons:
        if each.one == each.two or each.score not in (0, 0.5, 1):
            raise ValueError(f"a comparison is of two players, scored 0, 0.5 or 1, got {each}")
        wins[place[each.one], place[each.two]] += each.score
        wins[place[each.two], place[each.one]] += 1 - each.score
    return wins


def _maximise(wins: Matrix) -> Matrix:
    """Log strengths that sum to 0, by Hunter's MM algorithm."""
    games, total = wins + wins.T, wins.sum(axis=1)
    strengths = np.ones(len(wins))
    logs: Matrix = np.zeros(len(wins))
    for _ in range(ROUNDS):
        strengths = total / (games / np.add.outer(strengths, strengths)).sum(axis=1)
        strengths /= np.exp(np.log(strengths).mean())
        before, logs = logs, np.log(strengths)
        if np.abs(logs - before).max() < CLOSE:
            return logs
    raise RefusedInput(
        f"The strengths have not settled after {ROUNDS} rounds: too few answers connect them.",
        remedy="Collect more answers.",
    )


def _covariance(wins: Matrix, logs: Matrix) -> Matrix:
    """The pseudo-inverse of the information, whose null space is the constant vector."""
    chance = 1 / (1 + np.exp(logs[None, :] - logs[:, None]))
    weights = (wins + wins.T) * chance * (1 - chance)
    information = np.diag(weights.sum(axis=1)) - weights
    return np.asarray(np.linalg.pinv(information, hermitian=True), np.float64)


def _check_connected(names: Sequence[str], wins: Matrix) -> None:
    reached = _reach((wins + wins.T) > 0)
    if reached.all():
        return
    groups = sorted({tuple(_where(names, row)) for row in reached})
    told = " | ".join(", ".join(group) for group in groups)
    raise RefusedInput(
        f"A ranking needs answers that connect all players, got {len(groups)} groups that were "
        f"never compared with one another: {told}.",
        remedy="Collect answers about pairs between them.",
    )


def _check_finite(names: Sequence[str], wins: Matrix) -> None:
    beats = _reach(wins > 0)
    if beats.all():
        return
    # Who beats all others, at least by a chain, and is not beaten back by all.
    count = beats.sum(axis=1)
    top = _where(names, count == count.max())
    raise RefusedInput(
        f"Some players were never beaten by the others ({', '.join(top)}), so their strength has "
        "no finite estimate.",
        remedy="Collect more answers, or add a tie between those who met.",
    )


def _where(names: Sequence[str], chosen: NDArray[np.bool_]) -> list[str]:
    return [name for name, one in zip(names, chosen.tolist(), strict=True) if one]


def _reach(steps: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Who can be reached from whom in any number of steps."""
    found = steps | np.eye(len(steps), dtype=bool)
    for _ in range(len(steps).bit_length()):
        found = (found.astype(np.int64) @ found.astype(np.int64)) > 0
    return found
