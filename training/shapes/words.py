"""The words of the world: colours, shapes, backgrounds, and what people say for them.

Every list is what the captions are made of; the tokenizer takes `vocabulary()`, so that each of
these words is one token.
"""

from collections.abc import Mapping
from typing import Final

# sRGB in 0..255. A thing or a background varies around these by a few levels.
PALETTE: Final[Mapping[str, tuple[int, int, int]]] = {
    "red": (214, 38, 38),
    "orange": (245, 140, 25),
    "yellow": (245, 225, 50),
    "green": (40, 160, 60),
    "blue": (40, 80, 215),
    "purple": (140, 50, 175),
    "white": (245, 245, 245),
    "black": (22, 22, 22),
}
COLOURS: Final = tuple(PALETTE)
SHAPES: Final = ("circle", "square", "triangle", "star", "ring")
BACKGROUNDS: Final = ("plain", "gradient", "striped", "checkered", "dotted", "cloudy")

# The first word of each is the usual one.
SHAPE_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "circle": ("circle", "disc", "ball", "disk"),
    "square": ("square", "box"),
    "triangle": ("triangle",),
    "star": ("star",),
    "ring": ("ring", "donut"),
}
COLOUR_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    colour: (colour, *{"purple": ("violet",)}.get(colour, ())) for colour in COLOURS
}
# "a {adjective} blue background" and "blue {noun}".
BACKGROUND_ADJECTIVES: Final[Mapping[str, tuple[str, ...]]] = {
    "plain": ("plain", "flat"),
    "gradient": ("gradient",),
    "striped": ("striped",),
    "checkered": ("checkered", "chequered"),
    "dotted": ("dotted",),
    "cloudy": ("cloudy",),
}
BACKGROUND_NOUNS: Final[Mapping[str, tuple[str, ...]]] = {
    "plain": ("background", "wall"),
    "gradient": ("gradient",),
    "striped": ("stripes",),
    "checkered": ("checks", "checkerboard"),
    "dotted": ("dots",),
    "cloudy": ("clouds",),
}
SIZE_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "small": ("small", "little"),
    "big": ("big", "large"),
}
POSITION_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "left": ("on the left", "at the left"),
    "right": ("on the right", "at the right"),
    "top": ("at the top", "above"),
    "bottom": ("at the bottom", "below"),
    "centre": ("in the centre", "in the center", "in the middle"),
}
NOTHING: Final = (
    "nothing",
    "empty",
    "background",
    "empty background",
    "the background",
    "no object",
)
OPENINGS: Final = ("a photo of", "a picture of", "a drawing of", "an image of")
ENDINGS: Final = ("high quality", "best quality", "detailed", "beautiful", "nice")
ANY_SHAPE: Final = ("shape", "object", "thing")

_OTHERS: Final = "a an and with on in of the at to no something only , ."


def vocabulary() -> tuple[str, ...]:
    """Every word that captions use, and the two signs, each once, sorted."""
    phrases = [_OTHERS, *NOTHING, *OPENINGS, *ENDINGS, *ANY_SHAPE, "texture pattern photo"]
    for table in (
        SHAPE_WORDS,
        COLOUR_WORDS,
        BACKGROUND_ADJECTIVES,
        BACKGROUND_NOUNS,
        SIZE_WORDS,
        POSITION_WORDS,
    ):
        phrases.extend(phrase for words in table.values() for phrase in words)
    return tuple(sorted({word for phrase in phrases for word in phrase.split()}))
