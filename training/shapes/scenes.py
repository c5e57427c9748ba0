"""Scenes of the world: one background and up to three things that do not touch.

Lengths are fractions of the picture's side, x to the right and y down; angles are radians; colours
are sRGB in 0..1. A scene has no size in pixels: `render` gives it one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.random import Generator

from training.shapes.words import BACKGROUNDS, COLOURS, PALETTE, SHAPES

Rgb = tuple[float, float, float]
T = TypeVar("T")

MIN_RADIUS: Final = 0.14
MAX_RADIUS: Final = 0.36
# Circumradius in units of `Thing.radius`, so that all shapes look about equally large.
EXTENT: Final = {"circle": 1.0, "square": 1.15, "triangle": 1.2, "star": 1.2, "ring": 1.0}
_PALETTE: Final = np.array(list(PALETTE.values())) / 255
_JITTER: Final = 8 / 255  # of a colour around the palette's
_CLEAR: Final = 60 / 255  # least distance between a thing's colour and any of its background
_MOST: Final = {1: MAX_RADIUS, 2: 0.28, 3: 0.22}  # largest radius by the number of things
_PERIODS: Final = {"striped": (0.17, 0.3), "checkered": (0.11, 0.2), "dotted": (0.17, 0.26)}


@dataclass(frozen=True)
class Background:
    """What fills the picture behind the things.

    `second` is None where the second colour is a shade of the first. `period` is the distance
    between stripes or dots, the side of a check, or the coarsest cell of clouds; `phase` shifts the
    pattern by a part of its period; `seed` makes the clouds.
    """

    kind: str
    first: str
    second: str | None
    first_rgb: Rgb
    second_rgb: Rgb
    angle: float = 0.0
    period: float = 0.2
    phase: tuple[float, float] = (0.0, 0.0)
    seed: int = 0

    @property
    def colours(self) -> tuple[str, ...]:
        """The names of its one or two colours."""
        return (self.first,) if self.second is None else (self.first, self.second)


@dataclass(frozen=True)
class Thing:
    """One thing; `radius` sets its size, `extent` is how far it reaches from its centre."""

    shape: str
    colour: str
    rgb: Rgb
    x: float
    y: float
    radius: float
    rotation: float = 0.0

    @property
    def extent(self) -> float:
        """Radius of the smallest circle around its centre that holds it."""
        return self.radius * EXTENT[self.shape]


@dataclass(frozen=True)
class Scene:
    """A background and the things on it; a later thing would cover an earlier one."""

    background: Background
    things: tuple[Thing, ...] = ()


def _choose(rng: Generator, options: Sequence[T]) -> T:
    return options[int(rng.integers(len(options)))]


def _varied(rng: Generator, colour: str) -> Rgb:
    shift = rng.random(3).tolist()
    r, g, b = (
        min(max(level / 255 + (2 * s - 1) * _JITTER, 0.0), 1.0)
        for level, s in zip(PALETTE[colour], shift, strict=True)
    )
    return r, g, b


def darker(rgb: Rgb) -> Rgb:
    """The darker shade that a background may have as its second colour."""
    r, g, b = (0.7 * c for c in rgb)
    return r, g, b


def lighter(rgb: Rgb) -> Rgb:
    """The lighter shade that a background may have as its second colour."""
    r, g, b = (c + 0.36 * (1 - c) for c in rgb)
    return r, g, b


def _shade(rng: Generator, colour: str, rgb: Rgb) -> Rgb:
    """A shade of a contrast that is seen and that does not hide things."""
    dark = colour == "white" or (colour != "black" and rng.random() < 0.5)
    return darker(rgb) if dark else lighter(rgb)


def sample_background(
    rng: Generator,
    kind: str | None = None,
    first: str | None = None,
    second: str | None = None,
) -> Background:
    """A background at random, where not said of one kind and of one or two colours.

    Without `second`, one in four has a second colour and the others a shade of the first.
    """
    kind = kind or _choose(rng, BACKGROUNDS)
    first = first or _choose(rng, [c for c in COLOURS if c != second])
    if second is None and kind != "plain" and rng.random() < 0.25:
        second = _choose(rng, [c for c in COLOURS if c != first])
    first_rgb = _varied(rng, first)
    second_rgb = _varied(rng, second) if second else _shade(rng, first, first_rgb)
    eighth = np.pi / 4
    angle = {
        "gradient": rng.uniform(0, 2 * np.pi),
        "striped": eighth * rng.integers(4),
        "dotted": eighth * rng.integers(2),
    }.get(kind, 0.0)
    period = rng.uniform(*_PERIODS[kind]) if kind in _PERIODS else 1 / rng.integers(3, 6)
    phase = (float(rng.random()), float(rng.random()))
    seed = int(rng.integers(2**31))
    return Background(
        kind, first, second, first_rgb, second_rgb, float(angle), float(period), phase, seed
    )


def clear_colours(background: Background) -> tuple[str, ...]:
    """The colours that a thing can have on this background and still stand out from all of it."""
    start, end = np.array(background.first_rgb), np.array(background.second_rgb)
    line = np.zeros(3) if background.kind == "plain" else end - start
    offset = _PALETTE - start
    along = np.clip(offset @ line / max(float(line @ line), 1e-9), 0, 1)
    distance = np.linalg.norm(offset - along[:, None] * line, axis=1)
    near = (d < _CLEAR for d in distance.tolist())
    named = background.colours
    return tuple(
        c for c, hidden in zip(COLOURS, near, strict=True) if not hidden and c not in named
    )


def sample_thing(
    rng: Generator,
    background: Background,
    *,
    shape: str | None = None,
    colour: str | None = None,
    radius: tuple[float, float] = (MIN_RADIUS, MAX_RADIUS),
) -> Thing:
    """A thing at random, wholly inside the picture, in a colour that stands out.

    `shape` and `colour` are taken as said; `radius` is the range that its radius is drawn from.
    """
    shape = shape or _choose(rng, SHAPES)
    colour = colour or _choose(rng, clear_colours(background))
    size, x, y, turn = rng.random(4).tolist()
    size = radius[0] + (radius[1] - radius[0]) * size
    reach = size * EXTENT[shape] + 0.01
    x, y = (reach + (1 - 2 * reach) * v for v in (x, y))
    return Thing(shape, colour, _varied(rng, colour), x, y, size, 0.5 * turn - 0.25)


def touches(thing: Thing, other: Thing) -> bool:
    """Whether the circles around two things come closer than 3 % of the side."""
    apart = math.hypot(thing.x - other.x, thing.y - other.y)
    return apart < thing.extent + other.extent + 0.03


def sample_scene(
    rng: Generator, things: int | None = None, background: Background | None = None
) -> Scene:
    """A scene at random with 0 to 3 things, all of different colours; raises ValueError beyond."""
    if things is not None and not 0 <= things <= 3:
        raise ValueError(f"A scene has 0 to 3 things, not {things}.")
    background = background or sample_background(rng)
    count = int(rng.choice(4, p=[0.08, 0.5, 0.3, 0.12])) if things is None else things
    clear = clear_colours(background)
    placed: list[Thing] = []
    misses = 0
    while len(placed) < count:
        free = [c for c in clear if all(c != thing.colour for thing in placed)]
        colour = _choose(rng, free)
        thing = sample_thing(rng, background, colour=colour, radius=(MIN_RADIUS, _MOST[count]))
        if not any(touches(thing, other) for other in placed):
            placed.append(thing)
        elif (misses := misses + 1) % 20 == 0:
            placed.clear()  # what stands there leaves no room: begin again
    return Scene(background, tuple(placed))
