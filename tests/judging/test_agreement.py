"""Krippendorff's alpha against its own published example, and by hand."""

import pytest

from genimg_ui.judging.agreement import krippendorff

# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section E: four observers,
# twelve units, missing values; alpha for nominal data is 0.743.
OBSERVERS = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")


def units(rows: tuple[str, ...]) -> list[list[str]]:
    return [[value for value in column if value != "."] for column in zip(*rows, strict=True)]


def test_the_published_example() -> None:
    found = krippendorff(units(OBSERVERS))
    assert found.alpha == pytest.approx(0.743, abs=5e-4)
    assert found.units == 11


def test_by_hand_with_two_raters() -> None:
    # Coincidences: o_aa = 2, o_ab = o_ba = 1; n = 4, n_a = 3, n_b = 1: 1 - 3 · 2 / (16 - 10).
    found = krippendorff([["a", "a"], ["a", "b"]])
    assert found.alpha == pytest.approx(0.0) and found.same == 0.5


def test_full_agreement_and_what_cannot_be_told() -> None:
    assert krippendorff([["a", "a", "a"], ["b", "b"], ["a"]]).alpha == pytest.approx(1)
    alone = krippendorff([["a"], ["b"], []])
    assert alone.alpha is None and "No pair has two answers" in alone.sentence
    habit = krippendorff([["a", "a"], ["a", "a"]])
    assert habit.alpha is None and habit.same == 1 and "All answers are the same" in habit.sentence


def test_a_single_answer_to_a_pair_changes_nothing() -> None:
    some = [["a", "b"], ["a", "a"], ["b", "b", "a"]]
    assert krippendorff(some).alpha == krippendorff([*some, ["b"], ["c"]]).alpha
