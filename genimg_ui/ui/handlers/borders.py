"""Numbers, unit, aspect and anchor that move the outpaint frame on the canvas."""

import gradio as gr

from genimg_ui.core.geometry import Sides, Size
from genimg_ui.errors import RefusedInput
from genimg_ui.ui import views
from genimg_ui.ui.canvas.component import CanvasState
from genimg_ui.ui.outpaint_panel import CUSTOM, PIXELS
from genimg_ui.ui.page import QUIET, Handlers, told
from genimg_ui.ui.panels import Updates, Values

# In the browser, so that a number typed just before Apply is already on the canvas.
SET_BORDER = """(left, top, right, bottom, unit) => {
  const canvas = window.genimgCanvas;
  const { width, height } = canvas?.state() ?? {};
  if (!width) return [];
  const px = (value, length) =>
    Math.max(0, Math.round(unit === '%' ? ((value ?? 0) * length) / 100 : value ?? 0));
  canvas.setBorder({
    left: px(left, width), top: px(top, height),
    right: px(right, width), bottom: px(bottom, height),
  });
  return [];
}"""


class BorderHandlers(Handlers):
    """The outpaint panel's listeners."""

    def connect(self) -> None:
        """Numbers act in the browser; aspect and unit are computed here."""
        page, outpaint = self.page, self.page.outpaint
        sides = outpaint.numbers()
        frame = {"inputs": [*sides, outpaint.unit], "js": SET_BORDER, **QUIET}
        gr.on([side.input for side in sides], None, **frame)
        gr.on(
            [outpaint.aspect.input, outpaint.anchor.input, outpaint.custom.submit],
            self.on_aspect,
            inputs={page.canvas, outpaint.unit, outpaint.aspect, outpaint.anchor, outpaint.custom},
            outputs=[page.status, *sides],
            **QUIET,
        ).then(None, **frame)
        outpaint.unit.input(
            self.on_unit, inputs={page.canvas, outpaint.unit}, outputs=sides, **QUIET
        )
        outpaint.clear.click(
            lambda: [0, 0, 0, 0, "free"], outputs=[*sides, outpaint.aspect], **QUIET
        ).then(None, **frame)

    @told
    def on_aspect(self, values: Values) -> Updates:
        """Turn a target aspect into a border."""
        page = self.page
        size = self._size(values)
        if size is None:
            return {page.status: views.message("Open a picture first.", kind="warning")}
        border = page.outpaint.aspect_border(values, size)
        if border is None:
            return self._no_aspect(values)
        return page.outpaint.write(border, size, values[page.outpaint.unit])

    def _no_aspect(self, values: Values) -> Updates:
        outpaint = self.page.outpaint
        if values[outpaint.aspect] != CUSTOM or not values[outpaint.custom]:
            return self.page.nothing()
        raise RefusedInput(
            "A custom aspect must be width:height between 1:20 and 20:1, such as 21:9; "
            f"got {str(values[outpaint.custom])[:40]!r}."
        )

    @told
    def on_unit(self, values: Values) -> Updates:
        """Show the same border in the other unit."""
        outpaint, size = self.page.outpaint, self._size(values)
        if size is None:
            return outpaint.write(Sides(), Size(1, 1), PIXELS)
        return outpaint.write(values[self.page.canvas].border, size, values[outpaint.unit])

    def _size(self, values: Values) -> Size | None:
        state: CanvasState | None = values[self.page.canvas]
        return state.size if state and state.size.width else None
