"""Runs of variants: say what they would be, start them, follow and judge their cells."""

import secrets
from typing import Any

import gradio as gr

from genimg_ui.core.geometry import Size
from genimg_ui.core.parameters import PARAMETERS, Kind
from genimg_ui.core.region import inputs_for
from genimg_ui.core.resolve import without_guidance
from genimg_ui.core.template import SPECIAL
from genimg_ui.errors import GenimgError, RefusedInput
from genimg_ui.registry import abilities
from genimg_ui.run_exports import Export, RunExports
from genimg_ui.runs import Plan, Run, Runs, fingerprint
from genimg_ui.ui import run_view, texts, views
from genimg_ui.ui.handlers.edits import FLUSH, EditHandlers
from genimg_ui.ui.handlers.results import ResultHandlers
from genimg_ui.ui.page import (
    ALWAYS_LAST,
    COMPARE_TAB,
    QUIET,
    RUN_TAB,
    Handlers,
    Page,
    told,
    warn,
)
from genimg_ui.ui.panels import Updates, Values
from genimg_ui.ui.variants_panel import FIRST
from genimg_ui.workspace import Workspace

ANY_SIZE = Size(512, 512)  # of the picture, for a count before one is open
CROPS_AT_ONCE = 2  # decoded while one answer is made; the timer brings the others
JUDGED = {"approved": "approve", "starred": "star"}


class VariantHandlers(Handlers):
    """Listeners of the accordion below Apply, and of the tab with the cells."""

    def __init__(
        self, page: Page, workspace: Workspace, edits: EditHandlers, results: ResultHandlers
    ) -> None:
        super().__init__(page, workspace)
        self.runs = Runs(workspace)
        downloads = page.host.downloads
        record = downloads.policy.record
        self._exports = RunExports(workspace, self.runs, downloads.leaving, record=record)
        self._edits = edits
        self._results = results

    def connect(self, demo: gr.Blocks) -> None:
        """Connect the accordion, the cells, the timer and the page's start."""
        page, panel, view = self.page, self.page.buttons.variants, self.page.runs
        inputs = page.inputs() | panel.widgets()
        counted = {"inputs": inputs, "outputs": [panel.count], **QUIET}
        chosen = {"inputs": inputs | {page.presets.template}, **ALWAYS_LAST}
        panel.parameter.input(
            self.on_parameter, outputs=[panel.values, panel.count], **chosen
        ).then(self.on_changed, **counted)
        panel.second.input(
            self.on_second, outputs=[panel.second_values, panel.count], **chosen
        ).then(self.on_changed, **counted)
        changes = [widget.change for widget in panel.changing()]
        gr.on(changes, self.on_changed, **counted, trigger_mode="always_last")
        seen = [page.status, view.sheet, view.timer, view.shown, page.tabs]
        started = panel.start.click(
            self.on_start, inputs=inputs, outputs=[*seen, page.timer], js=FLUSH, **QUIET
        )
        if page.host.run_waiting is not None:
            self._edits.connect_waiting(page.host.run_waiting, [started.then])
        view.timer.tick(self.on_tick, inputs={page.key, view.shown}, outputs=seen, **QUIET)
        demo.load(self.on_load, inputs={page.key}, outputs=seen, **QUIET)
        at = {"inputs": {page.key, view.sheet}, "outputs": seen, **ALWAYS_LAST}
        judged = {
            "inputs": {page.key, view.sheet, page.strip},
            "outputs": [*seen, page.strip],
            "trigger_mode": "multiple",  # keys may be pressed faster than the server answers
        }
        view.sheet.judged(self.on_judged, **judged, **QUIET)
        view.sheet.chosen(self.on_chosen, **at)
        view.sheet.sheet_wanted(self.on_sheet, **at)
        view.sheet.archive_wanted(self.on_archive, **at)
        opened = [page.status, page.compare, page.strip, page.tabs, page.versions]
        view.sheet.opened(self.on_opened, inputs={page.key}, outputs=opened, **ALWAYS_LAST)

    # -- before the run

    @told
    def on_parameter(self, values: Values) -> Updates:
        """Suggest values for what varies now."""
        panel = self.page.buttons.variants
        return {panel.values: self._suggested(values, str(values[panel.parameter]))}

    @told
    def on_second(self, values: Values) -> Updates:
        """Suggest values for the second parameter."""
        panel = self.page.buttons.variants
        return {panel.second_values: self._suggested(values, str(values[panel.second] or ""))}

    def _suggested(self, values: Values, name: str) -> str:
        page = self.page
        if name not in PARAMETERS:
            return ""
        if PARAMETERS[name].kind is Kind.PROMPT:
            template = values[page.presets.template]
            prompt = values[page.settings.sampling.prompt] or ""
            return str(template or "".join(f"\\{c}" if c in SPECIAL else c for c in prompt))
        spec = self.workspace.registry.get(values[page.settings.model])
        if name == "scheduler" and spec.schedulers:
            return ", ".join(spec.schedulers[:3])
        if name == "model":
            return ", ".join(spec.id for spec in self.workspace.registry.all()[:2])
        return PARAMETERS[name].example.partition(", or")[0]

    def on_changed(self, values: Values) -> Updates:
        """Say how many pictures a run would make, and how long, or what is wrong."""
        panel, state = self.page.buttons.variants, values[self.page.canvas]
        size = state.size if state and state.size.width else ANY_SIZE
        if not values[self.page.key]:  # a browser that comes for the first time
            return {panel.count: texts.SWEEP_HELP}
        try:
            plan = self._plan(values, self.page.session(values), size)
        except GenimgError as problem:
            return {panel.count: _escaped(str(problem))}
        seeds = values[panel.parameter] == FIRST and not values[panel.second]
        return {
            panel.count: f"**{plan.sentence}** {texts.SEEDS_HELP if seeds else texts.SWEEP_HELP}"
        }

    def _plan(self, values: Values, session: str, size: Size) -> Plan:
        request = self.page.request(values)
        request = without_guidance(request, abilities(self.workspace.model(request)))
        seed = request.sampling.seed
        first = secrets.randbelow(2**31) if seed is None else seed
        sweep = self.page.buttons.variants.read(values, first)
        return self.runs.plan(session, request, sweep, size)

    @told
    def on_start(self, values: Values, request: gr.Request) -> Updates:
        """Queue the cells of a run, all or none."""
        page, workspace = self.page, self.workspace
        session, state = page.session(values), values[page.canvas]
        inputs = self._edits.inputs_of(session, state, request)
        plan = self._plan(values, session, state.size)
        inputs = inputs_for(plan.cells[0].request, inputs)
        findings = workspace.findings(plan.cells[0].request, state.size, inputs.mask)
        if any(item.blocking for item in findings):
            return {page.status: warn(findings)}
        run_id = self.runs.start(session, plan, inputs)
        status = views.running(workspace.queue.active(session), page.link)
        status["findings"] = [views.finding(item) for item in findings]
        status["mask_rev"] = state.mask_rev if state else 0
        shown = self._shown(session, self.runs.run(session, run_id), names=True)
        return shown | {
            page.status: status,
            page.timer: gr.Timer(active=True),
            page.tabs: gr.Tabs(selected=RUN_TAB),
        }

    # -- the cells

    def on_load(self, values: Values) -> Updates:
        """Show the session's newest run again."""
        if not values[self.page.key]:
            return self.page.nothing()
        session = self.page.session(values)
        try:
            newest = self.runs.newest(session)
            if newest is None:
                return self.page.nothing()
            return self._shown(session, self.runs.run(session, newest), names=True)
        except GenimgError as problem:
            return {self.page.status: views.message(str(problem), kind="warning")}

    @told
    def on_tick(self, values: Values) -> Updates:
        """Bring new cells and crops; rest once all of them are there."""
        view = self.page.runs
        run_id, _, known = str(values[view.shown] or "").partition(" ")
        if not run_id:
            return {view.timer: gr.Timer(active=False)}
        session = self.page.session(values)
        run = self.runs.run(session, run_id)
        crops, missing = self._crops(run)
        if run.over and not missing:
            return self._shown(session, run, names=True)
        if f"{fingerprint(run)}{len(crops)}" == known:
            return self.page.nothing()
        return self._shown(session, run)

    @told
    def on_judged(self, values: Values, event: gr.EventData) -> Updates:
        """Approve, star or reject a cell, or take that back."""
        session, data = self.page.session(values), event._data
        run_id, entry, on = str(data["run"]), str(data["entry"]), bool(data["on"])
        cell, store = self.runs.cell(session, run_id, entry), self.workspace.store
        what = str(data["what"])
        if what == "binned":
            if cell.approved and on:
                store.approve(session, entry, 0, on=False)
            (store.delete if on else store.undelete)(session, entry, 0)
        elif what in JUDGED:
            if cell.binned and on:
                store.undelete(session, entry, 0)
            (store.approve if what == "approved" else store.star)(session, entry, 0, on=on)
        updates = self._shown(session, self.runs.run(session, run_id), kept=values)
        return updates | {self.page.strip: self._results.same_page(session, values)}

    @told
    def on_chosen(self, values: Values, event: gr.EventData) -> Updates:
        """Show another run."""
        session = self.page.session(values)
        run = self.runs.run(session, str(event._data["run"]))
        return self._shown(session, run, names=True)

    @told
    def on_sheet(self, values: Values, event: gr.EventData) -> Updates:
        """The contact sheet as a file."""
        session, run_id = self.page.session(values), str(event._data["run"])
        return self._fetched(values, self._exports.sheet(session, run_id))

    @told
    def on_archive(self, values: Values, event: gr.EventData) -> Updates:
        """The approved results as a file."""
        session, run_id = self.page.session(values), str(event._data["run"])
        return self._fetched(values, self._exports.approved(session, run_id))

    @told
    def on_opened(self, values: Values, event: gr.EventData) -> Updates:
        """Compare the result of a cell with its source."""
        session = self.page.session(values)
        entry = self.workspace.entry(session, str(event._data["entry"]))
        if not entry.results:
            raise RefusedInput("This cell has no picture.")
        shown = self._results.shown(session, entry, 0, offset=0)
        return shown | {self.page.tabs: gr.Tabs(selected=COMPARE_TAB)}

    def _fetched(self, values: Values, export: Export) -> Updates:
        sheet = dict(values[self.page.runs.sheet] or {})
        sheet["download"] = {
            "url": self.page.link(export.path),
            "filename": export.filename,
            "nonce": export.path.stem,
        }
        return {self.page.runs.sheet: sheet}

    def _shown(
        self, session: str, run: Run, *, names: bool = False, kept: Values | None = None
    ) -> Updates:
        """A run in its tab; the list of runs is made anew only where that may have changed."""
        view = self.page.runs
        crops, missing = self._crops(run)
        before: dict[str, Any] = dict((kept or {}).get(view.sheet) or {})
        offered = [(str(i), str(t)) for i, t in before.get("names") or []]
        if names or not offered:
            offered = self.runs.recent(session)
        return {
            view.sheet: run_view.sheet(run, crops, offered),
            view.shown: f"{run.id} {fingerprint(run)}{len(crops)}",
            view.timer: gr.Timer(active=bool(missing) or not run.over),
        }

    def _crops(self, run: Run) -> tuple[run_view.Crops, int]:
        """Addresses of the crops that are there, a few of them made now; how many are missing."""
        crops: run_view.Crops = {}
        made = missing = 0
        pictures = self.workspace.pictures
        for cell in run.cells:
            if cell.result is None or cell.gone:
                continue
            sha256 = cell.result.sha256
            if not pictures.has_crop(sha256, run.crop):
                if made == CROPS_AT_ONCE:
                    missing += 1
                    continue
                made += 1
            crops[cell.entry] = self.page.link(pictures.crop(sha256, run.crop))
        return crops, missing


def _escaped(text: str) -> str:
    """A refusal may repeat what was typed: markup in it stays text."""
    return "".join(f"&#{ord(c)};" if c in "<>&*_`[]()#~$\\!|{}" else c for c in text)
