"""What varies in a run: one parameter, and a second one under "More"."""

from dataclasses import dataclass
from typing import Any, Self

import gradio as gr
from gradio.blocks import Block

from genimg_ui.core.parameters import PARAMETERS
from genimg_ui.core.sweep import Axis, Sweep
from genimg_ui.core.sweep_values import parse_values
from genimg_ui.core.template import parse_table
from genimg_ui.ui import texts
from genimg_ui.ui.panels import Values
from genimg_ui.ui.parts import Sheet

NOTHING = ""  # no second parameter
FIRST = "seed"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VariantsPanel:
    """Widgets of the accordion below Apply."""

    parameter: gr.Dropdown
    values: gr.Textbox
    second: gr.Dropdown
    second_values: gr.Textbox
    new_seeds: gr.Checkbox
    fields: gr.Textbox
    count: gr.Markdown
    start: gr.Button

    @classmethod
    def build(cls) -> Self:
        with gr.Row():
            parameter = gr.Dropdown(
                _choices(),
                value=FIRST,
                label="What varies",
                elem_id="sweep-parameter",
                min_width=110,
                filterable=False,
            )
            values = gr.Textbox(
                "4", label="Values", elem_id="sweep-values", min_width=150, lines=1, max_lines=6
            )
        with gr.Accordion("More", open=False, elem_id="sweep-more"):
            more = _build_more()
        return cls(
            parameter=parameter,
            values=values,
            **more,
            count=gr.Markdown(texts.SEEDS_HELP, elem_id="sweep-count"),
            start=gr.Button("Start the run", elem_id="sweep-start"),
        )

    def widgets(self) -> set[Block]:
        """What `read` reads."""
        chosen = {self.parameter, self.values, self.second, self.second_values}
        return {*chosen, self.new_seeds, self.fields}

    def changing(self) -> list[Any]:
        """Widgets after whose change the count must be said anew."""
        return [self.values, self.second_values, self.new_seeds, self.fields]

    def read(self, values: Values, first_seed: int) -> Sweep:
        """The sweep that the widgets show; raises RefusedInput."""
        table = parse_table(values[self.fields] or "")
        chosen = [(values[self.parameter], values[self.values])]
        if values[self.second]:
            chosen.append((values[self.second], values[self.second_values]))
        axes = tuple(
            Axis(
                parameter=name,
                values=parse_values(name, text or "", first_seed=first_seed, table=table),
            )
            for name, text in chosen
        )
        return Sweep(axes=axes, new_seeds=bool(values[self.new_seeds]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunView:
    """The tab with a run's cells. `shown` is the run's id and what was last said of it."""

    sheet: Sheet
    timer: gr.Timer
    shown: gr.Textbox  # never seen; a gr.State would keep a request open for each page

    @classmethod
    def build(cls, seconds: float) -> Self:
        """The part, and a timer that looks at a run every so many seconds."""
        timer = gr.Timer(seconds, active=False)
        return cls(sheet=Sheet(), timer=timer, shown=gr.Textbox(visible=False))


def _choices() -> list[tuple[str, str]]:
    return [(parameter.label, parameter.name) for parameter in PARAMETERS.values()]


def _build_more() -> dict[str, Any]:
    return {
        "second": gr.Dropdown(
            [("nothing", NOTHING), *_choices()],
            value=NOTHING,
            label="Second parameter, from row to row",
            elem_id="sweep-second",
            filterable=False,
        ),
        "second_values": gr.Textbox(
            "", label="Its values", elem_id="sweep-second-values", max_lines=6
        ),
        "new_seeds": gr.Checkbox(
            False, label="A new seed for each picture", elem_id="sweep-new-seeds"
        ),
        "fields": gr.Textbox(
            "",
            label="Fields of a prompt template",
            info=texts.FIELDS,
            lines=2,
            placeholder="subject = a red mug | a blue cup",
            elem_id="sweep-fields",
        ),
    }
