"""The Evaluate tab: make studies and see what came of them, start and follow evaluations."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr

from genimg_ui.errors import GenimgError, RefusedInput
from genimg_ui.evaluations.choices import chosen, titles
from genimg_ui.evaluations.kept import Wanted
from genimg_ui.evaluations.runs import Own
from genimg_ui.history.exports import ExportFolder
from genimg_ui.history.names import is_session_key
from genimg_ui.judging.entrants import (
    Chosen,
    Compared,
    Selection,
    entrants_of,
    entrants_of_evaluation,
    results_of,
)
from genimg_ui.judging.export import Form, write_study
from genimg_ui.judging.outcome import outcome_of
from genimg_ui.judging.studies import Entrant, Wish
from genimg_ui.runs import Runs
from genimg_ui.ui import evaluate_view
from genimg_ui.ui.evaluate_panel import EvaluatePanel, Quality
from genimg_ui.ui.page import ALWAYS_LAST, QUIET, Handlers, Page
from genimg_ui.ui.panels import Updates, Values
from genimg_ui.workspace import Workspace

Json = dict[str, Any]
EVALUATION, FOLDER, RESULTS, AS_THEY_ARE = "evaluation", "folder", "results", "as-they-are"
# What only a look at the tab, or something done there, brings up to date.
RESTING = ("runs", "instructions", "closed", "protocols", "models", "absent", "studies")


def told_in_tab(handler: Callable[..., Updates]) -> Callable[..., Updates]:
    """Make what a handler refuses a sentence in the tab."""

    @wraps(handler)
    def guarded(self: "EvaluateHandlers", values: Values, *args: Any) -> Updates:
        try:
            return handler(self, values, *args)
        except GenimgError as problem:
            return self.shown(values, evaluate_view.told("error", str(problem)))

    return guarded


class EvaluateHandlers(Handlers):
    """Listeners of the tab. Evaluations run in a process of their own, whoever watches."""

    def __init__(
        self, page: Page, workspace: Workspace, panel: EvaluatePanel, quality: Quality
    ) -> None:
        super().__init__(page, workspace)
        self.panel = panel
        self.studies, self.evaluations = quality.studies, quality.evaluations
        self._exports = ExportFolder(workspace.store.data_dir)
        self._runs = Runs(workspace)

    def connect(self) -> None:
        """Give the part and its timer their listeners."""
        page, part, timer = self.page, self.panel.part, self.panel.timer
        seen: Json = {"inputs": {page.key, part}, "outputs": [part, timer]}
        part.asked(self.on_asked, **seen, **ALWAYS_LAST)
        timer.tick(self.on_tick, **seen, **QUIET)
        acts: Json = {**seen, **QUIET, "trigger_mode": "multiple"}
        part.study_removed(self.on_study_removed, **acts)
        part.exported(self.on_exported, **acts)
        part.ended(self.on_ended, **acts)
        part.resumed(self.on_resumed, **acts)
        part.removed(self.on_removed, **acts)
        # In the queue: copying many large pictures takes seconds.
        slow: Json = {**seen, "api_visibility": "private", "show_progress": "hidden"}
        part.study_made(self.on_study_made, **slow, trigger_mode="once")
        part.begun(self.on_begun, **slow, trigger_mode="once")

    def on_asked(self, values: Values) -> Updates:
        """Show everything as it is now; the timer goes on while an evaluation does."""
        return self.shown(values)

    def on_tick(self, values: Values) -> Updates:
        """Follow the evaluation; what was told last stays."""
        before = values[self.panel.part] or {}
        resting = {name: before[name] for name in RESTING if name in before}
        return self.shown(values, before.get("told"), resting)

    # Studies

    @told_in_tab
    def on_study_made(self, values: Values, event: gr.EventData) -> Updates:
        """Make a study of the results that were chosen."""
        session, asked = self.page.session(values), event._data
        entrants = self._entrants(session, asked)
        wish = Wish(
            title=str(asked.get("title") or ""),
            instructions=str(asked.get("instructions") or ""),
            pairs=_whole(asked.get("pairs"), "The number of pairs"),
        )
        study = self.studies.make(session, entrants, wish)
        told = evaluate_view.told(
            "made",
            f"The study is ready, with {len(study.pairs)} pairs. Give its link to the raters.",
        )
        return self.shown(values, told)

    @told_in_tab
    def on_study_removed(self, values: Values, event: gr.EventData) -> Updates:
        """Remove a study with its answers; the part has asked already."""
        self.studies.remove(self.page.session(values), str(event._data["id"]))
        return self.shown(values, evaluate_view.told("", "The study was removed."))

    @told_in_tab
    def on_exported(self, values: Values, event: gr.EventData) -> Updates:
        """Write answers and outcome, and let the browser download them."""
        session = self.page.session(values)
        study = self.studies.own(session, str(event._data["id"]))
        form = Form.CSV if event._data.get("form") == "csv" else Form.JSON
        answers = self.studies.answers(study.id).read()
        path = write_study(self._exports, study, answers, form)
        told = evaluate_view.told("download", "")
        told |= {"url": self.page.link(path), "filename": f"study-{study.id[:8]}.{form}"}
        return self.shown(values, told)

    # Evaluations

    @told_in_tab
    def on_begun(self, values: Values, event: gr.EventData) -> Updates:
        """Start an evaluation in a process of its own."""
        session, asked = self.page.session(values), event._data
        if self.evaluations.closed:
            raise RefusedInput(self.evaluations.closed)
        if asked.get("pictures") == AS_THEY_ARE:
            selection = selection_of(asked)
            settings = selection.compared is Compared.SETTINGS
            wanted = Wanted(as_they_are=True, by_settings=settings)
        else:
            wanted = Wanted(
                protocol=str(asked.get("protocol") or "").strip(),
                models=self._chosen(asked.get("models") or []),
                pictures=_folder(asked),
            )
        self.evaluations.start(session, wanted, self._own(session, asked))
        return self.shown(values, evaluate_view.told("begun", ""))

    @told_in_tab
    def on_ended(self, values: Values, event: gr.EventData) -> Updates:
        """Ask a running evaluation to end."""
        self.evaluations.stop(self.page.session(values), str(event._data["id"]))
        return self.shown(values)

    @told_in_tab
    def on_resumed(self, values: Values, event: gr.EventData) -> Updates:
        """Go on with an evaluation."""
        self.evaluations.resume(self.page.session(values), str(event._data["id"]))
        return self.shown(values)

    @told_in_tab
    def on_removed(self, values: Values, event: gr.EventData) -> Updates:
        """Remove an evaluation with its report; the part has asked already."""
        self.evaluations.remove(self.page.session(values), str(event._data["id"]))
        return self.shown(values, evaluate_view.told("", "The evaluation was removed."))

    def shown(
        self, values: Values, told: Json | None = None, resting: Json | None = None
    ) -> Updates:
        """The tab as it is now, with what came of the last thing that was asked.

        `resting`: what stays as it was, because to find it out takes a while.
        """
        if not is_session_key(values[self.page.key] or ""):  # the page is being opened
            return {self.panel.part: gr.skip()}
        session = self.page.session(values)
        found = self.evaluations.of_session(session)
        names = titles(self.workspace.registry)
        return {
            self.panel.part: {
                **(resting or self._looked(session)),
                "told": told or {},
                "evaluations": [
                    evaluate_view.evaluation_view(one, names, self.page.link) for one in found
                ],
            },
            self.panel.timer: gr.Timer(active=any(one.state.active for one in found)),
        }

    def _looked(self, session: str) -> Json:
        """What can be chosen, and what came of the studies."""
        workspace, studies = self.workspace, []
        for study in self.studies.of_session(session):
            outcome = outcome_of(study, self.studies.answers(study.id).read())
            studies.append(evaluate_view.study_view(study, outcome))
        runs = self._runs.recent(session)
        form = evaluate_view.form(workspace.registry, workspace.lack_of, runs, self.evaluations)
        return {**form, "studies": studies}

    def _own(self, session: str, asked: Json) -> list[Own]:
        """The session's results that are meant, where any are."""
        if asked.get("pictures") not in (RESULTS, AS_THEY_ARE):
            return []
        store = self.workspace.store
        rows = results_of(store, session, selection_of(asked))
        return [
            Own(entry=row.entry_id, index=row.index, path=store.result_path(row.sha256))
            for row in rows
        ]

    def _entrants(self, session: str, asked: Json) -> list[Entrant]:
        if asked.get("chosen") == EVALUATION:
            folder = self.evaluations.result_folder(session, str(asked.get("evaluation")))
            return entrants_of_evaluation(folder)
        return entrants_of(self.workspace.store, session, selection_of(asked))

    def _chosen(self, asked: list[object]) -> tuple[str, ...]:
        return chosen(self.workspace.registry, self.workspace.lack_of, asked)


def selection_of(asked: Json) -> Selection:
    """The results that a form means; raises RefusedInput."""
    chosen, compared = str(asked.get("chosen")), str(asked.get("compared") or Compared.MODELS)
    if chosen not in tuple(Chosen) or compared not in tuple(Compared):
        raise RefusedInput(
            f"Results must be chosen by one of {', '.join(Chosen)}, to compare one of "
            f"{', '.join(Compared)}, got {chosen[:40]!r} and {compared[:40]!r}."
        )
    last = asked.get("last")
    return Selection(
        chosen=Chosen(chosen),
        compared=Compared(compared),
        run=str(asked.get("run") or ""),
        last=50 if last is None else _whole(last, "The number of results"),
    )


def _folder(asked: Json) -> str | None:
    if asked.get("pictures") != FOLDER:
        return None
    folder = str(asked.get("folder") or "").strip()
    if not folder:
        raise RefusedInput("A folder of pictures must be named, got none.")
    return folder


def _whole(value: object, what: str) -> int:
    text = str(value).strip()
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise RefusedInput(f"{what} must be a whole number, got {text[:40]!r}.")
    return int(text)
