"""The settings beside the canvas: each panel builds its widgets, reads them and writes them.

`read(values)` takes Gradio's dict of component → value and gives the request's part;
`write(part)` is its exact inverse. `allow(spec)` disables what the model cannot use and says why.
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Self, cast

import gradio as gr
from gradio.components import Component

from genimg_ui.core.request import (
    ColourMatch,
    FillMode,
    FillUnderMask,
    InpaintParams,
    MaskParams,
    SamplingParams,
)
from genimg_ui.errors import RefusedInput
from genimg_ui.registry import DEFAULT_SCHEDULER, ModelSpec
from genimg_ui.ui import texts
from genimg_ui.ui.choice import Choice

Values = dict[Any, Any]  # what Gradio hands to a handler with set inputs
Updates = dict[Any, Any]  # what a handler hands back
PROMPT_LINES = 2  # of the field, where the model reads it


class Panel:
    """Shared by the panels: their widgets are their dataclass fields."""

    def widgets(self) -> list[Component]:
        """Every widget of the panel, in the order of its fields."""
        return [getattr(self, field.name) for field in fields(cast(Any, self))]


def _whole(values: Values, widget: Component, name: str) -> int:
    value = values[widget]
    if value is None or int(value) != value:
        raise RefusedInput(f"{name} must be a whole number, got {value!r}.")
    return int(value)


def usable(is_used: bool, info: str, **more: Any) -> Any:
    """An update that enables or disables a widget; a disabled one says why."""
    text = info if is_used else texts.NEVER
    return gr.update(interactive=is_used, info=text, **more)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SamplingPanel(Panel):
    """Prompt, seed, variants and the sampler's knobs."""

    prompt: gr.Textbox
    negative_prompt: gr.Textbox
    seed: gr.Number
    lock: gr.Checkbox
    variants: gr.Number
    strength: gr.Slider
    guidance_scale: gr.Slider
    true_cfg_scale: gr.Slider
    refiner_switch_at: gr.Slider
    num_inference_steps: gr.Slider
    scheduler: Choice
    anchor_step_noise: gr.Checkbox
    prompt_weighting: gr.Checkbox

    def read(self, values: Values) -> SamplingParams:
        """The sampler's part of the request; an unlocked seed is drawn anew."""
        return SamplingParams(
            prompt=values[self.prompt] or "",
            negative_prompt=values[self.negative_prompt] or "",
            strength=float(values[self.strength]),
            guidance_scale=float(values[self.guidance_scale]),
            true_cfg_scale=float(values[self.true_cfg_scale]),
            refiner_switch_at=float(values[self.refiner_switch_at]),
            num_inference_steps=_whole(values, self.num_inference_steps, "Steps"),
            scheduler=values[self.scheduler] or "default",
            seed=_whole(values, self.seed, "Seed") if values[self.lock] else None,
            variants=_whole(values, self.variants, "Variants"),
            anchor_step_noise=bool(values[self.anchor_step_noise]),
            prompt_weighting=bool(values[self.prompt_weighting]),
        )

    def write(self, params: SamplingParams) -> Updates:
        """Show `params`; a seed locks, its absence unlocks."""
        updates: Updates = {
            self.prompt: params.prompt,
            self.negative_prompt: params.negative_prompt,
            self.strength: params.strength,
            self.guidance_scale: params.guidance_scale,
            self.true_cfg_scale: params.true_cfg_scale,
            self.refiner_switch_at: params.refiner_switch_at,
            self.num_inference_steps: params.num_inference_steps,
            self.scheduler: params.scheduler,
            self.lock: params.seed is not None,
            self.variants: params.variants,
            self.anchor_step_noise: params.anchor_step_noise,
            self.prompt_weighting: params.prompt_weighting,
        }
        return updates if params.seed is None else updates | {self.seed: params.seed}

    def allow(self, spec: ModelSpec) -> Updates:
        """Enable what the model uses."""
        negated = spec.uses_prompt and spec.uses_negative_prompt
        return {
            self.prompt: usable(
                spec.uses_prompt, texts.PROMPT, lines=PROMPT_LINES if spec.uses_prompt else 1
            ),
            self.negative_prompt: usable(negated, texts.NEGATIVE, visible=negated),
            self.strength: usable(spec.uses_strength, texts.STRENGTH),
            self.guidance_scale: usable(spec.uses_guidance, texts.GUIDANCE),
            self.true_cfg_scale: usable(
                spec.uses_true_cfg, texts.TRUE_CFG, visible=spec.uses_true_cfg
            ),
            self.refiner_switch_at: gr.update(visible=bool(spec.refiner)),
            self.num_inference_steps: usable(spec.uses_steps, texts.STEPS),
            self.scheduler: usable(
                bool(spec.schedulers),
                texts.SCHEDULER,
                choices=list(dict.fromkeys((DEFAULT_SCHEDULER, *spec.schedulers))),
            ),
            self.prompt_weighting: gr.update(  # to be switched off wherever it came from
                info=texts.PROMPT_WEIGHTING if spec.uses_prompt_weighting else texts.NEVER
            ),
            self.anchor_step_noise: usable(bool(spec.schedulers), texts.ANCHOR_STEP_NOISE),
        }

    def defaults(self, spec: ModelSpec) -> Updates:
        """The model's own recommended values."""
        off = {} if spec.uses_prompt_weighting else {self.prompt_weighting: False}
        return off | {
            self.strength: spec.default_strength,
            self.guidance_scale: spec.usual_guidance_scale,
            self.true_cfg_scale: spec.default_true_cfg_scale,
            self.num_inference_steps: spec.default_steps,
            self.scheduler: "default",
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaskPanel(Panel):
    """How the painted mask becomes the masks that engine and paste use."""

    grow: gr.Slider
    feather: gr.Slider

    @classmethod
    def build(cls) -> Self:
        default = MaskParams()
        grow = gr.Slider(-256, 256, default.grow, step=1, label="Grow", info=texts.GROW)
        feather = gr.Slider(0, 256, default.feather, step=1, label="Feather", info=texts.FEATHER)
        return cls(grow=grow, feather=feather)

    def read(self, values: Values) -> MaskParams:
        return MaskParams(
            grow=_whole(values, self.grow, "Grow"),
            feather=_whole(values, self.feather, "Feather"),
        )

    def write(self, params: MaskParams) -> Updates:
        return {self.grow: params.grow, self.feather: params.feather}


def _half(value: StrEnum, *, label: str, info: str) -> gr.Dropdown:
    """A dropdown of an enumeration's values, so narrow that two stand side by side."""
    choices = [str(name) for name in type(value)]
    return gr.Dropdown(choices, value=str(value), label=label, info=info, min_width=130)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InpaintPanel(Panel):
    """What the engine sees around and under the mask."""

    only_masked: gr.Checkbox
    padding: gr.Slider
    anchor_context: gr.Checkbox
    fill: gr.Dropdown
    fill_mode: gr.Dropdown
    colour_match: gr.Dropdown

    @classmethod
    def build(cls) -> Self:
        default = InpaintParams()
        only_masked = gr.Checkbox(
            default.only_masked, label="Only the masked region", info=texts.ONLY_MASKED
        )
        padding = gr.Slider(
            0, 2048, default.padding, step=1, label="Context padding", info=texts.PADDING
        )
        anchor_context = gr.Checkbox(
            True, label="Anchored context", info=texts.ANCHOR_CONTEXT, elem_id="anchor-context"
        )
        with gr.Row():
            fill = _half(default.fill, label="Fill under the mask", info=texts.FILL)
            fill_mode = _half(default.fill_mode, label="Fill mode", info=texts.FILL_MODE)
        colour_match = gr.Dropdown(
            [str(name) for name in ColourMatch],
            value=str(default.colour_match),
            label="Colour match",
            info=texts.COLOUR_MATCH,
            elem_id="colour-match",
        )
        return cls(
            only_masked=only_masked,
            padding=padding,
            anchor_context=anchor_context,
            colour_match=colour_match,
            fill=fill,
            fill_mode=fill_mode,
        )

    def read(self, values: Values) -> InpaintParams:
        return InpaintParams(
            only_masked=bool(values[self.only_masked]),
            padding=_whole(values, self.padding, "Padding"),
            anchor_context=bool(values[self.anchor_context]),
            fill=FillUnderMask(values[self.fill]),
            fill_mode=FillMode(values[self.fill_mode]),
            colour_match=ColourMatch(values[self.colour_match]),
        )

    def write(self, params: InpaintParams) -> Updates:
        return {
            self.only_masked: params.only_masked,
            self.padding: params.padding,
            self.anchor_context: params.anchor_context,
            self.fill: str(params.fill),
            self.fill_mode: str(params.fill_mode),
            self.colour_match: str(params.colour_match),
        }

    def allow(self, spec: ModelSpec) -> Updates:
        return {
            self.anchor_context: usable(bool(spec.native_size), texts.ANCHOR_CONTEXT),
            self.fill: usable(spec.uses_fill, texts.FILL),
            self.colour_match: usable(spec.uses_colour_match, texts.COLOUR_MATCH),
        }

    def defaults(self, spec: ModelSpec) -> Updates:
        """The model's own recommended values."""
        return {self.colour_match: str(spec.default_colour_match)}
