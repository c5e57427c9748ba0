"""A picture that is opened may carry an edit and content credentials: both are told and offered."""

from typing import Any

import gradio as gr

from genimg_ui.errors import GenimgError
from genimg_ui.ui import texts, views
from genimg_ui.ui.handlers.downloads import verdict_findings
from genimg_ui.ui.page import EDIT_TAB, QUIET, Handlers, Page, told
from genimg_ui.ui.panels import Updates, Values
from genimg_ui.workspace import OpenPicture

Json = dict[str, Any]


class CarriedHandlers(Handlers):
    """The listener of "Restore the edit"."""

    def connect(self) -> None:
        page = self.page
        outputs = [
            page.status,
            page.tabs,
            page.canvas,
            page.picture,
            page.versions,
            page.outpaint.aspect,
            *page.outpaint.numbers(),
            *page.settings.shown(),
        ]
        page.status.recalled(self.on_recalled, inputs={page.key}, outputs=outputs, **QUIET)

    @told
    def on_recalled(self, values: Values, event: gr.EventData, request: gr.Request) -> Updates:
        """Bring back the edit that the opened file carries, as far as it is here."""
        page, asking = self.page, request.session_hash or ""
        sha256 = str(event._data["sha256"])
        recall = page.host.recall
        local = recall.is_local(request.headers)
        session = page.session(values)
        back = recall.recall(session, sha256, page=asking, local=local)
        return {
            page.status: views.message(back.sentence),
            page.tabs: gr.Tabs(selected=EDIT_TAB),
            **self.draft_shown(session, back.draft),
        }


def arrival(page: Page, opened: OpenPicture) -> Json:
    """The status line for a picture that was opened just now."""
    status = views.message(texts.OPENED)
    try:
        verdict = page.host.downloads.verdict(opened.sha256)
        status["findings"] = verdict_findings(verdict)
        entry = page.host.recall.carried(opened.sha256)
    except GenimgError as problem:
        status["findings"] = [{"sentence": str(problem), "remedy": None}]
        return status
    if entry is not None:
        status["text"] = texts.CARRIES
        action = {"label": texts.RECALL, "event": "recalled", "data": {"sha256": opened.sha256}}
        status["actions"] = [action]
    return status
