"""Swept values as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genimg_ui.core.request import SEED_LIMIT
from genimg_ui.core.sweep_values import parse_values, shown
from genimg_ui.errors import RefusedInput


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("strength", "0.3, 0.5, 0.7", (0.3, 0.5, 0.7)),
        ("strength", "0.3..0.9 x 4", (0.3, 0.5, 0.7, 0.9)),
        ("strength", ".3 .. .9 × 4", (0.3, 0.5, 0.7, 0.9)),
        ("strength", "0.9..0.3x4", (0.9, 0.7, 0.5, 0.3)),
        ("strength", "0.2..0.4 x 2, 1", (0.2, 0.4, 1.0)),
        ("guidance_scale", "3\n5\n", (3.0, 5.0)),
        ("true_cfg_scale", "1, 4", (1.0, 4.0)),
        ("refiner_switch_at", "0.6, 1", (0.6, 1.0)),
        ("guidance_end", "0.6, 1", (0.6, 1.0)),
        ("num_inference_steps", "10..40 x 4", (10, 20, 30, 40)),
        ("scheduler", "euler, ddim", ("euler", "ddim")),
        ("seed", "3", (100, 101, 102)),
        ("seed", "7, 11", (7, 11)),
        ("seed", "7..9 x 3", (7, 8, 9)),
        ("prompt", "a {red|blue} cup", ("a red cup", "a blue cup")),
    ],
)
def test_lists_ranges_and_counts(name: str, text: str, values: tuple) -> None:
    assert parse_values(name, text, first_seed=100) == values


def test_a_prompt_is_filled_from_the_table() -> None:
    found = parse_values("prompt", "a [colour] cup", table={"colour": ("red", "blue")})
    assert found == ("a red cup", "a blue cup")


def test_seeds_go_on_behind_the_last_one() -> None:
    assert parse_values("seed", "2", first_seed=SEED_LIMIT - 1) == (SEED_LIMIT - 1, 0)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("strength", " ", "Denoise has no values"),
        ("strength", "0.3, red", "Denoise must be numbers such as 0.4..1 x 4; got 'red'"),
        ("strength", "nan", "must be numbers"),
        ("strength", "1e999", "must be numbers"),
        ("strength", "0.3, 0.30", "the value 0.3 twice"),
        ("strength", "0.3..0.9", "a range must say how many values"),
        ("strength", "0.3..0.9 x 1", "in [2, 256], got '1'"),
        ("strength", "0.3..0.9 x 9999999999", "in [2, 256]"),
        ("strength", "0..1 x 256, 2", "at most 256 values"),
        ("num_inference_steps", "10.5", "Steps must be whole numbers, got '10.5'"),
        ("num_inference_steps", "10..20 x 4", "10..20 x 4 has 13.3333"),
        ("scheduler", "a..b x 2", "a range must say how many"),
        ("seed", "0", "in [1, 256], got '0'"),
        ("seed", "-3", "in [1, 256], got '-3'"),
        ("variants", "1, 2", "What varies must be one of seed, strength"),
        ("prompt", "[colour] cup", "which the fields do not fill"),
    ],
)
def test_what_is_no_list_of_values_is_refused(name: str, text: str, words: str) -> None:
    with pytest.raises(RefusedInput) as refusal:
        parse_values(name, text)
    assert words in str(refusal.value)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for name in ("strength", "seed", "num_inference_steps", "prompt"):
        try:
            values = parse_values(name, text)
        except RefusedInput:
            continue
        assert values and len(set(values)) == len(values)


@given(st.floats(0.001, 100).map(lambda x: round(x, 6)))
def test_a_shown_value_is_read_back(value: float) -> None:
    assert parse_values("strength", shown(value)) == (pytest.approx(value, rel=1e-6),)
