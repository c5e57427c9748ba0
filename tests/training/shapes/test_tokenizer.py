"""The tokenizer: world words are whole, other words are bytes, files of both kinds agree."""

from pathlib import Path

import pytest
from transformers import CLIPTokenizer

from training.shapes.tokenizer import MAX_LENGTH, build, save, token_ids
from training.shapes.words import vocabulary

pytestmark = pytest.mark.torch

TEXTS = [
    "",
    "a Red circle, on a striped BLUE background.",
    "xyzzy 4k ünï \N{SNOWMAN}",
    "  a   star ",
]


@pytest.fixture(scope="module")
def tokenizer() -> CLIPTokenizer:
    return build()


def test_every_word_is_one_token_also_within_a_caption(tokenizer: CLIPTokenizer) -> None:
    words = vocabulary()
    for word in words:
        for text in (word, word.upper(), f"a {word} circle"):
            ids = tokenizer(text).input_ids
            assert len(ids) == len(text.split()) + 2, f"{text}: {ids}"
    assert len({tokenizer(word).input_ids[1] for word in words}) == len(words)


def test_other_words_fall_apart_and_come_back(tokenizer: CLIPTokenizer) -> None:
    ids = tokenizer("xyzzy \N{SNOWMAN}").input_ids
    assert len(ids) == 2 + 5 + 3  # letters, and the bytes of the snowman
    assert tokenizer.decode(ids, skip_special_tokens=True) == "xyzzy \N{SNOWMAN}"


def test_the_saved_files_read_back_the_same(tokenizer: CLIPTokenizer, tmp_path: Path) -> None:
    save(tokenizer, tmp_path)
    whole = CLIPTokenizer.from_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    parts = CLIPTokenizer.from_pretrained(tmp_path)
    assert whole.model_max_length == parts.model_max_length == MAX_LENGTH
    for text in TEXTS:
        assert tokenizer(text).input_ids == whole(text).input_ids == parts(text).input_ids


def test_ids_are_padded_with_the_end_and_cut(tokenizer: CLIPTokenizer) -> None:
    ids = token_ids(tokenizer, ["", "a red star", "red " * 50])
    assert ids.shape == (3, MAX_LENGTH)
    assert (ids[:, 0] == tokenizer.bos_token_id).all()
    assert (ids[:, -1] == tokenizer.eos_token_id).all()
    assert (ids[0, 1:] == tokenizer.eos_token_id).all()
    assert tokenizer.pad_token_id == tokenizer.eos_token_id


def test_two_builds_are_equal(tokenizer: CLIPTokenizer) -> None:
    assert build().get_vocab() == tokenizer.get_vocab()
