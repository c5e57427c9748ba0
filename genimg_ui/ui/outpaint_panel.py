"""Border controls: pixels or per cent for each side, or a target aspect with an anchor.

The canvas holds the border; these widgets talk to it in the browser, so that what is drawn is
what Apply sends.
"""

from dataclasses import dataclass
from typing import Self

import gradio as gr

from genimg_ui.core.geometry import Sides, Size
from genimg_ui.core.outpaint import border_for_aspect, border_from_percent
from genimg_ui.ui import texts
from genimg_ui.ui.panels import Updates, Values

PIXELS, PERCENT = "px", "%"
CUSTOM = "custom"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutpaintPanel:
    """Widgets of the border."""

    left: gr.Number
    top: gr.Number
    right: gr.Number
    bottom: gr.Number
    unit: gr.Radio
    aspect: gr.Dropdown
    custom: gr.Textbox
    anchor: gr.Dropdown
    clear: gr.Button

    @classmethod
    def build(cls) -> Self:
        with gr.Row():
            numbers = {
                name: gr.Number(
                    0, label=name.capitalize(), minimum=0, min_width=60, elem_id=f"border-{name}"
                )
                for name in Sides._fields
            }
        with gr.Row():
            unit = gr.Radio([PIXELS, PERCENT], value=PIXELS, label="Unit", min_width=90)
            aspect = gr.Dropdown(
                [*texts.ASPECTS, CUSTOM],
                value="free",
                label="Aspect",
                min_width=90,
                elem_id="aspect",
            )
            anchor = gr.Dropdown(
                list(texts.ANCHORS),
                value="centre",
                label="Picture stays",
                min_width=110,
                elem_id="anchor",
            )
        with gr.Row():
            custom = gr.Textbox(
                label="Custom aspect", placeholder="21:9", min_width=100, elem_id="custom-aspect"
            )
            clear = gr.Button("No border", size="sm", min_width=90)
        return cls(**numbers, unit=unit, aspect=aspect, custom=custom, anchor=anchor, clear=clear)

    def numbers(self) -> list[gr.Number]:
        """The four sides, in the order of `Sides`."""
        return [self.left, self.top, self.right, self.bottom]

    def read(self, values: Values, size: Size) -> Sides:
        """The border in pixels that the four numbers mean for a picture of `size`."""
        sides = [float(values[number] or 0) for number in self.numbers()]
        if values[self.unit] == PERCENT:
            left, top, right, bottom = sides
            return border_from_percent(size, (left, top, right, bottom))
        return Sides(*(round(side) for side in sides))

    def aspect_border(self, values: Values, size: Size) -> Sides | None:
        """The border that the chosen aspect needs; None where it is left free."""
        name = values[self.aspect]
        ratio = parse_aspect(values[self.custom]) if name == CUSTOM else texts.ASPECTS[name]
        if ratio is None:
            return None
        return border_for_aspect(size, ratio, texts.ANCHORS[values[self.anchor]])

    def write(self, border: Sides, size: Size, unit: str) -> Updates:
        """Show a border in the chosen unit."""
        if unit == PERCENT:
            lengths = (size.width, size.height, size.width, size.height)
            shown = [round(100 * b / n, 3) for b, n in zip(border, lengths, strict=True)]
        else:
            shown = [float(side) for side in border]
        return dict(zip(self.numbers(), shown, strict=True))


def parse_aspect(text: str | None) -> float | None:
    """Width over height of "21:9", "21/9" or "2.33"; None where it is no such thing."""
    first, _, second = (text or "").replace("/", ":").partition(":")
    try:
        ratio = float(first) / float(second or 1)
    except (ValueError, ZeroDivisionError):
        return None
    return ratio if 0.05 <= ratio <= 20 else None
