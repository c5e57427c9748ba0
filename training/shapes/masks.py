"""Masks as people paint them, and whole training examples: a scene, a mask and a caption.

Masks are bool arrays (size, size), True = repaint. One around a thing always holds all of it, with
a margin of 0 to 100 % of its extent, so that its outline tells nothing of the shape.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from training.shapes.captions import Caption, describe
from training.shapes.render import render
from training.shapes.scenes import MIN_RADIUS, Scene, Thing, sample_scene

Mask = NDArray[np.bool_]

TASKS: Final = {"thing": 0.22, "background": 0.18, "whole": 0.48, "border": 0.07, "random": 0.05}
NAMED_FROM: Final = 0.5  # a thing is named where at least this part of it is under the mask
_MIN_AREA: Final = 0.01


@dataclass(frozen=True)
class Example:
    """What a picture shall look like, where it may be repainted, and the words for that."""

    scene: Scene
    mask: Mask
    said: Caption
    task: str

    @property
    def caption(self) -> str:
        """The words for it; `said` tells what they ask for."""
        return self.said.text


def sample_example(rng: Generator, size: int = 128, task: str | None = None) -> Example:
    """An example at random, of one of `TASKS` (drawn by its share where none is said).

    The caption names what lies under the mask in the scene. A scene of the task `background` has
    nothing under its mask; what stood there has been taken away.
    """
    if task is None:
        task = str(rng.choice(list(TASKS), p=list(TASKS.values())))
    return _SAMPLERS[task](rng, size)


def render_examples(examples: Sequence[Example], device: str = "cpu") -> tuple[Tensor, Tensor]:
    """Their pictures, float32 (N, 3, S, S) in 0..1, and masks, bool (N, 1, S, S), S the masks'."""
    size = examples[0].mask.shape[0]
    masks = torch.from_numpy(np.stack([example.mask for example in examples]))[:, None]
    return render([example.scene for example in examples], size, device), masks.to(device)


def _around_a_thing(rng: Generator, size: int) -> Example:
    scene = sample_scene(rng, int(rng.choice([1, 2, 3], p=[0.6, 0.28, 0.12])))
    thing = scene.things[int(rng.integers(len(scene.things)))]
    mask = around(thing, rng, size)
    # Another thing that is hidden as well is taken away: the words name one.
    rest = tuple(t for t in scene.things if t is thing or hidden_part(t, mask) < NAMED_FROM)
    scene = Scene(scene.background, rest)
    said = describe(scene, (thing,), rng, background=rng.random() < 0.4)
    return Example(scene, mask, said, "thing")


def _background_only(rng: Generator, size: int) -> Example:
    scene = sample_scene(rng)
    if scene.things and rng.random() < 0.6:
        mask = around(scene.things[0], rng, size)
    else:
        mask = anywhere(rng, size)
    scene = _without_touched(scene, mask)
    return Example(scene, mask, describe(scene, (), rng, background=True), "background")


def _whole(rng: Generator, size: int) -> Example:
    scene = sample_scene(rng)
    said = describe(scene, scene.things, rng, background=rng.random() < 0.85)
    return Example(scene, np.ones((size, size), np.bool_), said, "whole")


def _border(rng: Generator, size: int) -> Example:
    mask = border(rng, size)
    scene = sample_scene(rng)
    if rng.random() < 0.6:
        scene = _without_touched(scene, mask)
    return _named_under(scene, mask, rng, "border")


def _random(rng: Generator, size: int) -> Example:
    mask = anywhere(rng, size)
    for _ in range(int(rng.integers(0, 3))):
        mask |= anywhere(rng, size)
    return _named_under(sample_scene(rng), mask, rng, "random")


_SAMPLERS: Final[dict[str, Callable[[Generator, int], Example]]] = {
    "thing": _around_a_thing,
    "background": _background_only,
    "whole": _whole,
    "border": _border,
    "random": _random,
}


def _named_under(scene: Scene, mask: Mask, rng: Generator, task: str) -> Example:
    under = [thing for thing in scene.things if hidden_part(thing, mask) >= NAMED_FROM]
    said = describe(scene, under, rng, background=rng.random() < 0.4)
    return Example(scene, mask, said, task)


def _without_touched(scene: Scene, mask: Mask) -> Scene:
    kept = tuple(thing for thing in scene.things if hidden_part(thing, mask) == 0)
    return Scene(scene.background, kept)


def hidden_part(thing: Thing, mask: Mask) -> float:
    """The part of the circle around a thing that lies under the mask, 0..1."""
    size = mask.shape[0]
    disc = np.zeros(mask.shape, np.uint8)
    centre = round(thing.x * size - 0.5), round(thing.y * size - 0.5)
    cv2.circle(disc, centre, round(thing.extent * size), 1, cv2.FILLED)
    return float(np.count_nonzero(disc[mask])) / float(np.count_nonzero(disc))


# Outlines


def around(thing: Thing, rng: Generator, size: int = 128) -> Mask:
    """A mask painted around a thing: a rectangle, an ellipse, strokes, or a free outline."""
    margin = float(rng.uniform(0, 1)) ** 1.5 + 0.03
    draw = (_rectangle, _ellipse, _strokes, _outline)[int(rng.choice(4, p=[0.35, 0.2, 0.25, 0.2]))]
    canvas = np.zeros((size, size), np.uint8)
    draw(canvas, (thing.x * size, thing.y * size), thing.extent * size, margin, rng)
    return canvas.astype(np.bool_)


def anywhere(rng: Generator, size: int = 128) -> Mask:
    """A mask around a place where nothing needs to be."""
    while True:
        x, y = (float(v) for v in rng.uniform(0.05, 0.95, 2))
        radius = float(rng.uniform(MIN_RADIUS / 2, 0.34))
        mask = around(Thing("circle", "", (0, 0, 0), x, y, radius), rng, size)
        if mask.mean() >= _MIN_AREA:
            return mask


def border(rng: Generator, size: int = 128) -> Mask:
    """The border of an outpainting: 1 to 4 sides of 10 to 50 %, at least a quarter left between."""
    sides = np.zeros(4)
    chosen = rng.permutation(4)[: int(rng.choice([1, 2, 3, 4], p=[0.4, 0.25, 0.1, 0.25]))]
    sides[chosen] = rng.uniform(0.1, 0.5, len(chosen))
    for pair in (slice(0, 2), slice(2, 4)):
        sides[pair] *= min(1.0, 0.75 / max(float(sides[pair].sum()), 1e-9))
    left, right, top, bottom = (round(side * size) for side in sides)
    mask = np.ones((size, size), np.bool_)
    mask[top : size - bottom, left : size - right] = False
    return mask


_Canvas = NDArray[np.uint8]
_Place = tuple[float, float]


def _rectangle(
    canvas: _Canvas, centre: _Place, reach: float, margin: float, rng: Generator
) -> None:
    low = [c - reach * (1 + margin * f) for c, f in zip(centre, rng.random(2), strict=True)]
    high = [c + reach * (1 + margin * f) for c, f in zip(centre, rng.random(2), strict=True)]
    start = [max(0, int(np.floor(v))) for v in low]
    stop = [max(0, int(np.ceil(v))) for v in high]
    canvas[start[1] : stop[1], start[0] : stop[0]] = 1


def _ellipse(canvas: _Canvas, centre: _Place, reach: float, margin: float, rng: Generator) -> None:
    shift = rng.uniform(-0.3, 0.3, 2) * margin * reach
    # Farther from its own centre by the shift; an ellipse around a circle needs no less anywhere.
    least = reach + float(np.hypot(*shift)) + 1
    axes = least + reach * margin * rng.random(2)
    box = (
        (float(centre[0] + shift[0]), float(centre[1] + shift[1])),
        (float(2 * axes[0]), float(2 * axes[1])),
        float(rng.uniform(0, 180)),
    )
    cv2.ellipse(canvas, box, 1, cv2.FILLED)


def _strokes(canvas: _Canvas, centre: _Place, reach: float, margin: float, rng: Generator) -> None:
    """A zigzag of a round brush that leaves no gap, as when rubbing over something."""
    reach = 1.04 * reach + 1  # closes the notches between the ends of the rows
    brush = reach * float(rng.uniform(0.35, 0.75))
    rows = int(np.ceil(2 * reach / (0.8 * brush))) + 1
    across = np.linspace(-reach, reach, rows)
    far = np.sqrt(np.clip(reach**2 - across**2, 0, None))
    loose = 1 + margin * rng.random((rows, 2))
    along = np.stack([-far * loose[:, 0], far * loose[:, 1]], 1)
    points = np.stack([along.ravel(), np.repeat(across, 2)], 1)
    turn = float(rng.uniform(0, np.pi))
    cos, sin = np.cos(turn), np.sin(turn)
    points = points @ np.array([[cos, sin], [-sin, cos]]) + centre
    cv2.polylines(canvas, [points.round().astype(np.int32)], False, 1, max(2, round(brush)))


def _outline(canvas: _Canvas, centre: _Place, reach: float, margin: float, rng: Generator) -> None:
    """A free-hand outline, filled."""
    corners = int(rng.integers(9, 17))
    angles = (np.arange(corners) + rng.uniform(-0.2, 0.2, corners)) * (2 * np.pi / corners)
    # The chord between two corners must stay outside the circle, however the corners lie.
    least = (reach + 1) / np.cos(0.7 * 2 * np.pi / corners)
    away = least + reach * margin * rng.random(corners)
    points = np.stack([np.cos(angles), np.sin(angles)], 1) * away[:, None] + centre
    cv2.fillPoly(canvas, [points.round().astype(np.int32)], 1)
