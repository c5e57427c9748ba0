"""Coming back: a refresh, a closed tab or a restarted server finds everything as it was."""

import gradio as gr

from genimg_ui.core.preflight import Finding
from genimg_ui.errors import GenimgError
from genimg_ui.history.names import session_id
from genimg_ui.ui import texts, views
from genimg_ui.ui.handlers.results import ResultHandlers
from genimg_ui.ui.page import QUIET, Handlers, Page
from genimg_ui.ui.panels import Updates, Values
from genimg_ui.workspace import Workspace


class SessionHandlers(Handlers):
    """What happens when a page is opened."""

    def __init__(self, page: Page, workspace: Workspace, results: ResultHandlers) -> None:
        super().__init__(page, workspace)
        self.results = results

    def connect(self, demo: gr.Blocks) -> None:
        """Restore the session when the page has loaded."""
        page = self.page
        outputs = [
            page.key,
            page.status,
            page.strip,
            page.timer,
            page.canvas,
            page.picture,
            page.versions,
            *page.outpaint.numbers(),
            *page.settings.shown(),
        ]
        demo.load(self.on_load, inputs={page.key}, outputs=outputs, **QUIET)

    def on_load(self, values: Values, request: gr.Request) -> Updates:
        """Open the browser's session, or a new one; never fails as a whole."""
        page = self.page
        key = self.first_key(values, request)
        session = session_id(key)
        updates: Updates = {page.key: key, page.strip: self.results.strip(session)}
        updates |= self._running(session)
        try:
            updates |= self.results.draft_shown(session, self.workspace.draft(session))
        except GenimgError as problem:
            updates[page.status] = views.message(
                f"The last draft could not be brought back: {problem}", kind="warning"
            )
        return updates

    def _running(self, session: str) -> Updates:
        page = self.page
        active = self.workspace.queue.active(session)
        if active:
            return {
                page.status: views.running(active, page.link),
                page.timer: gr.Timer(active=True),
            }
        interrupted = self.workspace.interrupted(session)
        if interrupted:
            return {page.status: interrupted_view(interrupted)}
        told = [Finding(sentence=sentence) for sentence in self.workspace.notices(session)]
        kind = "warning" if told else ""
        return {page.status: views.message(texts.LEAD, kind=kind, findings=told)}


def interrupted_view(job_ids: list[str]) -> dict[str, object]:
    """Say that the program stopped during an edit, and offer to run it again."""
    retry = {"label": "Run it again", "event": "retried", "data": {"jobs": job_ids}}
    dismiss = {"label": "Dismiss", "event": "dismissed", "data": {"jobs": job_ids}}
    text = "The program stopped while an edit was running."
    return {**views.message(text, kind="warning"), "actions": [retry, dismiss]}
