"""The text encoder: what captions ask for as numbers, and a model that learns to say it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import CLIPTextModel, CLIPTokenizer

from training.loop import Options
from training.shapes.captions import Caption, Mention
from training.shapes.text_encoder import (
    AT_NOUN,
    FIELDS,
    IGNORED,
    Reader,
    accuracy,
    as_typed,
    batch_of,
    field_logits,
    finish,
    losses,
    sample_captions,
    targets_of,
    train,
)
from training.shapes.tokenizer import build
from training.shapes.words import ANY_SHAPE, SHAPE_WORDS

pytestmark = pytest.mark.torch
CPU = torch.device("cpu")


def _said(caption: Caption) -> list[str]:
    return [field[n] for field, n in zip(FIELDS, targets_of(caption), strict=True)]


def test_targets_say_what_the_caption_asks_for() -> None:
    things = (Mention("star", "red", "small", None), Mention(None, "blue", None, "left"))
    nothing_more = ["", "", "", ""]
    assert _said(Caption("", things, "striped", ("green", "white"))) == [
        *("star", "red", "small", ""),
        *("any", "blue", "", "left"),
        *nothing_more,
        *("striped", "green", "white"),
    ]
    assert _said(Caption("", (), None, ("black",))) == [*nothing_more * 3, "", "black", ""]
    assert set(_said(Caption(""))) == {""}


def test_nouns_carry_their_own_things() -> None:
    captions = [
        Caption(
            "a red star at the top and small circle on blue stripes",
            (Mention("star", "red", None, "top"), Mention("circle", None, "small")),
        ),
        Caption("something red", (Mention(None, "red"),)),
        Caption("no object"),
    ]
    tokenizer = build()
    batch = batch_of(captions, tokenizer, CPU)
    assert batch.ids.shape == (3, 32) and batch.at_nouns.shape == (3, 32, AT_NOUN)
    known = (batch.at_nouns[..., 0] != IGNORED).nonzero().tolist()
    assert known == [[0, 3], [0, 9]]  # "star", "circle"; the start token is number 0
    assert batch.at_nouns[0, 3].tolist() == targets_of(captions[0])[:3]
    assert batch.at_nouns[0, 9].tolist() == targets_of(captions[0])[4:7]


def test_captions_are_of_all_kinds_and_repeat_by_seed() -> None:
    captions = sample_captions(np.random.default_rng(3), 400)
    assert captions == sample_captions(np.random.default_rng(3), 400)
    assert {len(caption.mentions) for caption in captions} == {0, 1, 2, 3}
    assert any(caption.text == "" for caption in captions)
    said = np.array([targets_of(caption) for caption in captions])
    for number, field in enumerate(FIELDS):
        if number < 4 or number >= len(FIELDS) - 3:  # of the first thing, and of the background
            assert set(said[:, number]) == set(range(len(field))), f"field {number}"


def test_typing_leaves_what_matters() -> None:
    rng = np.random.default_rng(0)
    text = "a red star on the left and something blue on an orange gradient"
    needed = [w for w in text.split() if w not in ("a", "an", "the", "something")]
    seen = set()
    for _ in range(200):
        words = as_typed(text, rng).split()
        kept = [word for word in words if word in needed]
        assert kept == needed or len(kept) == len(needed) + 1  # a letter may be a word, too
        seen.add(len(words))
    assert len(seen) > 3
    assert as_typed("", rng) == ""


def test_fields_are_cut_from_the_logits() -> None:
    fields = (("", "x"), ("", "y", "z"))
    first, second = field_logits(torch.arange(10.0).view(2, 5), fields)
    assert first.tolist() == [[0, 1], [5, 6]] and second.tolist() == [[2, 3, 4], [7, 8, 9]]


def test_a_perfect_reader_has_full_accuracy_and_no_loss() -> None:
    tokenizer = build()
    captions = sample_captions(np.random.default_rng(1), 16)
    batch = batch_of(captions, tokenizer, CPU)

    class Perfect(Reader):
        def forward(self, ids: torch.Tensor) -> dict[str, torch.Tensor]:
            assert ids is batch.ids
            parts = [
                torch.nn.functional.one_hot(batch.targets[:, n], len(field)) * 50.0
                for n, field in enumerate(FIELDS)
            ]
            return {"end": torch.cat(parts, 1)}

    perfect = Perfect(tokenizer)
    assert accuracy(perfect, batch) == {"end": (1.0, 1.0)}
    assert losses(perfect(batch.ids), batch)["end"].item() == pytest.approx(0, abs=1e-6)


def test_training_teaches_and_the_result_loads(tmp_path: Path) -> None:
    reader, tokenizer = train(Options(out=tmp_path, steps=25, threads=1), count=32)
    batch = batch_of(sample_captions(np.random.default_rng(8), 64), tokenizer, CPU)
    torch.manual_seed(0)
    untrained = Reader(tokenizer)
    assert sum(losses(reader(batch.ids), batch).values()) < 0.9 * sum(
        losses(untrained(batch.ids), batch).values()
    )
    finish(reader, tokenizer, tmp_path, count=32)
    model = CLIPTextModel.from_pretrained(tmp_path / "final").eval()
    again = CLIPTokenizer.from_pretrained(tmp_path / "final")
    assert again("a red star").input_ids == tokenizer("a red star").input_ids
    torch.testing.assert_close(
        model(batch.ids).last_hidden_state, reader.encoder(batch.ids).last_hidden_state
    )


def test_every_noun_word_is_known_to_the_world() -> None:
    vocabulary = build().get_vocab()
    words = [*(w for words in SHAPE_WORDS.values() for w in words), *ANY_SHAPE]
    assert all(f"{word}</w>" in vocabulary for word in words)
