"""The tokenizer: every word of the world is one token, any other text falls apart into bytes.

It is a `CLIPTokenizer` in the usual files (vocab.json, merges.txt, tokenizer.json), made without
any corpus: byte pair merges are learned from the list of words until each word is whole.

    python -m training.shapes.tokenizer --out training/output/tokenizer
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from tokenizers import pre_tokenizers
from torch import Tensor
from transformers import CLIPTokenizer

from training.loop import OUTPUT
from training.shapes.words import vocabulary

MAX_LENGTH: Final = 32  # tokens, the start and the end token included
END_OF_WORD: Final = "</w>"
START, END = "<|startoftext|>", "<|endoftext|>"


def learn_merges(words: Sequence[str]) -> list[tuple[str, str]]:
    """Byte pair merges, in order of application, that make each word one token.

    The most frequent pair is merged first, of equal ones the first in the alphabet: the trainers of
    the tokenizers package break ties by chance, and then no two builds have the same numbers.
    """
    pieces = [[*word[:-1], word[-1] + END_OF_WORD] for word in words]
    merges: list[tuple[str, str]] = []
    while counts := Counter(pair for word in pieces for pair in pairwise(word)):
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        pieces = [_merged(word, best) for word in pieces]
    return merges


def _merged(word: list[str], pair: tuple[str, str]) -> list[str]:
    out: list[str] = []
    for piece in word:
        if out and (out[-1], piece) == pair:
            out[-1] += piece
        else:
            out.append(piece)
    return out


def build() -> CLIPTokenizer:
    """The tokenizer of the world's vocabulary; padded with its end token to 32 tokens.

    Raises ValueError where a word of the vocabulary is not one token.
    """
    words = vocabulary()
    merges = learn_merges(words)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = [*letters, *(letter + END_OF_WORD for letter in letters)]
    pieces += ["".join(pair) for pair in merges]
    vocab = {piece: number for number, piece in enumerate(dict.fromkeys([*pieces, START, END]))}
    tokenizer = CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=MAX_LENGTH)
    broken = [word for word in words if len(tokenizer(word).input_ids) != 3]
    if broken:
        raise ValueError(f"these words are not one token: {', '.join(broken)}")
    return tokenizer


def save(tokenizer: CLIPTokenizer, folder: Path) -> None:
    """Write it as tokenizer.json and also as the vocab.json and merges.txt of older readers."""
    tokenizer.save_pretrained(folder)
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    text = json.dumps(model["vocab"], ensure_ascii=False)
    (folder / "vocab.json").write_text(text, encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in model["merges"])]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def token_ids(tokenizer: CLIPTokenizer, texts: Sequence[str]) -> Tensor:
    """Token numbers, int64 (N, 32), padded and cut as the diffusion pipelines do."""
    ids: Tensor = tokenizer(
        list(texts),
        padding="max_length",
        max_length=tokenizer.model_max_length,
        truncation=True,
        return_tensors="pt",
    ).input_ids
    return ids


def main(argv: list[str] | None = None) -> None:
    """Write the tokenizer into a folder."""
    parser = argparse.ArgumentParser(description="write the tokenizer of the made world")
    parser.add_argument("--out", type=Path, default=OUTPUT / "tokenizer")
    arguments = parser.parse_args(argv)
    tokenizer = build()
    save(tokenizer, arguments.out)
    print(f"{arguments.out}: {len(tokenizer)} tokens, {len(vocabulary())} words")


if __name__ == "__main__":
    main()
