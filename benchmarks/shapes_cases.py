"""The cases of the `shapes` benchmark: scenes, masks and prompts, each a function of its index."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from genimg_ui.backend.diffusion.blend import touched_cells
from training.shapes.render import render, segmentation
from training.shapes.scenes import (
    Background,
    Scene,
    Thing,
    clear_colours,
    sample_background,
    sample_scene,
    sample_thing,
)
from training.shapes.words import BACKGROUNDS, COLOURS, SHAPES

SIDE: Final = 128
CELL: Final = 8  # pixels of a latent cell
SEEN: Final = 0.1  # least part of a picture that a removal leaves to be seen
Rgb = NDArray[np.uint8]
Grey = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One picture to paint, and what should come of it.

    `mask` is uint8, 255 = repaint. `thing` is what the prompt asks for, where it asks for one;
    `old` what stands under the mask before. `truth` is a picture in which the wish has come true,
    where there is one.
    """

    picture: Rgb
    mask: Grey
    prompt: str
    background: Background
    thing: Thing | None = None
    old: Thing | None = None
    truth: Rgb | None = None
    negative_prompt: str = ""
    guidance_scale: float = 3.0
    strength: float = 1.0
    num_inference_steps: int = 20
    scheduler: str = "default"
    seed: int = 0
    variants: int = 1
    control: Rgb | None = None
    controlnet_conditioning_scale: float = 1.0
    control_guidance_end: float = 1.0
    fill_original: bool = True
    lora_scale: float | None = None  # of the model's LoRA of ink; None is without it


def draw(scene: Scene) -> Rgb:
    """uint8 (SIDE, SIDE, 3)."""
    pixels = render([scene], SIDE)[0].permute(1, 2, 0).numpy()
    return np.ascontiguousarray((pixels * 255).round().astype(np.uint8))


def generator(row: str, index: int) -> Generator:
    """Randomness of one case; the same for all settings of a row, so that they are compared."""
    return np.random.default_rng([*row.encode(), index])


def add_a_thing(index: int) -> Case:
    """An empty background, a mask with room to spare, and a thing of balanced colour and shape."""
    rng = generator("add", index)
    shape = SHAPES[index % len(SHAPES)]
    colour = COLOURS[index // len(SHAPES) % len(COLOURS)]
    background = _background_for(rng, colour)
    thing = sample_thing(rng, background, shape=shape, colour=colour, radius=(0.17, 0.3))
    return Case(
        picture=draw(Scene(background)),
        mask=around(thing, rng),
        prompt=f"{_article(colour)} {colour} {shape}",
        background=background,
        thing=thing,
        truth=draw(Scene(background, (thing,))),
        seed=1000 + index,
    )


def exchange(index: int) -> Case:
    """A thing that stands there, and another colour and shape in its place."""
    case = add_a_thing(index)
    rng = generator("exchange", index)
    assert case.thing is not None
    others = [c for c in clear_colours(case.background) if c != case.thing.colour]
    colour = str(rng.choice(others))
    shape = str(rng.choice([s for s in SHAPES if s != case.thing.shape]))
    wanted = replace(case.thing, shape=shape, colour=colour)
    return replace(
        case,
        picture=case.truth if case.truth is not None else case.picture,
        prompt=f"{_article(colour)} {colour} {shape}",
        old=case.thing,
        thing=wanted,
        truth=None,
    )


def removal(index: int) -> Case:
    """One of one to three things is painted over; the prompt is set by the row.

    A tenth of the picture at least stays seen, so that there is a background to continue.
    """
    rng = generator("removal", index)
    kind = BACKGROUNDS[index % len(BACKGROUNDS)]
    scene = sample_scene(rng, 1 + index % 3, sample_background(rng, kind))
    old = scene.things[0]
    mask = around(old, rng, slack=0.3)
    while _touched(mask) > 1 - SEEN:
        mask = around(old, rng, slack=0.3)
    kept = tuple(t for t in scene.things[1:] if not _reaches(mask, t))
    return Case(
        picture=draw(Scene(scene.background, (old, *kept))),
        mask=mask,
        prompt="",
        background=scene.background,
        old=old,
        truth=draw(Scene(scene.background, kept)),
        seed=2000 + index,
    )


def outpaint(index: int, share: float) -> Case:
    """The source is widened by `share` of its own side; on one side, or on all four."""
    rng = generator("outpaint", index)
    background = sample_background(rng, BACKGROUNDS[index % len(BACKGROUNDS)])
    picture = draw(Scene(background))
    mask = np.zeros((SIDE, SIDE), np.uint8)
    side = index // len(BACKGROUNDS) % 5
    if side < 4:
        width = round(SIDE * share / (1 + share))
        strips = (np.s_[:, :width], np.s_[:, -width:], np.s_[:width], np.s_[-width:])
        mask[strips[side]] = 255
    else:
        width = round(SIDE * share / (1 + 2 * share))
        mask[:] = 255
        mask[width:-width, width:-width] = 0
    return Case(
        picture=picture,
        mask=mask,
        prompt="",
        background=background,
        truth=picture,
        seed=3000 + index,
    )


def from_nothing(index: int) -> Case:
    """The whole picture from its words: one thing on a background."""
    rng = generator("text", index)
    shape = SHAPES[index % len(SHAPES)]
    colour = COLOURS[index // len(SHAPES) % len(COLOURS)]
    background = _background_for(rng, colour)
    words = " and ".join(background.colours)
    prompt = f"{_article(colour)} {colour} {shape} on a {background.kind} {words} background"
    return Case(
        picture=np.full((SIDE, SIDE, 3), 128, np.uint8),
        mask=np.full((SIDE, SIDE), 255, np.uint8),
        prompt=prompt,
        background=background,
        thing=Thing(shape, colour, (0.0, 0.0, 0.0), 0.5, 0.5, 0.25),
        seed=4000 + index,
    )


def add_without_black(index: int) -> Case:
    """`add_a_thing`, but never in black, whose own dark would pass for ink."""
    every = range(len(SHAPES) * len(COLOURS))
    chosen = [i for i in every if COLOURS[i // len(SHAPES)] != "black"]
    return add_a_thing(chosen[index % len(chosen)] + len(every) * (index // len(chosen)))


def guided_by_edges(index: int) -> Case:
    """`add_a_thing`, with the edges of the true scene as the control map."""
    case = add_a_thing(index)
    assert case.truth is not None
    edges = cv2.Canny(case.truth, 100, 200)
    return replace(case, control=np.repeat(edges[:, :, None], 3, axis=2).astype(np.uint8))


def guided_by_segments(index: int) -> Case:
    """`add_a_thing`, with the semantic map of the true scene as the control map."""
    case = add_a_thing(index)
    assert case.thing is not None
    segments = segmentation([Scene(case.background, (case.thing,))], SIDE)[0]
    pixels = (segments.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    return replace(case, control=np.ascontiguousarray(pixels))


def avoiding(colour: str, negative_prompt: str) -> Callable[[int], Case]:
    """A shape without a colour, and what must not come."""

    def make(index: int) -> Case:
        rng = generator("avoid", index)
        background = _background_for(rng, colour)
        shape = SHAPES[index % len(SHAPES)]
        thing = sample_thing(rng, background, shape=shape, colour=colour, radius=(0.17, 0.3))
        return Case(
            picture=draw(Scene(background)),
            mask=around(thing, rng),
            prompt=f"a {shape}",
            negative_prompt=negative_prompt,
            background=background,
            thing=thing,
            seed=5000 + index,
        )

    return make


def around(thing: Thing, rng: Generator, slack: float = 0.6) -> Grey:
    """A loose rectangle or ellipse around a thing, with a margin of up to `slack` of its extent."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64) / SIDE
    reach = thing.extent + 0.02
    if rng.random() < 0.6:
        left, right, top, bottom = reach + rng.uniform(0.05, slack, 4) * thing.extent
        inside = (columns > thing.x - left) & (columns < thing.x + right)
        inside &= (rows > thing.y - top) & (rows < thing.y + bottom)
    else:
        wide, high = reach * rng.uniform(1.1, 1 + slack, 2)
        inside = ((columns - thing.x) / wide) ** 2 + ((rows - thing.y) / high) ** 2 < 1
    return inside.astype(np.uint8) * np.uint8(255)


def _background_for(rng: Generator, colour: str) -> Background:
    kinds: Sequence[str] = BACKGROUNDS
    while True:
        background = sample_background(rng, str(rng.choice(kinds)))
        if colour in clear_colours(background):
            return background


def _reaches(mask: Grey, thing: Thing) -> bool:
    """Whether the mask, or what is repainted around it (up to 15 px), touches the thing."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64) / SIDE
    near = np.hypot(columns - thing.x, rows - thing.y) < thing.extent + 20 / SIDE
    return bool((mask[near] > 0).any())


def _touched(mask: Grey) -> float:
    """The part of the picture in cells that the mask touches: what a model cannot see."""
    return float(touched_cells(mask, CELL).astype(bool).mean())


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"
