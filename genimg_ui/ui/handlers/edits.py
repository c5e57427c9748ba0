"""Apply, cancel, and following what runs: the page only queues and watches."""

import random
from collections.abc import Callable
from typing import Any

import gradio as gr

from genimg_ui.core.geometry import Size
from genimg_ui.core.region import inputs_for
from genimg_ui.core.request import SEED_LIMIT, EditInputs
from genimg_ui.errors import RefusedInput
from genimg_ui.history.record import LogEntry
from genimg_ui.jobs.queue import Job, JobState
from genimg_ui.runs import Runs
from genimg_ui.ui import run_view, views
from genimg_ui.ui.canvas.component import CanvasState
from genimg_ui.ui.handlers.results import ResultHandlers
from genimg_ui.ui.page import COMPARE_TAB, QUIET, Handlers, Page, existing, mark_of, told, warn
from genimg_ui.ui.panels import Updates, Values
from genimg_ui.workspace import Workspace

# Apply waits until the mask that is on the canvas has reached the server.
FLUSH = """async (...values) => {
  if (window.genimgCanvas) {
    const value = await window.genimgCanvas.flush();
    const at = values.findIndex((v) => v && typeof v === 'object' && 'mask_rev' in v);
    if (at >= 0 && value) values[at] = value;
  }
  return values;
}"""


class EditHandlers(Handlers):
    """Starts edits and follows them."""

    def __init__(self, page: Page, workspace: Workspace, results: ResultHandlers) -> None:
        super().__init__(page, workspace)
        self.results = results
        self._runs = Runs(workspace)

    def connect(self, demo: gr.Blocks) -> None:
        """Give Apply, Cancel, the dice, remedies and the timer their listeners."""
        page, buttons = self.page, self.page.buttons
        watched = [page.status, page.timer, page.canvas]
        applied = buttons.apply.click(
            self.on_apply, inputs=page.inputs(), outputs=watched, js=FLUSH, **QUIET
        )
        buttons.cancel.click(
            self.on_cancel, inputs={page.key}, outputs=[page.status, page.timer], **QUIET
        )
        page.timer.tick(
            self.on_tick,
            inputs={page.key, page.status, page.canvas, page.settings.sampling.lock},
            outputs=[
                page.status,
                page.timer,
                page.strip,
                page.compare,
                page.versions,
                page.tabs,
                page.settings.sampling.seed,
            ],
            **QUIET,
        )
        sampling = page.settings.sampling
        buttons.dice.click(
            lambda: [random.randrange(SEED_LIMIT), True],
            outputs=[sampling.seed, sampling.lock],
            **QUIET,
        )
        again = {"inputs": {page.key}, "outputs": [page.status, page.timer], **QUIET}
        retried = page.status.retried(self.on_retried, **again)
        page.status.dismissed(self.on_dismissed, **again)
        page.status.remedied(
            self.on_remedy,
            outputs=[page.status, *self._mended().values()],
            **QUIET,
        )
        if page.host.run_waiting is not None:
            self.connect_waiting(page.host.run_waiting, [applied.then, retried.then, demo.load])

    def connect_waiting(self, run_waiting: Callable[[str], object], events: list[Any]) -> None:
        """Run this session's edits inside the requests that queue them, or that find them."""

        def on_waiting(values: Values) -> None:
            if values[self.page.key]:  # a browser that comes for the first time has none yet
                run_waiting(self.page.session(values))

        for event in events:
            event(
                on_waiting,
                inputs={self.page.key},
                concurrency_id="gpu",
                concurrency_limit=1,
                show_progress="hidden",
                api_visibility="private",
            )

    @told
    def on_apply(self, values: Values, request: gr.Request) -> Updates:
        """Queue the edit that the page shows, or say what keeps it from running."""
        page, workspace = self.page, self.workspace
        session, state = page.session(values), values[page.canvas]
        wanted = page.request(values)
        inputs = inputs_for(wanted, self.inputs_of(session, state, request))
        findings = workspace.findings(wanted, state.size, inputs.mask)
        if any(item.blocking for item in findings):
            return {page.status: warn(findings)}
        lack = workspace.lack_of(workspace.model(wanted))
        if lack:
            raise RefusedInput(lack, remedy="Choose another model.")
        workspace.submit(session, wanted, inputs)
        status = views.running(workspace.queue.active(session), page.link)
        status["findings"] = [views.finding(item) for item in findings]
        status["mask_rev"] = state.mask_rev if state else 0
        return {page.status: status, page.timer: gr.Timer(active=True)}

    def inputs_of(self, session: str, state: CanvasState | None, request: gr.Request) -> EditInputs:
        """Picture and mask of the canvas, kept; raises RefusedInput where they are not there."""
        if state is None or not state.size.width:
            raise RefusedInput("Open a picture first: drop one on the canvas, or choose a file.")
        if not state.source:
            raise RefusedInput("The picture is still on its way. Press Apply again in a moment.")
        mask = existing(state.mask_path)
        if mask is None and state.mask_path is not None:
            raise RefusedInput("The mask got lost on its way. Change it a little and apply again.")
        digest = self.workspace.keep_mask(
            session, state.source, mask, Size(*state.size), mark=mark_of(state, request)
        )
        return EditInputs(source=state.source, mask=digest)

    @told
    def on_cancel(self, values: Values) -> Updates:
        """Cancel whatever this session has waiting or running."""
        page = self.page
        jobs = self.workspace.cancel_all(page.session(values))
        if not jobs:
            return {page.status: views.message("Nothing is running.")}
        status = views.message("Cancelling (within one step) …")
        status["watching"] = [job.id for job in jobs]
        return {page.status: status, page.timer: gr.Timer(active=True)}

    @told
    def on_tick(self, values: Values) -> Updates:
        """Follow this session's edits; show the newest result once one has ended."""
        page, session = self.page, self.page.session(values)
        told = values[page.status] or {}
        watched: list[str] = told.get("watching") or []
        active = self.workspace.queue.active(session)
        running = {job.id for job in active}
        over = [job_id for job_id in watched if job_id not in running]
        updates: Updates = {}
        if active:
            updates[page.status] = self._progress(active) | {"mask_rev": told.get("mask_rev")}
        else:
            updates[page.timer] = gr.Timer(active=False)
        if over:
            entry = self.workspace.entry(session, over[-1])
            updates |= self._shown(session, values, entry, alone=not active)
        return updates or page.nothing()

    def _shown(self, session: str, values: Values, entry: LogEntry, *, alone: bool) -> Updates:
        """The ended edit in status, strip and comparison."""
        page = self.page
        updates: Updates = {page.status: self._ended(session, entry)} if alone else {}
        if not entry.results:
            return updates
        if alone:
            told = [self.workspace.disk_warning(session), *self.workspace.notices(session)]
            notes = [{"sentence": sentence, "remedy": None} for sentence in told if sentence]
            updates[page.status]["findings"] += notes
        updates |= self.results.shown(session, entry, 0, offset=0)
        if not self._painting(values) and entry.group is None:  # a run has a tab of its own
            updates[page.tabs] = gr.Tabs(selected=COMPARE_TAB)
        if not values[page.settings.sampling.lock]:
            updates[page.settings.sampling.seed] = entry.results[0].seed
        return updates

    def _ended(self, session: str, entry: LogEntry) -> dict[str, Any]:
        """How the last edit ended; of a run, how all of it did."""
        if entry.group is None:
            return views.ended(entry)
        return run_view.ended(self._runs.run(session, entry.group.id))

    def _progress(self, active: list[Job]) -> dict[str, Any]:
        """What runs or waits; where nothing can run, why."""
        status = views.running(active, self.page.link)
        lack = self.page.host.lack()
        if lack and all(job.state is JobState.QUEUED for job in active):
            status |= {"kind": "warning", "text": f"{lack} Your edit waits for it."}
        return status

    def _painting(self, values: Values) -> bool:
        """Whether the person has gone on painting since Apply: then the view stays theirs."""
        state: CanvasState | None = values[self.page.canvas]
        applied = (values[self.page.status] or {}).get("mask_rev")
        return state is not None and applied is not None and state.mask_rev != applied

    @told
    def on_remedy(self, event: gr.EventData) -> Updates:
        """Set the one value that mends a finding."""
        widget = self._mended()[str(event._data["field"])]
        text = f"{event._data['label']}: done. Press Apply."
        return {widget: event._data["value"], self.page.status: views.message(text)}

    def _mended(self) -> dict[str, Any]:
        """The widgets that remedies set, by the name of their field."""
        mask, sampling = self.page.settings.mask, self.page.settings.sampling
        return {
            "grow": mask.grow,
            "feather": mask.feather,
            "scheduler": sampling.scheduler,
            "num_inference_steps": sampling.num_inference_steps,
            "guidance_scale": sampling.guidance_scale,
        }

    @told
    def on_retried(self, values: Values, event: gr.EventData) -> Updates:
        """Run again what the program's end interrupted."""
        page, session = self.page, self.page.session(values)
        self.workspace.retry(session, [str(job_id) for job_id in event._data["jobs"]])
        status = views.running(self.workspace.queue.active(session), page.link)
        return {page.status: status, page.timer: gr.Timer(active=True)}

    @told
    def on_dismissed(self, values: Values) -> Updates:
        """Leave the line empty again, also after a refresh."""
        self.workspace.dismiss(self.page.session(values))
        return {self.page.status: views.message("")}
