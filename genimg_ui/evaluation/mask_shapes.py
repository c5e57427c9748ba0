"""The four kinds of masks and their numbers. Shares are of the picture's area or sides."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangles:
    """Upright rectangles, drawn again until their union covers a share within `cover`."""

    kind: ClassVar[str] = "rectangles"
    count: tuple[int, int] = (1, 3)
    side: tuple[float, float] = (0.12, 0.48)  # of the picture's height and width
    cover: tuple[float, float] = (0.02, 0.25)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strokes:
    """Thick brush strokes after the random thick masks of LaMa (Suvorov et al. 2022).

    Lengths and widths are in pixels of a picture whose shorter side has 256.
    """

    kind: ClassVar[str] = "strokes"
    count: tuple[int, int] = (1, 5)
    segments: tuple[int, int] = (1, 5)  # of each stroke
    length: tuple[float, float] = (10, 210)
    width: tuple[float, float] = (5, 105)
    cover: tuple[float, float] = (0.05, 0.40)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """One smooth outline like that of an object: a circle with random low harmonics."""

    kind: ClassVar[str] = "blob"
    cover: tuple[float, float] = (0.03, 0.15)
    roughness: float = 0.28  # standard deviation of the first harmonic, as a share of the radius
    elongation: float = 0.25  # standard deviation of the logarithm of the ratio of the axes


@dataclass(frozen=True, slots=True, kw_only=True)
class Border:
    """A band along one side of the picture, as outpainting has it."""

    kind: ClassVar[str] = "border"
    share: float = 0.25  # of the picture's width or height
    sides: tuple[str, ...] = ("left", "right", "top", "bottom")  # one of these by chance


MaskShape = Rectangles | Strokes | Blob | Border
SHAPES: tuple[type[MaskShape], ...] = (Rectangles, Strokes, Blob, Border)
