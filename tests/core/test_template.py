"""Prompt templates: fields, alternatives, escapes, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genimg_ui.core.template import (
    MAX_COMBINATIONS,
    parse_table,
    parse_template,
    write_table,
)
from genimg_ui.errors import RefusedInput


def expand(text: str, **table: str) -> tuple[str, ...]:
    lines = "\n".join(f"{name} = {values}" for name, values in table.items())
    return parse_template(text).expand(parse_table(lines))


def test_alternatives_are_expanded_in_the_order_in_which_they_are_written() -> None:
    assert expand("a {red|blue} {cup|mug}") == (
        "a red cup",
        "a red mug",
        "a blue cup",
        "a blue mug",
    )


def test_a_field_has_one_value_throughout_a_prompt() -> None:
    assert expand("[animal] beside [animal]", animal="a cat | a dog") == (
        "a cat beside a cat",
        "a dog beside a dog",
    )


def test_a_field_may_stand_in_an_alternative_and_equal_prompts_count_once() -> None:
    assert expand("{plain|with [what]}", what="leaves | stones") == (
        "plain",
        "with leaves",
        "with stones",
    )


def test_an_alternative_may_be_empty() -> None:
    assert expand("a cup{| on a plate}") == ("a cup", "a cup on a plate")


def test_escapes_give_the_characters_themselves() -> None:
    assert expand(r"\[a\] \{b\|c\} \\ d|e \f") == (r"[a] {b|c} \ d|e \f",)


def test_a_bar_in_a_value_is_escaped_too() -> None:
    assert expand("[x]", x=r"a \| b | c") == ("a | b", "c")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_an_escaped_text_means_itself(text: str) -> None:
    escaped = "".join(f"\\{c}" if c in "{}[]|\\" else c for c in text)
    assert parse_template(escaped).expand({}) == (text.strip(),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a {b", "a { without its } (character 3)"),
        ("a b}", "a } without its { (character 4)"),
        ("a {b {c|d}}", "cannot be nested"),
        ("a [b", "a [ without its ] (character 3)"),
        ("a b]", "a ] without its [ (character 4)"),
        ("[]", "no field's name"),
        ("[1st]", "no field's name"),
        ("x" * 4001, "at most 4000 characters, got 4001"),
    ],
)
def test_what_is_broken_is_named(text: str, words: str) -> None:
    with pytest.raises(RefusedInput) as refusal:
        parse_template(text)
    assert words in str(refusal.value)


def test_a_field_that_nothing_fills_is_named() -> None:
    with pytest.raises(RefusedInput, match=r"\[light\], which the fields do not fill"):
        expand("[animal] in [light]", animal="a cat")


def test_a_field_with_no_value_is_not_filled() -> None:
    with pytest.raises(RefusedInput, match="do not fill"):
        expand("[animal]", animal="")


def test_the_count_is_known_before_anything_is_expanded() -> None:
    many = parse_template("{a|b|c|d|e|f|g|h|i|j}" * 9)
    assert many.combinations({}) == 10**9
    with pytest.raises(RefusedInput, match=f"1000000000 prompts, and {MAX_COMBINATIONS}"):
        many.expand({})


def test_the_limit_counts_different_prompts() -> None:
    template = parse_template("{a|a|a}")
    assert template.expand({}, limit=1) == ("a",)
    with pytest.raises(RefusedInput, match="2 prompts, and 1 are allowed"):
        parse_template("{a|b}").expand({}, limit=1)


def test_a_prompt_that_grows_too_long_is_refused() -> None:
    with pytest.raises(RefusedInput, match="at most 4000 characters, got 4400"):
        parse_template("[x]" * 11).expand({"x": ("y" * 400,)})


NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,10}", fullmatch=True)
VALUES = st.lists(
    st.text("abc|= é", min_size=1, max_size=10).map(str.strip).filter(bool), min_size=1, max_size=3
)


@given(st.dictionaries(NAMES, VALUES.map(tuple), max_size=5))
def test_reading_a_table_is_the_inverse_of_writing_it(table: dict[str, tuple[str, ...]]) -> None:
    assert parse_table(write_table(table)) == table


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = b\nnonsense", "Line 2 of the fields must be name = value"),
        ("1a = b", "Line 1"),
        ("a = b\n\n[a] = c", "Line 3 of the fields names [a] again"),
        ("\n".join(f"f{i} = x" for i in range(21)), "at most 20 fields, got 21"),
    ],
)
def test_a_broken_table_is_refused_by_line(text: str, words: str) -> None:
    with pytest.raises(RefusedInput) as refusal:
        parse_table(text)
    assert words in str(refusal.value)
