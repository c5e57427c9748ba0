"""Stable Diffusion 3 and 3.5: a transformer over text and picture, three text encoders.

Esser et al. 2024 (arXiv:2403.03206). Guidance is classifier-free, as in Stable Diffusion.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from diffusers import (
    SD3ControlNetModel,
    StableDiffusion3ControlNetInpaintingPipeline,
    StableDiffusion3ControlNetPipeline,
    StableDiffusion3Pipeline,
)
from PIL import Image

from genimg_ui.backend.diffusion.families.base import Call, Pipeline
from genimg_ui.backend.diffusion.families.flow import Flow, refuse_channels
from genimg_ui.errors import RefusedInput
from genimg_ui.registry import ModelSpec

TOKENS = 256  # of a prompt, as the third text encoder is asked to read
MARKERS = 1  # its end token


class StableDiffusion3(Flow):
    """Family sd3: 1024 pixels."""

    id: ClassVar[str] = "sd3"
    control_networks: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"SD3ControlNetModel": SD3ControlNetModel}
    )
    default_max_shift: ClassVar[float] = 1.16

    def inpaint_class(self, spec: ModelSpec, class_name: str) -> Any:
        return StableDiffusion3Pipeline

    def check(self, pipe: Pipeline, title: str) -> None:
        refuse_channels(pipe, title, self.latent_channels(pipe))

    def control_class(self, pipe: Pipeline, networks: tuple[Any, ...]) -> Any:
        sees_hole = {bool(network.config.extra_conditioning_channels) for network in networks}
        if len(sees_hole) > 1:
            raise RefusedInput(
                "An inpainting ControlNet of Stable Diffusion 3 cannot be joined with others.",
                remedy="Remove one of the controls.",
            )
        if sees_hole == {True}:
            return StableDiffusion3ControlNetInpaintingPipeline
        return StableDiffusion3ControlNetPipeline

    def sigmas(self, steps: int) -> list[float] | None:
        return None  # the scheduler's own

    def prompt_room(self, pipe: Pipeline) -> tuple[Any, int]:
        if pipe.text_encoder_3 is None:
            return super().prompt_room(pipe)
        return pipe.tokenizer_3, TOKENS - MARKERS

    def guidance_arguments(self, pipe: Pipeline, call: Call) -> dict[str, Any]:
        return {
            "prompt": call.prompt,
            "negative_prompt": call.negative_prompt or None,
            "guidance_scale": call.guidance_scale,
            "max_sequence_length": TOKENS,
        }

    def picture_arguments(self, pipe: Pipeline, call: Call) -> dict[str, Any]:
        """An inpainting ControlNet is shown the crop and where it has a hole."""
        if not isinstance(pipe, StableDiffusion3ControlNetInpaintingPipeline):
            return {}
        return {"control_mask": Image.fromarray(call.hole)}
