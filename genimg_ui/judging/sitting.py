"""One rater before one study: what is shown next, and what is answered. It names no player.

Progress is kept by the answers alone, so it is the same after a reload, and in any process.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from genimg_ui.errors import RefusedInput
from genimg_ui.history.names import utc_now
from genimg_ui.judging.answers import Answer, Choice, check_rater, latest
from genimg_ui.judging.studies import Studies
from genimg_ui.judging.study import Item, Shown, Study

MOST_RATERS = 1000  # of one study
LONGEST = 86_400.0  # seconds that one answer can have taken


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one rater sees. `left` and `right` are None once all pairs are answered."""

    title: str
    instructions: str
    place: int  # of the pair that is shown, counted from 0
    done: int  # answered pairs
    total: int
    pair: int | None = None
    prompt: str = ""
    left: Path | None = None
    right: Path | None = None
    said: Choice | None = None  # what this rater said of the pair before
    soon: tuple[Path, ...] = ()  # pictures of the next pair


class Sittings:
    """Raters before the studies of one data folder."""

    def __init__(self, studies: Studies) -> None:
        self._studies = studies

    def view(self, study_id: str, rater: str, place: int | None = None) -> View:
        """The pair at `place`; at most, and by default, the first that is not answered."""
        study = self._studies.study(study_id)
        schedule = study.schedule(check_rater(rater))
        said = self._said(study, rater)
        open_ = [n for n, shown in enumerate(schedule) if shown.pair not in said]
        first = open_[0] if open_ else len(schedule)
        at = first if place is None else min(max(place, 0), first)
        base = View(
            title=study.title,
            instructions=study.instructions,
            place=at,
            done=len(schedule) - len(open_),
            total=len(schedule),
        )
        return base if at == len(schedule) else self._shown(study, base, schedule, said)

    def answer(self, study_id: str, rater: str, pair: int, choice: str, seconds: float) -> None:
        """Keep what a rater says of a pair, which stands where their schedule has it."""
        study = self._studies.study(study_id)
        shown = {each.pair: each for each in study.schedule(check_rater(rater))}.get(pair)
        if shown is None:
            raise RefusedInput(f"A pair must be one of the {len(study.pairs)} here, got {pair!r}.")
        if choice not in tuple(Choice):
            raise RefusedInput(
                f"An answer must be one of {', '.join(Choice)}, got {str(choice)[:40]!r}."
            )
        if not math.isfinite(seconds) or not 0 <= seconds <= LONGEST:
            raise RefusedInput(f"The seconds must be in [0, {LONGEST:.0f}], got {seconds}.")
        log = self._studies.answers(study.id)
        raters = {each.rater for each in log.read()}
        if rater not in raters and len(raters) >= MOST_RATERS:
            raise RefusedInput(f"{MOST_RATERS} people have taken part, which is all. Thank you.")
        left, right = (study.items[place] for place in (shown.left, shown.right))
        log.append(
            Answer(
                rater=rater,
                pair=pair,
                first_left=shown.first_left,
                left=(left.entry, left.index),
                right=(right.entry, right.index),
                choice=Choice(choice),
                at=utc_now(),
                seconds=round(seconds, 3),
            )
        )

    def _said(self, study: Study, rater: str) -> dict[int, Choice]:
        answers = latest(self._studies.answers(study.id).read())
        return {each.pair: each.choice for each in answers if each.rater == rater}

    def _shown(
        self, study: Study, base: View, schedule: tuple[Shown, ...], said: dict[int, Choice]
    ) -> View:
        shown = schedule[base.place]
        following = schedule[base.place + 1 : base.place + 2]
        soon = [study.items[n] for each in following for n in (each.left, each.right)]
        left, right = study.items[shown.left], study.items[shown.right]
        return View(
            title=base.title,
            instructions=base.instructions,
            place=base.place,
            done=base.done,
            total=base.total,
            pair=shown.pair,
            prompt=study.prompts.get(left.case, ""),
            left=self._path(study, left),
            right=self._path(study, right),
            said=said.get(shown.pair),
            soon=tuple(self._path(study, item) for item in soon),
        )

    def _path(self, study: Study, item: Item) -> Path:
        return self._studies.picture(study, item)
