"""What came of a replay, as plain values that travel as JSON."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from genimg_ui.core.difference import Difference


class Verdict(StrEnum):
    """The three ends of a replay."""

    IDENTICAL = "identical"
    DIFFERS = "differs"
    REFUSED = "refused"
    """It could not run, or there is nothing to compare with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedResult:
    """What came of one variant; `sentence` says it in words.

    `difference` is None where the pixels are the same or cannot be compared one by one;
    `heat_map` is the path of the picture that shows where they differ, "" where there is none.
    """

    seed: int
    verdict: Verdict
    sentence: str
    difference: Difference | None = None
    heat_map: str = ""

    @property
    def identical(self) -> bool:
        return self.verdict is Verdict.IDENTICAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of one entry.

    `changes` names in words what is not as the entry says (versions, device, kernel, request),
    also where the pixels are the same. `reason` says why it could not run.
    """

    entry: str
    verdict: Verdict
    results: tuple[ReplayedResult, ...] = ()
    changes: tuple[str, ...] = ()
    reason: str = ""

    def sentences(self) -> list[str]:
        """The whole in words, a line each."""
        if self.verdict is Verdict.REFUSED:
            return [f"cannot run: {self.reason}"]
        lines = [result.sentence for result in self.results]
        if self.changes and self.verdict is Verdict.IDENTICAL:
            lines.append(f"although {'; '.join(self.changes)}")
        return lines


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """A difference outweighs what could not run; REFUSED where there is nothing at all."""
    found = set(verdicts)
    for verdict in (Verdict.DIFFERS, Verdict.REFUSED):
        if verdict in found:
            return verdict
    return Verdict.IDENTICAL if found else Verdict.REFUSED
