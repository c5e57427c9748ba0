"""Example pictures: opened like an upload, with a mask ready to apply."""

from functools import partial

import gradio as gr

from genimg_ui.core.geometry import Sides
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
            button.click(
                partial(self.on_example, name), inputs={page.key}, outputs=outputs, **QUIET
            )

    @told
    def on_example(self, name: str, values: Values) -> Updates:
        """Open an example picture."""
        page = self.page
        path = self.workspace.examples[name]()
        opened = self.workspace.open_upload(page.session(values), path)
        return {
            page.canvas: CanvasUpdate(
                source=opened.sha256,
                image=opened.display,
                size=opened.size,
                mask_set=True,
                border=Sides(),
            ),
            page.status: views.message("Paint over what should change, then press Apply."),
            page.picture: describe_picture(opened),
            page.tabs: gr.Tabs(selected=EDIT_TAB),
            **page.outpaint.write(Sides(), opened.size, "px"),
        }
