"""The widgets of what saves time."""

from dataclasses import dataclass
from typing import Self

import gradio as gr

from genimg_ui.core.speed import THRESHOLDS, SpeedParams, StepCache
from genimg_ui.registry import ModelSpec, abilities
from genimg_ui.ui import texts
from genimg_ui.ui.choice import Choice
from genimg_ui.ui.panels import Panel, Updates, Values, usable


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SpeedPanel(Panel):
    """Savings that change the picture a little; at first nothing is saved."""

    guidance_end: gr.Slider
    step_cache: Choice
    step_cache_threshold: gr.Number

    @classmethod
    def build(cls) -> Self:
        default = SpeedParams()
        with gr.Accordion("Speed", open=False, elem_id="speed"):
            guidance_end = gr.Slider(
                0,
                1,
                default.guidance_end,
                step=0.05,
                label="CFG until",
                info=texts.GUIDANCE_END,
                elem_id="guidance-end",
            )
            with gr.Row():
                step_cache = Choice(
                    [str(name) for name in StepCache],
                    value=str(default.step_cache),
                    label="Step cache",
                    info=texts.STEP_CACHE,
                    elem_id="step-cache",
                    min_width=130,
                )
                threshold = gr.Number(
                    None,
                    label="Step cache threshold",
                    info=texts.STEP_CACHE_THRESHOLD,
                    elem_id="step-cache-threshold",
                    min_width=130,
                )
        return cls(guidance_end=guidance_end, step_cache=step_cache, step_cache_threshold=threshold)

    def read(self, values: Values) -> SpeedParams:
        """A threshold belongs to the caches that have one, and is left out for others."""
        cache = StepCache(values[self.step_cache])
        threshold = values[self.step_cache_threshold] if cache in THRESHOLDS else None
        return SpeedParams(
            guidance_end=float(values[self.guidance_end]),
            step_cache=cache,
            step_cache_threshold=None if threshold is None else float(threshold),
        )

    def write(self, speed: SpeedParams) -> Updates:
        return {
            self.guidance_end: speed.guidance_end,
            self.step_cache: str(speed.step_cache),
            self.step_cache_threshold: speed.step_cache_threshold,
        }

    def allow(self, spec: ModelSpec) -> Updates:
        guides = abilities(spec).uses_guidance_end
        cached = bool(spec.step_caches)
        names = [str(StepCache.OFF), *map(str, spec.step_caches)]
        return {
            self.guidance_end: usable(guides, texts.GUIDANCE_END),
            self.step_cache: usable(cached, texts.STEP_CACHE, choices=names),
            self.step_cache_threshold: usable(cached, texts.STEP_CACHE_THRESHOLD),
        }

    def defaults(self) -> Updates:
        """Another model saves nothing until it is asked to."""
        return self.write(SpeedParams())
