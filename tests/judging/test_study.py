"""Pairs and sides: drawn from the seed, balanced, each rater's own; nothing to compare."""

from collections import Counter
from itertools import combinations

import pytest

from genimg_ui.errors import RefusedInput
from genimg_ui.judging.study import Item, Study, check_texts, draw_pairs

PLAYERS = ("a", "b", "c", "d")


def items(cases: int = 10) -> tuple[Item, ...]:
    return tuple(
        Item(case=str(case), player=player, entry=f"{player}{case}", index=0, picture=f"{case}{n}")
        for case in range(cases)
        for n, player in enumerate(PLAYERS)
    )


def study(count: int = 60, seed: int = 1) -> Study:
    return Study(
        id="1" * 32, owner="2" * 32, created="", title="T", instructions="I", seed=seed,
        items=items(), pairs=draw_pairs(items(), count, seed), prompts={},
    )  # fmt: skip


def test_all_players_meet_equally_often_and_no_pair_comes_twice() -> None:
    drawn = study().pairs
    every = items()
    met = Counter(frozenset((every[p.first].player, every[p.second].player)) for p in drawn)
    assert len(met) == 6 and set(met.values()) == {10}
    assert len({frozenset((p.first, p.second)) for p in drawn}) == 60
    assert all(every[p.first].case == every[p.second].case for p in drawn)
    few = Counter(
        frozenset((every[p.first].player, every[p.second].player)) for p in study(20).pairs
    )
    assert max(few.values()) - min(few.values()) <= 1


def test_the_seed_decides_and_another_seed_draws_others() -> None:
    assert study(20).pairs == study(20).pairs
    assert study(20).pairs != study(20, seed=2).pairs


def test_each_stands_left_in_half_and_each_rater_has_an_order_of_their_own() -> None:
    one = study()
    for rater in ("a" * 32, "b" * 32):
        left: Counter[tuple[str, str]] = Counter()
        for shown in one.schedule(rater):
            left[one.items[shown.left].player, one.items[shown.right].player] += 1
            pair = one.pairs[shown.pair]
            assert {shown.left, shown.right} == {pair.first, pair.second}
            assert shown.first_left == (shown.left == pair.first)
        for first, second in combinations(PLAYERS, 2):
            assert left[first, second] == left[second, first] == 5
    mine, yours = one.schedule("a" * 32), one.schedule("b" * 32)
    assert [s.pair for s in mine] != [s.pair for s in yours]
    assert sorted(s.pair for s in mine) == sorted(s.pair for s in yours)
    sides = {s.pair: s.first_left for s in mine}
    assert 0 < sum(sides[s.pair] != s.first_left for s in yours) < 60
    assert mine == one.schedule("a" * 32)


def test_what_cannot_be_compared_is_refused() -> None:
    alone = [item for item in items() if item.player == "a"]
    with pytest.raises(RefusedInput, match="got 10 results without such a pair"):
        draw_pairs(alone, 5, 1)
    apart = [items()[0], items()[5]]  # of two cases
    with pytest.raises(RefusedInput, match="same picture, mask and prompt"):
        draw_pairs(apart, 5, 1)
    for count in (0, 501):
        with pytest.raises(RefusedInput, match=f"1 to 500 pairs, got {count}"):
            draw_pairs(items(), count, 1)


def test_fewer_pairs_than_asked_for_are_all_there_are() -> None:
    assert len(draw_pairs(items(cases=1), 500, 1)) == 6


def test_texts_are_bounded_and_instructions_have_a_default() -> None:
    assert check_texts(" Title ", "  ")[0] == "Title"
    assert "Choose the one that looks better" in check_texts("T", "")[1]
    with pytest.raises(RefusedInput, match="title must have 1 to 120"):
        check_texts(" ", "")
    with pytest.raises(RefusedInput, match="at most 2000 characters, got 2001"):
        check_texts("T", "x" * 2001)
