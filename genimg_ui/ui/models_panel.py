"""The Models tab: the list, and a row that adds to it."""

from dataclasses import dataclass
from typing import Self

import gradio as gr

from genimg_ui.ui import texts
from genimg_ui.ui.parts import Models

LOOK_SECONDS = 1.0  # between two looks at a download that runs; the timer rests otherwise


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelsPanel:
    """The list with its own buttons, and the widgets below it."""

    models: Models
    source: gr.Textbox
    name: gr.Textbox
    add: gr.Button
    timer: gr.Timer

    @classmethod
    def build(cls, *, closed: bool) -> Self:
        """Lay the tab out; where it is `closed`, nothing can be added."""
        models = Models()
        with gr.Row(elem_id="model-add-row", visible=not closed, equal_height=True):
            source = gr.Textbox(
                label="Add a model",
                info=texts.MODEL_SOURCE,
                placeholder="owner/name",
                elem_id="model-source",
                scale=5,
                min_width=200,
                max_lines=1,
            )
            name = gr.Textbox(
                label="Name",
                info=texts.MODEL_NAME,
                elem_id="model-name",
                scale=2,
                min_width=140,
                max_lines=1,
            )
            add = gr.Button("Add", elem_id="model-add", scale=1, min_width=80)
        return cls(
            models=models,
            source=source,
            name=name,
            add=add,
            timer=gr.Timer(LOOK_SECONDS, active=False),
        )
