"""Example pictures: opened like an upload."""

from collections.abc import Callable

import gradio as gr

from genimg_ui.core.geometry import Sides
from genimg_ui.history.names import session_id
from genimg_ui.ui import views
from genimg_ui.ui.canvas.component import CanvasUpdate
from genimg_ui.ui.page import EDIT_TAB, QUIET, Handlers, describe_picture, told
from genimg_ui.ui.panels import Updates, Values


class ExampleHandlers(Handlers):
    """Listeners of the example buttons."""

    def connect(self, buttons: dict[str, gr.Button]) -> None:
        """One button for each example."""
        page = self.page
        outputs = [page.canvas, page.status, page.picture, page.tabs, *page.outpaint.numbers()]
        for name, button in buttons.items():
            button.click(self.opener(name), inputs={page.key}, outputs=outputs, **QUIET)

    def opener(self, name: str) -> Callable[[Values, gr.Request], Updates]:
        """The listener of one button. No `partial`: Gradio reads the annotations."""

        def on_example(values: Values, request: gr.Request) -> Updates:
            return self.open(name, values, request)

        return on_example

    @told
    def open(self, name: str, values: Values, request: gr.Request) -> Updates:
        """Open an example picture."""
        page = self.page
        path = self.workspace.examples[name]()
        session = session_id(self.first_key(values, request))
        asking = request.session_hash or ""
        opened = self.workspace.open_upload(session, path, page=asking)
        return {
            page.canvas: CanvasUpdate(
                source=opened.sha256,
                image=page.link(opened.display),
                size=opened.size,
                mask_set=True,
                border=Sides(),
            ),
            page.status: views.message("Paint over what should change, then press Apply."),
            page.picture: describe_picture(opened),
            page.tabs: gr.Tabs(selected=EDIT_TAB),
            **page.outpaint.write(Sides(), opened.size, "px"),
        }
