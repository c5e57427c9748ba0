"""What shall be done: the choice at the top of the settings, and what only some tasks need.

All tasks are one kind of edit (`core.tasks`), so the choice stands for a region and a factor.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import gradio as gr

from genimg_ui.core.blank import SMALLEST_SIDE
from genimg_ui.core.request import EditRequest, PassParams, Region
from genimg_ui.core.resolve import MAX_CANVAS_SIDE, MAX_OVERLAP
from genimg_ui.core.tasks import MASKED, UPSCALES, Task, task_of
from genimg_ui.registry import ModelSpec
from genimg_ui.ui import texts
from genimg_ui.ui.panels import Panel, Updates, Values, _whole


class TaskPart(NamedTuple):
    """What the panel says of a request."""

    region: Region
    upscale: int
    passes: PassParams


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaskPanel(Panel):
    """The task, the factor of an enlargement, and how large work is divided."""

    task: gr.Radio
    factor: gr.Radio
    progressive: gr.Checkbox
    overlap: gr.Slider

    @classmethod
    def build(cls) -> Self:
        task = gr.Radio(
            [(texts.TASKS[task], str(task)) for task in Task],
            value=str(Task.INPAINT),
            label="Task",
            elem_id="task",
            info=texts.TASK_INFO[Task.INPAINT],
        )
        with gr.Row():
            factor = gr.Radio(
                [(f"×{factor}", factor) for factor in UPSCALES],
                value=UPSCALES[0],
                label="Enlarge",
                elem_id="factor",
                visible=False,
                min_width=110,
            )
            progressive = gr.Checkbox(
                True,
                label="Large borders in passes",
                info=texts.PROGRESSIVE,
                elem_id="progressive",
                visible=False,
                min_width=160,
            )
            overlap = gr.Slider(
                0,
                MAX_OVERLAP,
                PassParams().overlap,
                step=8,
                label="Overlap of passes",
                info=texts.OVERLAP,
                elem_id="overlap",
                visible=False,
                min_width=300,
            )
        return cls(task=task, factor=factor, progressive=progressive, overlap=overlap)

    def read(self, values: Values) -> TaskPart:
        """The request's part; raises RefusedInput."""
        task = Task(values[self.task])
        return TaskPart(
            region=Region.MASK if task in MASKED else Region.WHOLE,
            upscale=int(values[self.factor]) if task is Task.UPSCALE else 1,
            passes=PassParams(
                progressive=bool(values[self.progressive]),
                overlap=_whole(values, self.overlap, "Overlap"),
            ),
        )

    def write(self, request: EditRequest) -> Updates:
        """Show the task of a request; the inverse of `read`."""
        updates: Updates = {
            self.task: str(task_of(request)),
            self.progressive: request.passes.progressive,
            self.overlap: request.passes.overlap,
        }
        return updates | ({self.factor: request.upscale} if request.upscale > 1 else {})

    def allow(self, task: Task, spec: ModelSpec) -> Updates:
        """Show what the task needs, and say what it does."""
        divided = spec.native_size > 0 and task in (Task.OUTPAINT, Task.UPSCALE)
        return {
            self.task: gr.update(info=texts.TASK_INFO[task]),
            self.factor: gr.update(visible=task is Task.UPSCALE),
            self.progressive: gr.update(visible=divided and task is Task.OUTPAINT),
            self.overlap: gr.update(visible=divided),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NewCanvasPanel:
    """An empty picture to begin with; no part of a request."""

    box: gr.Column
    width: gr.Number
    height: gr.Number
    colour: gr.ColorPicker
    make: gr.Button

    @classmethod
    def build(cls) -> Self:
        limits: dict[str, Any] = {
            "precision": 0,
            "minimum": SMALLEST_SIDE,
            "maximum": MAX_CANVAS_SIDE,
            "step": 8,
            "min_width": 80,
        }
        with gr.Column(visible=False, elem_id="new-canvas") as box:
            with gr.Row():
                width = gr.Number(512, label="Width", elem_id="new-width", **limits)
                height = gr.Number(512, label="Height", elem_id="new-height", **limits)
                colour = gr.ColorPicker(
                    "#808080", label="Colour", elem_id="new-colour", min_width=70
                )
            make = gr.Button("New canvas", elem_id="new-canvas-make", size="sm")
        return cls(box=box, width=width, height=height, colour=colour, make=make)

    def allow(self, task: Task) -> Updates:
        """Only text-to-image begins with an empty picture."""
        return {self.box: gr.update(visible=task is Task.TEXT_TO_IMAGE)}

    def suggest(self, spec: ModelSpec) -> Updates:
        """The model's own size."""
        side = spec.native_size or 512
        return {self.width: side, self.height: side}
