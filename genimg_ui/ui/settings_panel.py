"""All settings together: EditRequest ⇄ the widgets beside the canvas."""

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from genimg_ui.core.geometry import Box, Sides
from genimg_ui.core.request import EditRequest, SamplingParams
from genimg_ui.core.tasks import MASKED, Task, task_of
from genimg_ui.registry import ModelSpec, Registry
from genimg_ui.ui import texts
from genimg_ui.ui.choice import Choice
from genimg_ui.ui.control_panel import ControlPanel
from genimg_ui.ui.lora_panel import LoraPanel
from genimg_ui.ui.model_field import model_choices
from genimg_ui.ui.outpaint_panel import OutpaintPanel
from genimg_ui.ui.panels import (
    PROMPT_LINES,
    InpaintPanel,
    MaskPanel,
    SamplingPanel,
    Updates,
    Values,
)
from genimg_ui.ui.reference_panel import ReferencePanel
from genimg_ui.ui.speed_panel import SpeedPanel
from genimg_ui.ui.task_panel import NewCanvasPanel, TaskPanel
from genimg_ui.ui.variants_panel import VariantsPanel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SettingsPanel:
    """Everything that an EditRequest holds, except border and context box: the canvas has them."""

    task: TaskPanel
    new_canvas: NewCanvasPanel
    border_box: gr.Accordion  # holds the widgets of the border
    model: Choice
    left: gr.Textbox  # never seen: the model that a task could not take; "" for none
    sampling: SamplingPanel
    mask: MaskPanel
    inpaint: InpaintPanel
    control: ControlPanel
    lora: LoraPanel
    reference: ReferencePanel
    speed: SpeedPanel

    def widgets(self) -> list[gr.components.Component]:
        """Every widget whose value belongs to the request."""
        edit = (self.task, self.sampling, self.mask, self.inpaint)
        additions = (self.control, self.lora, self.reference, self.speed)
        return [self.model, *(each for part in (*edit, *additions) for each in part.widgets())]

    def shown(self) -> list[Any]:
        """What `show` and `allow` may change: the widgets, and what belongs to their values."""
        return [*self.widgets(), self.left, *self.control.buttons()]

    def changing(self) -> list[Any]:
        """The same widgets, for connecting their `change` events."""
        return list(self.widgets())

    def read(self, values: Values, border: Sides, box: Box | None = None) -> EditRequest:
        """The request that the widgets show; raises RefusedInput."""
        return EditRequest(
            **self.task.read(values)._asdict(),
            model=values[self.model],
            sampling=self.sampling.read(values),
            mask=self.mask.read(values),
            inpaint=replace(self.inpaint.read(values), box=box),
            border=border,
            controls=self.control.read(values),
            loras=self.lora.read(values),
            references=self.reference.read(values),
            speed=self.speed.read(values),
        )

    def write(self, request: EditRequest) -> Updates:
        """Show `request`; the inverse of `read` but for border and context box."""
        return {
            self.model: request.model,
            **self.task.write(request),
            **self.sampling.write(request.sampling),
            **self.mask.write(request.mask),
            **self.inpaint.write(request.inpaint),
            **self.control.write(request.controls),
            **self.lora.write(request.loras),
            **self.reference.write(request.references),
            **self.speed.write(request.speed),
        }

    def allow(self, spec: ModelSpec, task: Task = Task.INPAINT) -> Updates:
        """Disable what model or task cannot use, and say why."""
        return {
            **self.task.allow(task, spec),
            **self.sampling.allow(spec),
            **self.inpaint.allow(spec),
            **self.control.allow(spec),
            **self.lora.allow(spec),
            **self.reference.allow(spec),
            **self.speed.allow(spec),
            **self._of_masks(spec, task),
        }

    def _of_masks(self, spec: ModelSpec, task: Task) -> Updates:
        """What counts only where a mask does, and the strength of text-to-image."""
        mask, inpaint, masked = self.mask, self.inpaint, task in MASKED
        infos = {
            mask.grow: texts.GROW,
            mask.feather: texts.FEATHER,
            inpaint.only_masked: texts.ONLY_MASKED,
            inpaint.padding: texts.PADDING,
            inpaint.fill_mode: texts.FILL_MODE,
        }
        updates: Updates = {
            widget: gr.update(interactive=masked, info=info if masked else texts.TASK_NEVER)
            for widget, info in infos.items()
        }
        if not masked:
            for widget in (inpaint.fill, inpaint.anchor_context):
                updates[widget] = gr.update(interactive=False, info=texts.TASK_NEVER)
            if spec.uses_prompt:
                updates[self.sampling.prompt] = gr.update(
                    interactive=True, info=texts.PROMPT_WHOLE, lines=PROMPT_LINES
                )
        if task is Task.TEXT_TO_IMAGE and spec.uses_strength:
            info = texts.TASK_STRENGTH
            updates[self.sampling.strength] = gr.update(interactive=False, info=info)
        return updates

    def defaults(self, spec: ModelSpec) -> Updates:
        """The model's own recommended values."""
        own = {**self.sampling.defaults(spec), **self.inpaint.defaults(spec)}
        return own | self.lora.defaults() | self.reference.defaults(spec) | self.speed.defaults()

    def show(self, request: EditRequest, spec: ModelSpec) -> Updates:
        """`write` and `allow` in one update for each widget."""
        updates = self.allow(spec, task_of(request)) | self.control.dress(request.controls)
        for widget, value in self.write(request).items():
            updates[widget] = {**updates.get(widget, gr.update()), "value": value}
        return updates


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ApplyRow:
    """What starts and stops an edit, or a run of them."""

    apply: gr.Button
    cancel: gr.Button
    dice: gr.Button
    variants: VariantsPanel


def build_settings(registry: Registry) -> tuple[SettingsPanel, OutpaintPanel, ApplyRow]:
    """Lay out the right column: the first edit needs its top half only."""
    task, new_canvas = TaskPanel.build(), NewCanvasPanel.build()
    model, left = _build_model(registry)
    top, dice = _build_top(registry.get(registry.default))
    buttons = _build_buttons(dice)
    with gr.Accordion("Outpaint: add a border", open=False, elem_id="outpaint") as border_box:
        outpaint = OutpaintPanel.build()
    with gr.Accordion("Mask and context", open=False, elem_id="mask-settings"):
        mask = MaskPanel.build()
        inpaint = InpaintPanel.build()
    with gr.Accordion("Sampling", open=False, elem_id="sampling"):
        knobs = _build_knobs()
    with gr.Accordion("Control", open=False, elem_id="control"):
        control = ControlPanel.build()
    lora, reference = _build_added()
    speed = SpeedPanel.build()
    sampling = SamplingPanel(**top, **knobs)
    panel = SettingsPanel(
        task=task,
        new_canvas=new_canvas,
        border_box=border_box,
        model=model,
        left=left,
        sampling=sampling,
        mask=mask,
        inpaint=inpaint,
        control=control,
        lora=lora,
        reference=reference,
        speed=speed,
    )
    return panel, outpaint, buttons


def _build_model(registry: Registry) -> tuple[Choice, gr.Textbox]:
    choices = model_choices(registry)
    model = Choice(
        choices, value=registry.default, label="Model", elem_id="model", filterable=False
    )
    return model, gr.Textbox("", visible=False)


def _build_added() -> tuple[LoraPanel, ReferencePanel]:
    with gr.Accordion("LoRAs and embeddings", open=False, elem_id="loras"):
        lora = LoraPanel.build()
    with gr.Accordion("References", open=False, elem_id="references"):
        return lora, ReferencePanel.build()


def _build_top(spec: ModelSpec) -> tuple[dict[str, Any], gr.Button]:
    prompt = gr.Textbox(
        label="Prompt", lines=PROMPT_LINES, max_lines=5, info=texts.PROMPT, elem_id="prompt"
    )
    negative = gr.Textbox(
        label="Negative prompt",
        lines=1,
        max_lines=3,
        info=texts.NEGATIVE,
        elem_id="negative-prompt",
        visible=spec.uses_prompt and spec.uses_negative_prompt,
    )
    with gr.Row(elem_id="seed-row"):
        seed = gr.Number(
            0, label="Seed", precision=0, minimum=0, elem_id="seed", min_width=120, scale=3
        )
        with gr.Column(min_width=76, scale=1, elem_id="seed-tools"):
            lock = gr.Checkbox(
                False, label="Lock", elem_id="seed-lock", container=False, min_width=60
            )
            dice = gr.Button("New", elem_id="dice", min_width=60, size="sm")
        variants = gr.Number(
            1,
            label="Variants",
            precision=0,
            minimum=1,
            maximum=16,
            step=1,
            elem_id="variants",
            min_width=76,
            scale=2,
        )
    widgets = {
        "prompt": prompt,
        "negative_prompt": negative,
        "seed": seed,
        "lock": lock,
        "variants": variants,
    }
    return widgets, dice


def _build_buttons(dice: gr.Button) -> ApplyRow:
    with gr.Row(elem_id="apply-row"):
        apply = gr.Button("Apply", variant="primary", elem_id="apply", scale=3)
        cancel = gr.Button("Cancel", elem_id="cancel", scale=1, min_width=80)
    with gr.Accordion("Variants and sweeps", open=False, elem_id="sweep"):
        sweep = VariantsPanel.build()
    return ApplyRow(apply=apply, cancel=cancel, dice=dice, variants=sweep)


def _build_knobs() -> dict[str, Any]:
    return {
        "strength": _slider("strength", (0.01, 1), 0.01, texts.STRENGTH),
        "guidance_scale": _slider("guidance_scale", (1, 30), 0.5, texts.GUIDANCE),
        "true_cfg_scale": _slider("true_cfg_scale", (1, 30), 0.5, texts.TRUE_CFG, visible=False),
        "refiner_switch_at": _slider(
            "refiner_switch_at", (0.05, 1), 0.05, texts.REFINER, visible=False
        ),
        "num_inference_steps": _slider(
            "num_inference_steps", (1, 150), 1, texts.STEPS, elem_id="steps"
        ),
        "scheduler": Choice(
            ["default"],
            value="default",
            label="Scheduler",
            info=texts.SCHEDULER,
            elem_id="scheduler",
        ),
        "anchor_step_noise": _build_anchor(),
        "prompt_weighting": gr.Checkbox(
            SamplingParams().prompt_weighting,
            label="Prompt weighting",
            info=texts.PROMPT_WEIGHTING,
            elem_id="prompt-weighting",
        ),
    }


def _slider(
    name: str, bounds: tuple[float, float], step: float, info: str, **more: Any
) -> gr.Slider:
    """The slider of one of the sampler's numbers; its id is the name with hyphens."""
    options = {"elem_id": name.replace("_", "-"), "label": texts.FIELD_LABELS[name]} | more
    return gr.Slider(*bounds, getattr(SamplingParams(), name), step=step, info=info, **options)


def _build_anchor() -> gr.Checkbox:
    return gr.Checkbox(
        True,
        label="Anchored step noise",
        info=texts.ANCHOR_STEP_NOISE,
        elem_id="anchor-step-noise",
    )
