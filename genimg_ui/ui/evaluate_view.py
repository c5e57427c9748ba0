"""The Evaluate tab as plain JSON values."""

import time
from collections.abc import Iterable
from typing import Any

from genimg_ui.evaluations.choices import Lack, choices
from genimg_ui.evaluations.kept import Evaluation, State, protocols
from genimg_ui.evaluations.runs import Evaluations
from genimg_ui.judging.agreement import Agreement
from genimg_ui.judging.outcome import Outcome, Tally
from genimg_ui.judging.ranking import Ranking, Strength
from genimg_ui.judging.study import INSTRUCTIONS, Study
from genimg_ui.registry import Registry
from genimg_ui.ui.views import Link

Json = dict[str, Any]
ABSENT = "{} cannot be used here yet: the Models tab says why."
MEASURED = "Results as they are"
RATER_PAGE = "judge/{}"  # the address of a study, relative to the page
ENDINGS = {
    State.STOPPING: "Stopping after the case that runs …",
    State.STOPPED: "Stopped. What was made is kept.",
    State.DONE: "Done.",
}


def told(kind: str, text: str) -> Json:
    """What came of the last thing that was asked."""
    return {"kind": kind, "text": text, "at": time.monotonic()}


def form(
    registry: Registry, lack: Lack, runs: Iterable[tuple[str, str]], evaluations: Evaluations
) -> Json:
    """What can be chosen: runs of the session, protocols, models that are here."""
    found = choices(registry, lack)
    return {
        "runs": [list(run) for run in runs],
        "instructions": INSTRUCTIONS,
        "closed": evaluations.closed,
        "protocols": list(protocols()),
        "models": [{"id": spec.id, "title": spec.title} for spec in found.usable],
        "absent": ABSENT.format(_count(found.absent, "more model")) if found.absent else "",
    }


def study_view(study: Study, outcome: Outcome) -> Json:
    """One study with what came of it."""
    cases = len({study.items[pair.first].case for pair in study.pairs})
    pictures = {place for pair in study.pairs for place in (pair.first, pair.second)}
    return {
        "id": study.id,
        "title": study.title,
        "link": RATER_PAGE.format(study.id),
        "facts": (
            f"{study.created[:16].replace('T', ' ')} UTC · {len(study.players)} compared · "
            f"{_count(len(study.pairs), 'pair')} of {_count(len(pictures), 'picture')} in "
            f"{_count(cases, 'case')} · seed {study.seed}"
        ),
        "state": (
            f"{_count(outcome.raters, 'rater')}, {outcome.finished} with all pairs; "
            f"{_count(outcome.answers, 'answer')}"
        ),
        "rows": _rows(outcome),
        "how": HOW if outcome.ranking is not None else "",
        "note": outcome.note if outcome.answers else "",
        "agreement": agreement_text(outcome.agreement) if outcome.answers else "",
    }


HOW = (
    "Strength: natural logarithm by Bradley and Terry, 0 on average, with its 95 % interval (Wald, "
    "from the information matrix). A tie counts as half a win; “both bad” ranks nobody."
)


def agreement_text(agreement: Agreement) -> str:
    """How far raters agree, in a sentence."""
    if agreement.same is None:
        return f"Agreement: {agreement.sentence}"
    over = f"over {_count(agreement.units, 'pair')} with two answers or more"
    same = f"two raters say the same in {agreement.same:.0%}"
    if agreement.alpha is None:
        return f"Agreement: {same}, {over}. {agreement.sentence}"
    return f"Agreement: Krippendorff's alpha {agreement.alpha:.2f} (nominal); {same}, {over}."


def evaluation_view(one: Evaluation, titles: dict[str, str], link: Link) -> Json:
    """One evaluation: what it is of, how far it is, its report."""
    kept, wanted = one.kept, one.kept.wanted
    pictures = wanted.pictures or "the protocol's pictures"
    if kept.own_results:
        pictures = f"{_count(kept.own_results, 'result')} of this session"
    protocol = wanted.protocol.replace("\\", "/").rsplit("/", 1)[-1]
    title = f"{protocol}: {', '.join(titles.get(name, name) for name in wanted.models)}"
    report = ""
    if one.report is not None:
        report = f"{link(one.report)}?at={one.report.stat().st_mtime_ns}"
    return {
        "id": kept.id,
        "title": MEASURED if wanted.as_they_are else title,
        "facts": f"{kept.created[:16].replace('T', ' ')} UTC · {pictures}",
        "state": str(one.state),
        "text": _evaluation_text(one),
        "fraction": one.fraction if one.state.active else None,
        "report": report,
        "stop": one.state is State.RUNNING,
        "resume": one.state in (State.STOPPED, State.FAILED),
        "removal": not one.state.active,
        "judge": one.state is State.DONE,
    }


def _evaluation_text(one: Evaluation) -> str:
    if one.state is State.RUNNING:
        return one.text or "Starting …"
    if one.state is State.FAILED:
        return one.text or "It ended before it said anything."
    ending = ENDINGS[one.state]
    return f"{ending} {one.fraction:.0%} of its cases." if one.state is State.STOPPED else ending


def _rows(outcome: Outcome) -> list[Json]:
    """The ranked first, then who has no rank yet."""
    tallies = {tally.player: tally for tally in outcome.tallies}
    if outcome.ranking is None:
        return [_row(tally) for tally in outcome.tallies]
    ranked = [_row(tallies[row.player], row, outcome.ranking) for row in outcome.ranking.strengths]
    known = {row["player"] for row in ranked}
    return ranked + [_row(tally) for tally in outcome.tallies if tally.player not in known]


def _row(tally: Tally, strength: Strength | None = None, ranking: Ranking | None = None) -> Json:
    row: Json = {
        "player": tally.player,
        "counts": [tally.won, tally.lost, tally.tied, tally.both_bad],
        "strength": "",
        "bar": None,
    }
    if strength is not None and ranking is not None:
        low = min(each.low for each in ranking.strengths)
        width = max(each.high for each in ranking.strengths) - low
        places = (strength.low, strength.strength, strength.high)
        row["strength"] = (
            f"{strength.strength:+.2f} [{strength.low:+.2f}, {strength.high:+.2f}]".replace(
                "-", "−"
            )
        )
        row["bar"] = [round(100 * (place - low) / width, 2) if width else 50.0 for place in places]
    return row


def _count(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"
