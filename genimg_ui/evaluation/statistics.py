"""Means with intervals, by model and mask kind; seeded, so that a report is the same twice."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A mean over `n` values with its 95 % interval; `undefined` counts values left out.

    `low` and `high` are None where fewer than two pictures were measured, `mean` where none was.
    """

    n: int
    mean: float | None
    low: float | None
    high: float | None
    undefined: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value of one metric: `group` is the picture it came from.

    Values of one picture (several masks, prompts, seeds) are no independent observations, so
    intervals draw pictures again, not values.
    """

    group: str
    value: float | None  # None: undefined for this case
