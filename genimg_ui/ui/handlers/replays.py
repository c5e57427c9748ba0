"""Replay bundles in and out, and replays of the shown result: asked for, followed, shown."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block

from genimg_ui.errors import GenimgError, RefusedInput
from genimg_ui.handover import Handover
from genimg_ui.history.names import session_id
from genimg_ui.jobs.job import JobState
from genimg_ui.jobs.replays import ReplayJob, ReplayQueue
from genimg_ui.ui import texts, views
from genimg_ui.ui.page import EDIT_TAB, QUIET, Handlers, Page, told
from genimg_ui.ui.panels import Updates, Values
from genimg_ui.ui.replay_panel import ReplayPanel
from genimg_ui.ui.replay_view import outcome_lines
from genimg_ui.workspace import Workspace

Json = dict[str, Any]
NO_WORKER = "Replays run on the command line here: make a bundle, then `replay FILE.zip`."


class ReplayHandlers(Handlers):
    """Listeners of the replay panel and of the button that opens a bundle."""

    def __init__(self, page: Page, workspace: Workspace, panel: ReplayPanel) -> None:
        super().__init__(page, workspace)
        self.panel = panel
        self.queue = ReplayQueue(workspace.store, workspace.queue.limits)
        self.handover = Handover(workspace, page.host.recall)

    def connect(self, upload: gr.UploadButton) -> None:
        """Give the buttons and the timer their listeners."""
        page, panel = self.page, self.panel
        shown: set[Block] = {page.key, page.compare}
        panel.bundle.click(
            self.on_bundle,
            inputs=shown,
            outputs=[panel.file, page.status],
            concurrency_limit=2,
            trigger_mode="always_last",  # another result may be shown before the first is ready
            api_visibility="private",
            show_progress="minimal",
        )
        watched = [panel.outcome, panel.timer, panel.stop, page.status]
        panel.run.click(self.on_run, inputs=shown, outputs=watched, **QUIET)
        panel.stop.click(self.on_stop, inputs={page.key}, outputs=watched, **QUIET)
        seen: set[Block] = {page.key, page.compare, panel.outcome}
        panel.timer.tick(self.on_tick, inputs=seen, outputs=watched, **QUIET)
        page.compare.change(
            self.on_shown,
            inputs={page.compare, panel.outcome, panel.file},
            outputs=[panel.file, panel.outcome],
            **QUIET,
        )
        self._connect_upload(upload)

    def _connect_upload(self, upload: gr.UploadButton) -> None:
        page = self.page

        def on_upload(file: str | None, key: str | None, request: gr.Request) -> Updates:
            return self.received(Path(file) if file else None, {page.key: key}, request)

        outputs = [page.status, page.tabs, page.canvas, page.picture, page.outpaint.aspect]
        outputs += [page.versions, *page.outpaint.numbers(), *page.settings.shown()]
        upload.upload(
            on_upload,
            inputs=[upload, page.key],
            outputs=outputs,
            concurrency_limit=2,
            trigger_mode="always_last",  # the last bundle is the one that stays open
            api_visibility="private",
            show_progress="hidden",
        )

    @told
    def received(self, path: Path | None, values: Values, request: gr.Request) -> Updates:
        """Show the edit of a bundle, ready to run."""
        if path is None:
            return self.page.nothing()
        session = session_id(self.first_key(values, request))
        back = self.handover.receive(session, path, page=request.session_hash or "")
        return {
            self.page.status: views.message(back.sentence),
            self.page.tabs: gr.Tabs(selected=EDIT_TAB),
            **self.draft_shown(session, back.draft),
        }

    @told
    def on_bundle(self, values: Values) -> Updates:
        """Make the bundle of the shown result and offer it."""
        session, entry_id, index = self._shown(values)
        path, name = self.handover.bundle(session, entry_id, index)
        size = path.stat().st_size
        file = {
            "url": self.page.link(path),
            "filename": name,
            "label": f"Download the bundle, {size / 1e6:.2f} MB",
            "entry": entry_id,
            "index": index,
        }
        return {self.panel.file: file, self.page.status: gr.skip()}

    @told
    def on_run(self, values: Values) -> Updates:
        """Queue a replay of the shown result."""
        if self.page.host.run_waiting is not None:
            raise RefusedInput(NO_WORKER)
        session, entry_id, index = self._shown(values)
        replay_id = self.queue.ask(session, entry_id, index)
        outcome = {"kind": "running", "text": texts.REPLAY_WAITING, "job": replay_id}
        return {
            self.panel.outcome: outcome | {"entry": entry_id, "index": index},
            self.panel.timer: gr.Timer(active=True),
            self.panel.stop: gr.update(visible=True),
        }

    @told
    def on_stop(self, values: Values) -> Updates:
        """Stop this session's replay; the timer sees its end."""
        self.queue.cancel(self.page.session(values))
        return {self.panel.timer: gr.Timer(active=True)}

    def on_tick(self, values: Values) -> Updates:
        """Follow the replay; show its verdict once it has ended."""
        panel, shown = self.panel, values[self.panel.outcome] or {}
        rest = {panel.timer: gr.Timer(active=False), panel.stop: gr.update(visible="hidden")}
        if not shown.get("job"):
            return rest
        try:
            job = self.queue.get(self.page.session(values), str(shown["job"]))
        except GenimgError as problem:
            return {**rest, panel.outcome: {"kind": "refused", "text": str(problem)}}
        who = {name: shown.get(name) for name in ("entry", "index")}
        if not job.state.ended:
            text = texts.REPLAY_WAITING
            if job.state is JobState.RUNNING:
                text = f"Replaying: {job.text or 'starting'}"
            return {panel.outcome: {**shown, "text": text}}
        return {**rest, panel.outcome: self._outcome(job) | who}

    def on_shown(self, values: Values) -> Updates:
        """Take away what belongs to another result than the one that is shown now."""
        shown = values[self.page.compare] or {}

        def kept(part: Any) -> Any:
            value = values[part] or {}
            same = all(shown.get(name) == value.get(name) for name in ("entry", "index"))
            return gr.skip() if same or not value or value.get("job") else {}

        return {part: kept(part) for part in (self.panel.file, self.panel.outcome)}

    def _shown(self, values: Values) -> tuple[str, str, int]:
        """Session, entry and index of the result that the comparison shows."""
        shown = values[self.page.compare] or {}
        if "entry" not in shown:
            raise RefusedInput("A result must be shown for this, got none.")
        return self.page.session(values), str(shown["entry"]), int(shown["index"])

    def _outcome(self, job: ReplayJob) -> Json:
        if job.state is JobState.CANCELLED or job.verdict is None:
            return {"kind": "", "text": "The replay was stopped."}
        verdict = job.verdict
        kind = str(verdict["verdict"])
        maps = [result["heat_map"] for result in verdict["results"] if result["heat_map"]]
        return {
            "kind": kind,
            "text": texts.REPLAY_VERDICTS[kind],
            "lines": outcome_lines(verdict),
            "heat_map": self.page.link(Path(maps[0])) if maps else None,
        }
