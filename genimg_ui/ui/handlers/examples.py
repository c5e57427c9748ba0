"""Example pictures: opened like an upload."""

from collections.abc import Callable
from dataclasses import replace

import gradio as gr

from genimg_ui.examples import PreparedEdit
from genimg_ui.history.names import session_id
from genimg_ui.registry import first_request
from genimg_ui.ui import texts, views
from genimg_ui.ui.page import EDIT_TAB, QUIET, Handlers, told
from genimg_ui.ui.panels import Updates, Values
from genimg_ui.workspace import OpenPicture


class ExampleHandlers(Handlers):
    """Listeners of the example buttons."""

    def connect(self, buttons: dict[str, gr.Button]) -> None:
        """One button for each example."""
        page = self.page
        outputs = [
            page.canvas,
            page.status,
            page.picture,
            page.versions,
            page.tabs,
            *page.outpaint.numbers(),
            *page.settings.shown(),
        ]
        for name, button in buttons.items():
            button.click(self.opener(name), inputs={page.key}, outputs=outputs, **QUIET)

    def opener(self, name: str) -> Callable[[Values, gr.Request], Updates]:
        """The listener of one button. No `partial`: Gradio reads the annotations."""

        def on_example(values: Values, request: gr.Request) -> Updates:
            return self.open(name, values, request)

        return on_example

    @told
    def open(self, name: str, values: Values, request: gr.Request) -> Updates:
        """Open an example, with what is prepared for it."""
        page = self.page
        session = session_id(self.first_key(values, request))
        asking = request.session_hash or ""
        example = self.workspace.examples[name]
        with example.picture() as path:
            opened = self.workspace.open_upload(session, path, page=asking)
        if example.edit is not None:
            self._prepare(session, opened, example.edit)
        return {
            **self.draft_shown(session, self.workspace.draft(session)),
            page.status: views.message(texts.PREPARED if example.edit else texts.PAINT_FIRST),
            page.tabs: gr.Tabs(selected=EDIT_TAB),
        }

    def _prepare(self, session: str, opened: OpenPicture, edit: PreparedEdit) -> None:
        """Put mask, model and prompt of an example into the draft."""
        spec = self.workspace.registry.get(edit.model)
        first = first_request(spec)
        request = replace(first, sampling=replace(first.sampling, prompt=edit.prompt))
        with edit.mask() as path:
            self.workspace.keep_mask(session, opened.sha256, path, opened.size)
        self.workspace.change_draft(session, lambda draft: replace(draft, request=request))
