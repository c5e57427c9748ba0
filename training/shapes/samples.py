"""What a training shows of itself: a gallery of fixed prompts, and a small judged trial."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from torch import Tensor

from training.shapes.dataset import Batch
from training.shapes.diffusion import Predict, Sampling, sample
from training.shapes.encoding import decoded, hidden, scaled_latents, touched_cells
from training.shapes.judge import judge_background, judge_region
from training.shapes.render import render
from training.shapes.scenes import (
    Background,
    Scene,
    clear_colours,
    sample_background,
    sample_scene,
)
from training.shapes.text import FrozenText
from training.shapes.words import BACKGROUNDS, COLOURS, SHAPES

SIZE: Final = 128
TINT: Final = (1.0, 0.0, 1.0)  # of what is masked, in the gallery
CASES: Final = 40  # every colour in every shape


@dataclass(frozen=True)
class Case:
    """A scene, the place to paint (bool (S, S)) and what to paint there."""

    scene: Scene
    mask: NDArray[np.bool_]
    prompt: str


@dataclass(frozen=True)
class Asked:
    """A case and what its prompt asks for; `ground` only where it asks for the whole picture."""

    case: Case
    colour: str
    shape: str
    ground: str | None = None


@dataclass(frozen=True)
class Cases:
    """What a training shows of itself: cases to look at, and cases to judge."""

    shown: tuple[Case, ...]
    judged: tuple[Asked, ...]


@dataclass(frozen=True)
class Trial:
    """A way to draw pictures: how a network is bound to a batch, and how it is sampled."""

    bind: Callable[[Batch], Predict]
    sampling: Sampling = Sampling()


def box(left: float, top: float, right: float, bottom: float) -> NDArray[np.bool_]:
    """A mask that is a rectangle, in fractions of the side."""
    mask = np.zeros((SIZE, SIZE), bool)
    x0, y0, x1, y1 = (round(v * SIZE) for v in (left, top, right, bottom))
    mask[y0:y1, x0:x1] = True
    return mask


def _on(kind: str, first: str, seed: int, things: int = 0) -> Scene:
    rng = np.random.default_rng(seed)
    return sample_scene(rng, things, sample_background(rng, kind, first))


def gallery_cases() -> tuple[Case, ...]:
    """Twelve fixed ones: eight things, two removals, a border, a picture from the text alone."""
    middle, corner = box(0.2, 0.2, 0.8, 0.8), box(0.05, 0.3, 0.6, 0.9)
    removed = [_on("striped", "green", 21, 1), _on("dotted", "white", 22, 1)]
    around = [_around(scene) for scene in removed]
    return (
        Case(_on("plain", "blue", 1), middle, "a red circle"),
        Case(_on("striped", "white", 2), corner, "a purple square"),
        Case(_on("gradient", "green", 3), middle, "a yellow triangle"),
        Case(_on("checkered", "white", 4), middle, "a blue star"),
        Case(_on("dotted", "yellow", 5), corner, "a black ring"),
        Case(_on("cloudy", "purple", 6), middle, "a big white star"),
        Case(_on("plain", "orange", 7), middle, "a blue triangle"),
        Case(_on("gradient", "red", 8), corner, "a white donut"),
        Case(removed[0], around[0], ""),
        Case(removed[1], around[1], "nothing"),
        Case(_on("checkered", "blue", 9), ~box(0.25, 0.25, 1, 1), ""),
        Case(_on("plain", "blue", 10), box(0, 0, 1, 1), "a red star on a plain white background"),
    )


def _around(scene: Scene) -> NDArray[np.bool_]:
    thing = scene.things[0]
    reach = thing.extent + 0.04
    edges = (thing.x - reach, thing.y - reach, thing.x + reach, thing.y + reach)
    left, top, right, bottom = (min(max(edge, 0.0), 1.0) for edge in edges)
    return box(left, top, right, bottom)


def trial_cases(seed: int = 77) -> tuple[Asked, ...]:
    """Empty backgrounds with a mask, each with the colour and the shape that are asked for."""
    rng = np.random.default_rng(seed)
    cases = []
    for number in range(CASES):
        colour, shape = COLOURS[number % len(COLOURS)], SHAPES[number % len(SHAPES)]
        ground = ground_for(rng, colour, BACKGROUNDS[number % len(BACKGROUNDS)])
        half = rng.uniform(0.22, 0.34)
        x, y = rng.uniform(half, 1 - half, 2)
        mask = box(x - half, y - half, x + half, y + half)
        cases.append(Asked(Case(Scene(ground), mask, f"a {colour} {shape}"), colour, shape))
    return tuple(cases)


def inpaint_cases() -> Cases:
    """Those of the network with mask channels."""
    return Cases(gallery_cases(), trial_cases())


def ground_for(rng: np.random.Generator, colour: str, kind: str) -> Background:
    """A background at random on which a thing of this colour stands out."""
    while True:
        ground = sample_background(rng, kind)
        if colour in clear_colours(ground):
            return ground


class Trials:
    """Draws the fixed cases with the frozen autoencoder and text encoder."""

    def __init__(self, autoencoder: AutoencoderTiny, text: FrozenText, cases: Cases) -> None:
        self.autoencoder, self.text, self.cases = autoencoder, text, cases

    def draw(self, trial: Trial, cases: Sequence[Case]) -> Tensor:
        """The pictures (N, 3, S, S) in [0, 1], pasted into their scenes."""
        device = self.text.model.device
        scenes = render([case.scene for case in cases], SIZE).to(device)
        masks = torch.from_numpy(np.stack([case.mask for case in cases]))[:, None].to(device)
        cells = touched_cells(masks)
        batch = Batch(
            latents=scaled_latents(self.autoencoder, scenes),
            masked_latents=scaled_latents(self.autoencoder, hidden(scenes, cells.pixels)),
            mask=cells.mask,
            token_ids=torch.empty(0),
            names_things=torch.empty(0),
            controls={},
        )
        states = self.text.encode([case.prompt for case in cases])
        empty = self.text.encode([""])
        latents = sample(trial.bind(batch), states, empty, batch.latents, trial.sampling)
        return torch.where(cells.pixels, decoded(self.autoencoder, latents), scenes)

    def gallery(self, trial: Trial) -> list[Tensor]:
        """Pairs of rows of the shown cases: what is masked, and what was drawn there."""
        cases = self.cases.shown
        made = self.draw(trial, cases).cpu()
        scenes = render([case.scene for case in cases], SIZE)
        masks = torch.from_numpy(np.stack([case.mask for case in cases]))[:, None]
        tint = torch.tensor(TINT)[None, :, None, None]
        shown = torch.where(masks, 0.4 * scenes + 0.6 * tint, scenes)
        rows = zip(torch.split(shown, 6), torch.split(made, 6), strict=True)
        return [row for pair in rows for row in pair]

    def score(self, trial: Trial) -> str:
        """How many of the judged cases the judge finds as they were asked for."""
        asked = self.cases.judged
        made = self.draw(trial, [one.case for one in asked])
        pictures = made.mul(255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        found = [judged(picture, one) for picture, one in zip(pictures, asked, strict=True)]
        counts = {name: sum(one[name] for one in found) for name in found[0]}
        return f"of {len(asked)}: " + ", ".join(f"{n} {count}" for n, count in counts.items())


def judged(picture: NDArray[np.uint8], asked: Asked) -> dict[str, bool]:
    """What of a case is right in a picture, uint8 (S, S, 3), and whether all of it is."""
    mask, ground = asked.case.mask, asked.ground
    verdict = judge_region(picture, mask, asked.case.scene.background if ground is None else None)
    right = {"colour": verdict.colour == asked.colour, "shape": verdict.shape == asked.shape}
    if ground is not None:
        right["background"] = judge_background(picture, mask).kind == ground
    return right | {"all": all(right.values())}


def save_grid(rows: Sequence[Tensor], path: Path) -> None:
    """Write rows of pictures (N, 3, S, S) in [0, 1] as one PNG."""
    grid = torch.cat([torch.cat(list(row), 2) for row in rows], 1)
    pixels = grid.clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).cpu().numpy()
    cv2.imwrite(str(path), np.ascontiguousarray(pixels[..., ::-1]))
