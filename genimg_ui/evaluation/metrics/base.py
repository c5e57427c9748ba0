"""What a metric is, what it is given, and what it answers where it has no number."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from genimg_ui.errors import RefusedInput

Rgb = NDArray[np.uint8]


class Direction(StrEnum):
    """Which way a metric gets better."""

    HIGHER = "higher"
    LOWER = "lower"
    ONE = "one"
    """Nearer to 1: both less and more are worse."""

    def cost(self, value: float) -> float:
        """The value so turned that less is better, and differences keep the metric's unit."""
        if self is Direction.ONE:
            return abs(value - 1)
        return -value if self is Direction.HIGHER else value


class Region(StrEnum):
    """What a metric looks at."""

    HOLE = "hole"
    """The pixels under the mask of one result, beside those of the original."""
    OUTSIDE = "outside"
    """The pixels that the mask locks, beside those of the original."""
    WHOLE = "whole"
    """All pixels of one result, beside those of the original."""
    PAIR_FREE = "pair-free"
    """One result with its mask or prompt; the original is not looked at."""
    SET = "set"
    """All results of a model together, beside all originals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric of the catalogue.

    `name` is its key in protocols, results and tables; `title` is what people read; `needs` says
    in a few words what must be there beside the pictures, "" for nothing.
    """

    name: str
    title: str
    direction: Direction
    region: Region
    unit: str = ""
    needs: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A result beside what was there before, with the mask between them.

    `result` and `original` are uint8 RGB (height, width, 3) of one size. `mask` is uint8
    (height, width): what was to be filled, more than 0 inside the hole. Raises RefusedInput for
    anything else, so that no NaN or inf ever reaches a metric.
    """

    result: Rgb
    original: Rgb
    mask: NDArray[np.uint8]
    prompt: str = ""

    def __post_init__(self) -> None:
        for name, array in (("result", self.result), ("original", self.original)):
            if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
                raise RefusedInput(
                    f"The {name} of a pair must be uint8 RGB (height, width, 3), "
                    f"got {array.dtype} {array.shape}."
                )
        if self.mask.dtype != np.uint8 or self.mask.ndim != 2:
            raise RefusedInput(
                "The mask of a pair must be uint8 (height, width), "
                f"got {self.mask.dtype} {self.mask.shape}."
            )
        sizes = {self.result.shape[:2], self.original.shape[:2], self.mask.shape}
        if len(sizes) > 1 or 0 in self.mask.shape:
            raise RefusedInput(
                "Result, original and mask of a pair must have one size of at least 1 x 1, got "
                f"{self.result.shape[:2]}, {self.original.shape[:2]} and {self.mask.shape}."
            )

    @property
    def hole(self) -> NDArray[np.bool_]:
        """bool (height, width): what was to be filled."""
        return np.asarray(self.mask > 0)


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A metric that this machine cannot compute: the sentence names what to download where."""

    name: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Undefined:
    """A metric without a value for this pair or set; it is counted and left out of means."""

    name: str
    sentence: str


Score = float | Undefined


@dataclass(frozen=True, slots=True, kw_only=True)
class SetScore:
    """A metric of a whole set: its value over n results, and an interval around it.

    `low` and `high` are None where n is too small for an interval.
    """

    value: Score
    n: int
    low: float | None = None
    high: float | None = None
