"""What the answers of a study say: ranking, agreement, counts."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from genimg_ui.errors import RefusedInput
from genimg_ui.judging.agreement import Agreement, krippendorff
from genimg_ui.judging.answers import Answer, Choice, latest
from genimg_ui.judging.ranking import Comparison, Ranking, rank
from genimg_ui.judging.study import Study

PRIOR = 1.0  # ties added between players that met, where plain maximum likelihood has no end


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How one player fared, in answers."""

    player: str
    won: int = 0
    lost: int = 0
    tied: int = 0
    both_bad: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`ranking` is None where there is none, and `note` says why, or how it was reached."""

    raters: int
    finished: int  # raters who have answered every pair
    answers: int
    tallies: tuple[Tally, ...]
    ranking: Ranking | None
    note: str
    agreement: Agreement


def outcome_of(study: Study, answers: Sequence[Answer]) -> Outcome:
    """The outcome of what was answered so far; answers to strange pairs are left out.

    "Both bad" says nothing of which is better: it is counted apart, and ranks nobody.
    """
    known = {pair.id: pair for pair in study.pairs}
    counted = [answer for answer in latest(answers) if answer.pair in known]
    by_rater: dict[str, int] = defaultdict(int)
    units: dict[int, list[str]] = defaultdict(list)
    counts = {name: [0, 0, 0, 0] for name in study.players}
    comparisons = []
    for answer in counted:
        pair = known[answer.pair]
        first, second = (study.items[n].player for n in (pair.first, pair.second))
        by_rater[answer.rater] += 1
        units[pair.id].append(_value(answer))
        prefers = answer.prefers_first
        for name, won in ((first, prefers), (second, None if prefers is None else not prefers)):
            counts[name][_column(answer.choice, won)] += 1
        if answer.choice is not Choice.BOTH_BAD:
            score = 0.5 if prefers is None else float(prefers)
            comparisons.append(Comparison(first, second, score))
    ranking, note = _rank(comparisons, study.players)
    return Outcome(
        raters=len(by_rater),
        finished=sum(count == len(study.pairs) for count in by_rater.values()),
        answers=len(counted),
        tallies=tuple(
            Tally(player=name, won=won, lost=lost, tied=tied, both_bad=bad)
            for name, (won, lost, tied, bad) in counts.items()
        ),
        ranking=ranking,
        note=note,
        agreement=krippendorff(units.values()),
    )


def _rank(comparisons: Sequence[Comparison], players: Sequence[str]) -> tuple[Ranking | None, str]:
    met = {name for each in comparisons for name in (each.one, each.two)}
    missing = [name for name in players if name not in met]
    note = f"Not compared yet: {', '.join(missing)}." if missing and met else ""
    try:
        return rank(comparisons), note
    except RefusedInput as problem:
        plain = problem
    try:
        ranking = rank(comparisons, prior=PRIOR)
    except RefusedInput:
        return None, f"{plain} {note}".strip()
    told = (
        f"{plain.sentence} One tie was therefore added between each two who met, which draws all "
        "strengths together."
    )
    return ranking, f"{told} {note}".strip()


def _value(answer: Answer) -> str:
    """The answer, said of the pair's items rather than of sides."""
    prefers = answer.prefers_first
    return str(answer.choice) if prefers is None else ("first" if prefers else "second")


def _column(choice: Choice, won: bool | None) -> int:
    if choice is Choice.BOTH_BAD:
        return 3
    return 2 if won is None else 0 if won else 1
