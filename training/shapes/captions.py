"""What a person would write for a scene or for a part of it, and what those words ask for.

The empty caption always means the background alone: a caption of things is never dropped to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from numpy.random import Generator

from training.shapes.scenes import Background, Scene, Thing
from training.shapes.words import (
    ANY_SHAPE,
    BACKGROUND_ADJECTIVES,
    BACKGROUND_NOUNS,
    COLOUR_WORDS,
    ENDINGS,
    NOTHING,
    OPENINGS,
    POSITION_WORDS,
    SHAPE_WORDS,
    SIZE_WORDS,
)

SMALL_BELOW: Final = 0.2  # of `Thing.radius`
BIG_ABOVE: Final = 0.27
_ASIDE: Final = 0.38  # a centre below this, or above 1 - this, is at a side
# How often a thing is called only by its shape, only by its colour; with its size; its position.
_SHAPE_ONLY, _COLOUR_ONLY, _SIZED, _PLACED = 0.12, 0.08, 0.25, 0.12
_OPENED, _ENDED = 0.06, 0.04
# How often a caption of the background alone is empty; says that nothing is there.
_SILENT, _DENIED = 0.48, 0.22


@dataclass(frozen=True)
class Mention:
    """What a caption says of one thing; None is what it leaves open."""

    shape: str | None
    colour: str | None
    size: str | None = None
    position: str | None = None


@dataclass(frozen=True)
class Caption:
    """A text, and all that it asks for: things in the order of the text, and the background."""

    text: str
    mentions: tuple[Mention, ...] = ()
    kind: str | None = None
    colours: tuple[str, ...] = ()


def caption(scene: Scene, things: Sequence[Thing], rng: Generator, *, background: bool) -> str:
    """The text of `describe`."""
    return describe(scene, things, rng, background=background).text


def describe(scene: Scene, things: Sequence[Thing], rng: Generator, *, background: bool) -> Caption:
    """A caption of these things of a scene, in any order, and of its background if asked for.

    Without things it is a caption of the background alone, whatever `background` says.
    """
    if not things:
        return describe_background(scene.background, rng)
    said = [_thing(things[int(i)], rng) for i in rng.permutation(len(things))]
    joint = " and " if len(said) < 3 or rng.random() < 0.5 else " , "
    text = joint.join(words for words, _ in said)
    mentions = tuple(mention for _, mention in said)
    if not background:
        return Caption(_framed(text, rng), mentions)
    words, kind, colours = _background(scene.background, rng)
    text = f"{text} on {words}" if rng.random() < 0.85 else f"{words} with {text}"
    return Caption(_framed(text, rng), mentions, kind, colours)


def describe_background(background: Background, rng: Generator) -> Caption:
    """A caption of the background alone: about half are empty, others deny things or name it."""
    draw = rng.random()
    if draw < _SILENT:
        return Caption("")
    if draw < _SILENT + _DENIED:
        return Caption(_one(NOTHING, rng))
    words, kind, colours = _background(background, rng)
    return Caption(_framed(words, rng), (), kind, colours)


def size_of(thing: Thing) -> str | None:
    """The word for its size, None in between."""
    if thing.radius < SMALL_BELOW:
        return "small"
    return "big" if thing.radius > BIG_ABOVE else None


def position_of(thing: Thing) -> str | None:
    """The word for its place: the side that it is nearest to, the centre, or None in between."""
    places = {"left": thing.x, "right": 1 - thing.x, "top": thing.y, "bottom": 1 - thing.y}
    side = min(places, key=lambda name: places[name])
    if places[side] < _ASIDE:
        return side
    return "centre" if places[side] > (_ASIDE + 0.5) / 2 else None


def _one(words: Sequence[str], rng: Generator) -> str:
    """Mostly the first word, which is the usual one."""
    return words[0] if rng.random() < 0.7 else words[int(rng.integers(len(words)))]


def _with_article(words: str, rng: Generator) -> str:
    if rng.random() < 0.2:
        return words
    return ("an " if words[0] in "aeiou" else "a ") + words


def _thing(thing: Thing, rng: Generator) -> tuple[str, Mention]:
    draw = rng.random()
    shape = None if draw < _COLOUR_ONLY else thing.shape
    colour = None if _COLOUR_ONLY <= draw < _COLOUR_ONLY + _SHAPE_ONLY else thing.colour
    size = size_of(thing) if rng.random() < _SIZED else None
    position = position_of(thing) if rng.random() < _PLACED else None
    adjectives = [_one(SIZE_WORDS[size], rng)] if size else []
    if colour:
        adjectives.append(_one(COLOUR_WORDS[colour], rng))
    if shape is None and rng.random() < 0.5:
        words = " ".join(["something", *adjectives])
    else:
        noun = _one(SHAPE_WORDS[shape] if shape else ANY_SHAPE, rng)
        words = _with_article(" ".join([*adjectives, noun]), rng)
    if position:
        words = f"{words} {_one(POSITION_WORDS[position], rng)}"
    return words, Mention(shape, colour, size, position)


def _background(background: Background, rng: Generator) -> tuple[str, str | None, tuple[str, ...]]:
    """Words for it, and what they say of its kind and its colours."""
    kind = background.kind
    colours = background.colours if rng.random() < 0.85 else background.colours[:1]
    adjective = _one(BACKGROUND_ADJECTIVES[kind], rng)
    named = " and ".join(_one(COLOUR_WORDS[colour], rng) for colour in colours)
    draw = rng.random()
    if draw < 0.1:
        return _with_article(f"{named} background", rng), None, colours
    if draw < 0.2:
        return _with_article(f"{adjective} background", rng), kind, ()
    if draw < 0.5:
        noun = _one(BACKGROUND_NOUNS[kind], rng)
        words = f"{named} {noun}"
        kind_said = None if kind == "plain" else kind  # "a red wall" may be of any kind
        many = noun.endswith("s")
        return words if many else _with_article(words, rng), kind_said, colours
    words = f"{adjective} {named}" if draw < 0.8 else f"{named} {adjective}"
    return _with_article(f"{words} background", rng), kind, colours


def _framed(text: str, rng: Generator) -> str:
    """The text, sometimes with the words that people put around every prompt."""
    if rng.random() < _OPENED:
        text = f"{_one(OPENINGS, rng)} {text}"
    if rng.random() < _ENDED:
        text = f"{text} , {_one(ENDINGS, rng)}"
    return text
