"""How far raters agree: Krippendorff's alpha for nominal values, right where answers are missing.

alpha = 1 - (n - 1) (n - sum o_cc) / (n² - sum n_c²) over the matrix of coincidences o
(Krippendorff, Content Analysis, 4th edition, section 12.3). 1: always the same answer; 0: as by
chance; below 0: less than by chance.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """`alpha` is None where it is not defined, and `sentence` says why."""

    alpha: float | None
    units: int  # pairs that two raters or more have answered
    same: float | None  # share of two answers to one pair that are the same, over all such twos
    sentence: str = ""


def krippendorff(units: Iterable[Sequence[Hashable]]) -> Agreement:
    """Agreement over `units`, each the values that it got, from as many raters as there were."""
    agreeing = 0.0  # the sum of o_cc
    counts: Counter[Hashable] = Counter()  # n_c
    compared, twos, equal = 0, 0, 0
    for values in units:
        size = len(values)
        if size < 2:
            continue
        compared += 1
        twos += size * (size - 1)
        for value, count in Counter(values).items():
            counts[value] += count
            agreeing += count * (count - 1) / (size - 1)
            equal += count * (count - 1)
    if not compared:
        return Agreement(alpha=None, units=0, same=None, sentence="No pair has two answers yet.")
    total = sum(counts.values())
    expected = total * total - sum(count * count for count in counts.values())
    same = equal / twos
    if not expected:
        return Agreement(
            alpha=None,
            units=compared,
            same=same,
            sentence="All answers are the same, so nothing tells agreement from habit.",
        )
    observed = total - agreeing
    alpha = 1 - (total - 1) * observed / expected
    return Agreement(alpha=alpha, units=compared, same=same)
