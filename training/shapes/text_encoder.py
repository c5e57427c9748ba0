"""Train the text encoder on captions alone, until what they ask for can be read from its states.

    python -m training.shapes.text_encoder --minutes 4

A `CLIPTextModel` learns together with simple readers: linear ones on single states, and one that
attends to all states with a fixed query for each thing, as the denoiser's cross attention will.
They say of every thing in the order of the text: shape, colour, size, position; and of the
background: kind and colours. Then the readers are thrown away and the encoder is frozen. The
result is the folder `final`: the model, and the tokenizer beside it.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from training.loop import Options, Run, add_arguments, options_from, prepare_device
from training.shapes.captions import Caption, describe
from training.shapes.scenes import sample_scene
from training.shapes.tokenizer import MAX_LENGTH, build, save, token_ids
from training.shapes.words import (
    ANY_SHAPE,
    BACKGROUNDS,
    COLOURS,
    POSITION_WORDS,
    SHAPE_WORDS,
    SHAPES,
    SIZE_WORDS,
)

WIDTH: Final = 128
LAYERS: Final = 2
HEADS: Final = 4
MOST_THINGS: Final = 3
RATE: Final = 2e-3
BATCH: Final = 256
_PER_SCENE: Final = 4  # captions of each scene: making scenes costs more than describing them

# What a field can say; number 0 is "not said", of a shape "no such thing".
_SHAPE: Final = ("", "any", *SHAPES)
_COLOUR: Final = ("", *COLOURS)
_THING: Final[tuple[tuple[str, ...], ...]] = (
    _SHAPE,
    _COLOUR,
    ("", *SIZE_WORDS),
    ("", *POSITION_WORDS),
)
_GROUND: Final[tuple[tuple[str, ...], ...]] = (("", *BACKGROUNDS), _COLOUR, _COLOUR)
GROUPS: Final = (*(_THING,) * MOST_THINGS, _GROUND)
FIELDS: Final = tuple(field for group in GROUPS for field in group)
AT_NOUN: Final = 3  # shape, colour and size are said up to the noun, the position after it
IGNORED: Final = -100

# Words that people leave out without a change of meaning.
_DROPPED: Final = ("a", "an", "the", "something")
_NOUNS: Final = (*(word for words in SHAPE_WORDS.values() for word in words), *ANY_SHAPE)


def targets_of(caption: Caption) -> list[int]:
    """What the caption asks for as one number per field of `FIELDS`."""
    numbers: list[int] = []
    for place in range(MOST_THINGS):
        said = caption.mentions[place] if place < len(caption.mentions) else None
        if said is None:
            numbers += [0] * len(_THING)
            continue
        values = (said.shape or "any", said.colour, said.size, said.position)
        numbers += [field.index(v or "") for field, v in zip(_THING, values, strict=True)]
    ground = (caption.kind, *caption.colours, None, None)[: len(_GROUND)]
    return numbers + [field.index(v or "") for field, v in zip(_GROUND, ground, strict=True)]


def sample_captions(rng: Generator, count: int) -> list[Caption]:
    """Captions of all kinds: of 0 to 3 things of a scene, half of them with the background."""
    made: list[Caption] = []
    while len(made) < count:
        scene = sample_scene(rng, int(rng.choice(4, p=[0.05, 0.3, 0.3, 0.35])))
        for _ in range(_PER_SCENE):
            most = len(scene.things)
            some = min(most, int(rng.choice(4, p=[0.15, 0.45, 0.2, 0.2])))
            chosen = [scene.things[int(i)] for i in rng.permutation(most)[:some]]
            made.append(describe(scene, chosen, rng, background=bool(rng.random() < 0.5)))
    return made[:count]


def as_typed(text: str, rng: Generator) -> str:
    """The text without some small words (one in four), or with an unknown word around it (8 %)."""
    words = text.split()
    if rng.random() < 0.25:
        words = [word for word in words if word not in _DROPPED or rng.random() < 0.3]
    if words and rng.random() < 0.08:
        letters = rng.integers(ord("a"), ord("z") + 1, size=int(rng.integers(1, 7)))
        place = 0 if rng.random() < 0.5 else len(words)  # within a phrase it would part the words
        words.insert(place, "".join(chr(letter) for letter in letters))
    return " ".join(words)


@dataclass(frozen=True)
class Batch:
    """Token numbers (N, 32); targets (N, fields); at each noun those of its thing, else IGNORED."""

    ids: Tensor
    targets: Tensor
    at_nouns: Tensor  # (N, 32, AT_NOUN)


def batch_of(
    captions: Sequence[Caption],
    tokenizer: CLIPTokenizer,
    device: torch.device,
    typed: Callable[[str], str] = str,
) -> Batch:
    """Captions as tensors, their texts changed by `typed` before."""
    ids = token_ids(tokenizer, [typed(caption.text) for caption in captions])
    targets = torch.tensor([targets_of(caption) for caption in captions])
    nouns = torch.tensor([tokenizer(word).input_ids[1] for word in _NOUNS])
    at_nouns = torch.full((*ids.shape, AT_NOUN), IGNORED)
    for row, caption in enumerate(captions):
        places = torch.isin(ids[row], nouns).nonzero()[:, 0]
        if len(places) == len(caption.mentions):  # all named by nouns ("something red" has none)
            for number, place in enumerate(places.tolist()):
                start = number * len(_THING)
                at_nouns[row, place] = targets[row, start : start + AT_NOUN]
    return Batch(ids.to(device), targets.to(device), at_nouns.to(device))


class Reader(nn.Module):
    """The text encoder with the readers that teach it."""

    def __init__(self, tokenizer: CLIPTokenizer) -> None:
        super().__init__()
        self.encoder = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(tokenizer),
                hidden_size=WIDTH,
                intermediate_size=4 * WIDTH,
                projection_dim=WIDTH,
                num_hidden_layers=LAYERS,
                num_attention_heads=HEADS,
                max_position_embeddings=MAX_LENGTH,
                bos_token_id=tokenizer.bos_token_id,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
            )
        )
        sizes = [sum(len(field) for field in group) for group in GROUPS]
        self.summary = nn.Linear(WIDTH, sum(sizes))
        self.noun = nn.Linear(WIDTH, sum(len(field) for field in _THING[:AT_NOUN]))
        self.queries = nn.Parameter(torch.randn(len(GROUPS), WIDTH) * WIDTH**-0.5)
        self.key, self.value = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.groups = nn.ModuleList(nn.Linear(WIDTH, size) for size in sizes)

    def forward(self, ids: Tensor) -> dict[str, Tensor]:
        """Logits, the fields side by side: of the end token, the last padding, and by attention.

        "noun" holds (N, 32, ...) logits of every token, the others (N, sum of all classes).
        """
        output = self.encoder(ids)
        states = output.last_hidden_state
        weights = (self.key(states) @ self.queries.T).softmax(dim=1)  # (N, 32, groups)
        pooled = torch.einsum("ntg,ntd->gnd", weights, self.value(states))
        read = [group(part) for group, part in zip(self.groups, pooled, strict=True)]
        return {
            "end": self.summary(output.pooler_output),
            "padding": self.summary(states[:, -1]),
            "attention": torch.cat(read, 1),
            "noun": self.noun(states),
        }


def field_logits(logits: Tensor, fields: Sequence[Sequence[str]]) -> tuple[Tensor, ...]:
    """The logits of each field, cut from the last dimension."""
    ends = list(accumulate(len(field) for field in fields))
    return tuple(logits[..., e - len(field) : e] for e, field in zip(ends, fields, strict=True))


def losses(read: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
    """Mean cross entropy over the fields, for each reader."""
    found: dict[str, Tensor] = {}
    for name, logits in read.items():
        fields, truth = (
            (_THING[:AT_NOUN], batch.at_nouns.flatten(0, 1))
            if name == "noun"
            else (FIELDS, batch.targets)
        )
        parts = field_logits(logits.reshape(len(truth), -1), fields)
        each = [F.cross_entropy(p, t) for p, t in zip(parts, truth.unbind(1), strict=True)]
        found[name] = torch.stack(each).mean()
    return found


@torch.no_grad()
def accuracy(reader: Reader, batch: Batch) -> dict[str, tuple[float, float]]:
    """For each reader the share of fields, and of whole captions (or things at nouns), right."""
    found: dict[str, tuple[float, float]] = {}
    for name, logits in reader(batch.ids).items():
        if name == "noun":
            known = batch.at_nouns[..., 0] != IGNORED
            fields, logits, truth = _THING[:AT_NOUN], logits[known], batch.at_nouns[known]
        else:
            fields, truth = FIELDS, batch.targets
        guess = torch.stack([part.argmax(-1) for part in field_logits(logits, fields)], 1)
        right = guess == truth
        found[name] = (float(right.float().mean()), float(right.all(1).float().mean()))
    return found


def report(found: dict[str, tuple[float, float]]) -> str:
    """The accuracies as one line: fields right / wholly right."""
    return ", ".join(f"{n} {field:.2%} / {whole:.2%}" for n, (field, whole) in found.items())


def train(options: Options, count: int = BATCH) -> tuple[Reader, CLIPTokenizer]:
    """Train within the budget; the averaged weights, in evaluation mode, and the tokenizer."""
    device = prepare_device(options)
    tokenizer = build()
    reader = Reader(tokenizer).to(device).train()
    optimizer = torch.optim.AdamW(reader.parameters(), lr=RATE, betas=(0.9, 0.98))
    rng = np.random.default_rng(options.seed)
    run = Run(options, reader, optimizer, rng=rng, decay=0.995)
    held = batch_of(sample_captions(np.random.default_rng(10**9), 1024), tokenizer, device)
    for tick in run:
        tick.set_rate(RATE)
        captions = sample_captions(rng, count)
        batch = batch_of(captions, tokenizer, device, lambda text: as_typed(text, rng))
        parts = losses(reader(batch.ids), batch)
        loss = torch.stack(list(parts.values())).sum()
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimizer.step()
        run.record(pictures=count, loss=loss, **parts)
        if run.due("accuracy", 0.5):
            with run.average.applied_to(reader):
                run.say(f"fresh captions: {report(accuracy(reader, held))}")
    run.average.copy_to(reader)
    return reader.eval(), tokenizer


def finish(reader: Reader, tokenizer: CLIPTokenizer, out: Path, count: int = 4096) -> None:
    """Write out/final and print the accuracy on fresh captions, as they are and as typed."""
    reader.encoder.save_pretrained(out / "final")
    save(tokenizer, out / "final")
    device = next(reader.parameters()).device
    rng = np.random.default_rng(10**9 + 1)
    captions = sample_captions(rng, count)
    longer = sum(len(tokenizer(caption.text).input_ids) > MAX_LENGTH for caption in captions)
    clean = batch_of(captions, tokenizer, device)
    typed = batch_of(captions, tokenizer, device, lambda text: as_typed(text, rng))
    print(f"{out / 'final'}: {count} fresh captions, {longer} of them longer than the model reads")
    print(f"as written: {report(accuracy(reader, clean))}")
    print(f"as typed:   {report(accuracy(reader, typed))}", flush=True)


def main(argv: list[str] | None = None) -> None:
    """Train and write the result, as the command line says."""
    parser = argparse.ArgumentParser(description="train the text encoder of the made world")
    add_arguments(parser, "text_encoder", minutes=4)
    options = options_from(parser.parse_args(argv))
    reader, tokenizer = train(options)
    finish(reader, tokenizer, options.out)


if __name__ == "__main__":
    main()
