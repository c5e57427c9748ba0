"""Bradley-Terry: known closed forms, a planted order, coverage of the intervals, refusals."""

from itertools import combinations

import numpy as np
import pytest

from genimg_ui.errors import RefusedInput
from genimg_ui.judging.ranking import Comparison, Ranking, rank

PLANTED = {"a": 1.0, "b": 0.5, "c": 0.0, "d": -0.5, "e": -1.0}


def simulated(answers: int, seed: int, ties: float = 0.0) -> list[Comparison]:
    """Answers to random pairs of the planted engines; `ties` is how often nobody is preferred."""
    rng = np.random.default_rng(seed)
    pairs = list(combinations(PLANTED, 2))
    found = []
    for n in range(answers):
        one, two = pairs[n % len(pairs)]
        chance = 1 / (1 + np.exp(PLANTED[two] - PLANTED[one]))
        score = 0.5 if rng.random() < ties else float(rng.random() < chance)
        found.append(Comparison(one, two, score))
    return found


def rows(ranking: Ranking) -> dict[str, tuple[float, float, float]]:
    return {row.player: (row.low, row.strength, row.high) for row in ranking.strengths}


def test_two_players_have_the_logarithm_of_their_odds() -> None:
    answers = [Comparison("a", "b", 1)] * 30 + [Comparison("b", "a", 1)] * 10
    low, strength, high = rows(rank(answers))["a"]
    assert strength == pytest.approx(np.log(3) / 2, abs=1e-8)
    # Of the log odds: standard error sqrt(1/30 + 1/10); half of it belongs to each player.
    assert high - strength == pytest.approx(1.959964 * np.sqrt(1 / 30 + 1 / 10) / 2, abs=1e-5)
    assert strength - low == pytest.approx(high - strength)


def test_a_tie_is_half_a_win_for_each() -> None:
    halves = [Comparison("a", "b", 0.5)] * 4 + [Comparison("a", "b", 1)] * 4
    wins = [Comparison("a", "b", 1)] * 6 + [Comparison("b", "a", 1)] * 2
    assert rows(rank(halves))["a"] == pytest.approx(rows(rank(wins))["a"])
    assert rank(halves).strengths[0].wins == 6 and rank(halves).strengths[0].comparisons == 8


def test_a_planted_ranking_is_recovered_within_its_intervals() -> None:
    ranking = rank(simulated(200, seed=3))
    assert [row.player for row in ranking.strengths] == list(PLANTED)
    for player, (low, _, high) in rows(ranking).items():
        assert low <= PLANTED[player] <= high
    assert sum(row.strength for row in ranking.strengths) == pytest.approx(0, abs=1e-8)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    inside, total = 0, 0
    for seed in range(200):
        for player, (low, _, high) in rows(rank(simulated(200, seed))).items():
            inside += low <= PLANTED[player] <= high
            total += 1
    assert 0.92 < inside / total < 0.98


def test_the_maximum_is_where_the_likelihood_equations_hold() -> None:
    answers = simulated(200, seed=5, ties=0.2)
    strength = {row.player: row.strength for row in rank(answers).strengths}
    for player in PLANTED:
        won = sum(a.score if a.one == player else 1 - a.score for a in answers if player in a[:2])
        met = [a.two if a.one == player else a.one for a in answers if player in a[:2]]
        expected = sum(1 / (1 + np.exp(strength[other] - strength[player])) for other in met)
        assert won == pytest.approx(expected, abs=1e-6)


def test_groups_that_never_met_are_refused_by_name() -> None:
    answers = [Comparison("a", "b", 1), Comparison("b", "a", 1), Comparison("c", "d", 0.5)]
    with pytest.raises(RefusedInput, match=r"2 groups .*: a, b \| c, d"):
        rank(answers)


def test_a_player_that_was_never_beaten_needs_a_prior() -> None:
    answers = [Comparison("a", "b", 1)] * 3 + [Comparison("b", "c", 1), Comparison("c", "b", 1)]
    with pytest.raises(RefusedInput, match=r"never beaten by the others \(a\)"):
        rank(answers)
    ranking = rank(answers, prior=1.0)
    assert ranking.strengths[0].player == "a" and ranking.prior == 1.0
    assert np.isfinite([row.strength for row in ranking.strengths]).all()


def test_one_player_is_no_ranking() -> None:
    with pytest.raises(RefusedInput, match="2 players or more, got 0"):
        rank([])
    with pytest.raises(ValueError, match="two players"):
        rank([Comparison("a", "a", 1)] + [Comparison("a", "b", 1)])
