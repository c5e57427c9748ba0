"""Measures the judge on scenes whose truth is known: clean, noisy, bent, and through a model."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from training.shapes.masks import around
from training.shapes.render import render
from training.shapes.scenes import Scene, sample_scene
from training.shapes.verdict import judge_background, judge_region

T = TypeVar("T")
_CHUNK: Final = 100


@dataclass
class Tally:
    """How often the judge was right, by question, and how long an answer took, in seconds."""

    right: Counter[str]
    asked: Counter[str]
    seconds: defaultdict[str, float]

    def ask(self, questions: dict[str, Callable[[T], bool]], judge: Callable[[], T]) -> None:
        """Let the judge speak once, and mark what it said."""
        began = time.process_time()
        said = judge()
        spent = time.process_time() - began
        for question, is_right in questions.items():
            self.right[question] += is_right(said)
            self.asked[question] += 1
            self.seconds[question] += spent

    def rows(self) -> Iterable[tuple[str, float, float]]:
        """Question, part right 0..1, milliseconds for an answer."""
        for question, asked in self.asked.items():
            yield question, self.right[question] / asked, self.seconds[question] / asked * 1000


def validate(count: int, seen: Callable[[Tensor, Generator], Tensor], seed: int = 0) -> Tally:
    """Ask the judge about `count` scenes of one thing.

    `seen` makes of the true pictures (N, 3, S, S), 0..1, what the judge gets to see.
    """
    rng = np.random.default_rng(seed)
    tally = Tally(Counter(), Counter(), defaultdict(float))
    for at in range(0, count, _CHUNK):
        scenes = [sample_scene(rng, 1) for _ in range(min(_CHUNK, count - at))]
        full = _bytes(scenes, seen, rng)
        empty = _bytes([Scene(scene.background) for scene in scenes], seen, rng)
        for scene, picture, bare in zip(scenes, full, empty, strict=True):
            _ask(tally, scene, picture, bare, around(scene.things[0], rng))
    return tally


def _ask(
    tally: Tally,
    scene: Scene,
    picture: NDArray[np.uint8],
    bare: NDArray[np.uint8],
    mask: NDArray[np.bool_],
) -> None:
    thing, ground = scene.things[0], scene.background
    whole = np.ones_like(mask)
    tally.ask(
        {
            "colour, known background": lambda v: v.colour == thing.colour,
            "shape, known background": lambda v: v.shape == thing.shape,
        },
        lambda: judge_region(picture, mask, ground),
    )
    tally.ask(
        {
            "colour, unknown background": lambda v: v.colour == thing.colour,
            "shape, unknown background": lambda v: v.shape == thing.shape,
        },
        lambda: judge_region(picture, whole, None),
    )
    tally.ask({"no thing": lambda v: v.colour is None}, lambda: judge_region(bare, mask, ground))
    for place, shown, where in (
        ("under a mask", bare, mask),
        ("of the picture", bare, whole),
        ("beside a thing", picture, whole),
    ):
        tally.ask(
            {
                f"background {place}": lambda g: g.kind == ground.kind,
                f"its colours {place}": lambda g: set(g.colours) == set(ground.colours),
            },
            partial(judge_background, shown, where),
        )


def _bytes(
    scenes: list[Scene], seen: Callable[[Tensor, Generator], Tensor], rng: Generator
) -> NDArray[np.uint8]:
    pictures = seen(render(scenes), rng).clamp(0, 1).mul(255).round().byte()
    return pictures.permute(0, 2, 3, 1).contiguous().numpy()


def noisy(levels: float) -> Callable[[Tensor, Generator], Tensor]:
    """Noise of this standard deviation, in levels of 0..255."""

    def seen(pictures: Tensor, rng: Generator) -> Tensor:
        noise = rng.standard_normal(pictures.shape, np.float32)
        return pictures + torch.from_numpy(noise) * (levels / 255)

    return seen


def bent(pixels: float, levels: float) -> Callable[[Tensor, Generator], Tensor]:
    """Smooth shifts (standard deviation in px) and tints (in levels of 0..255).

    They move over some 20 px, and leave every scene what it is to the eye.
    """

    def seen(pictures: Tensor, rng: Generator) -> Tensor:
        count, _, height, width = pictures.shape
        shifts = _smooth(rng, (count, 2, 8, 8), (height, width)) * (pixels * 2 / width)
        upright = functional.affine_grid(
            torch.eye(2, 3).expand(count, 2, 3), [count, 3, height, width], align_corners=False
        )
        moved = functional.grid_sample(
            pictures,
            upright + shifts.permute(0, 2, 3, 1),
            padding_mode="reflection",
            align_corners=False,
        )
        return moved + _smooth(rng, (count, 3, 6, 6), (height, width)) * (levels / 255)

    return seen


def _smooth(rng: Generator, coarse: tuple[int, ...], size: tuple[int, int]) -> Tensor:
    noise = torch.from_numpy(rng.standard_normal(coarse, np.float32))
    return functional.interpolate(noise, size, mode="bicubic", align_corners=False)


def carried(autoencoder: Path) -> Callable[[Tensor, Generator], Tensor]:
    """The round trip through a saved autoencoder: what the model can show at best."""
    model = AutoencoderTiny.from_pretrained(autoencoder).eval()

    @torch.inference_mode()
    def seen(pictures: Tensor, rng: Generator) -> Tensor:  # noqa: ARG001 - as the others
        restored: Tensor = model(pictures * 2 - 1).sample
        return restored / 2 + 0.5

    return seen


def table(count: int, autoencoder: Path | None = None) -> Iterator[str]:
    """The lines of the whole measurement, each as soon as it is known."""
    ways = {"clean": noisy(0), "noise of 4 levels": noisy(4), "bent and tinted": bent(1.5, 3)}
    if autoencoder:
        ways["autoencoder"] = carried(autoencoder)
    yield f"{count} scenes of one thing, 128 px: right, and time of one answer on one core"
    for name, seen in ways.items():
        yield f"\n{name}"
        for question, right, milliseconds in validate(count, seen).rows():
            yield f"  {question:30}{right:9.2%}{milliseconds:8.1f} ms"
