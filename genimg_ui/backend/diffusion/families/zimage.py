"""Z-Image (Tongyi-MAI 2025, arXiv:2511.22699): one transformer over text and picture tokens.

Guidance is classifier-free. Its own pipelines count it from 0; here 1 is without, as everywhere:
`guidance_scale` is theirs plus 1. Turbo is distilled and runs without.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from diffusers import (
    ZImageControlNetInpaintPipeline,
    ZImageControlNetModel,
    ZImageControlNetPipeline,
    ZImagePipeline,
)
from PIL import Image

from genimg_ui.backend.diffusion.families.base import Call, Output, Pipeline
from genimg_ui.backend.diffusion.families.flow import Flow, pictured, refuse_channels
from genimg_ui.backend.diffusion.guidance import Guided
from genimg_ui.errors import RefusedInput
from genimg_ui.registry import ModelSpec

TOKENS = 512  # that the pipelines read, those of the chat's template among them


class ZImage(Flow):
    """Family z-image: 1024 pixels; latents in float32 throughout."""

    id: ClassVar[str] = "z-image"
    control_networks: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"ZImageControlNetModel": ZImageControlNetModel}
    )
    control_width: ClassVar[str] = "dim"
    guided: ClassVar[Guided] = Guided.LIST

    def inpaint_class(self, spec: ModelSpec, class_name: str) -> Any:
        return ZImagePipeline

    def check(self, pipe: Pipeline, title: str) -> None:
        refuse_channels(pipe, title, self.latent_channels(pipe))

    def control_class(self, pipe: Pipeline, networks: tuple[Any, ...]) -> Any:
        if len(networks) > 1:
            raise RefusedInput(
                f"Z-Image takes one control, got {len(networks)}.", remedy="Remove all but one."
            )
        if networks[0].config.control_in_dim > self.latent_channels(pipe):
            return ZImageControlNetInpaintPipeline  # also sees the picture around the hole
        return ZImageControlNetPipeline

    def dtype(self, pipe: Pipeline) -> torch.dtype:
        return torch.float32

    def prompt_room(self, pipe: Pipeline) -> tuple[Any, int]:
        frame = pipe.tokenizer.apply_chat_template(
            [{"role": "user", "content": ""}],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=True,
        )
        return pipe.tokenizer, TOKENS - len(pipe.tokenizer(frame).input_ids)

    def sigmas(self, steps: int) -> list[float] | None:
        levels: list[float] = torch.linspace(1.0, 1 / steps, steps).tolist()
        return levels

    def guidance_arguments(self, pipe: Pipeline, call: Call) -> dict[str, Any]:
        return {
            "prompt": call.prompt,
            "negative_prompt": call.negative_prompt or None,
            "guidance_scale": call.guidance_scale - 1,
        }

    def picture_arguments(self, pipe: Pipeline, call: Call) -> dict[str, Any]:
        if not isinstance(pipe, ZImageControlNetInpaintPipeline):
            return {}
        return {"image": pictured(call), "mask_image": Image.fromarray(call.hole)}

    def control_arguments(self, call: Call) -> dict[str, Any]:
        names = ("control_image", "controlnet_conditioning_scale")
        return {
            name: value for name, value in super().control_arguments(call).items() if name in names
        }

    def run(self, pipe: Pipeline, call: Call) -> Output:
        """Its pipelines know no start and end of a control: outside them its scale is 0."""
        if not call.controls:
            return super().run(pipe, call)
        count = len(pipe.scheduler.timesteps)
        handle = pipe.controlnet.register_forward_pre_hook(
            _limited(call.controls[0].start, call.controls[0].end, count), with_kwargs=True
        )
        try:
            return super().run(pipe, call)
        finally:
            handle.remove()


def _limited(start: float, end: float, count: int) -> Callable[..., Any]:
    """Sets the scale to 0 in evaluations before `start` and after `end`, as diffusers does."""
    evaluations = iter(range(count))

    def before(_network: Any, places: tuple[Any, ...], named: dict[str, Any]) -> Any:
        index = next(evaluations)
        if index / count < start or (index + 1) / count > end:
            named = named | {"conditioning_scale": 0.0}
        return places, named

    return before
