"""FLUX.1 of Black Forest Labs: dev, schnell, and Fill, which sees the mask.

`guidance_scale` is distilled into dev and Fill: a number that the network reads, without a second
evaluation, and without a negative prompt. `true_cfg_scale` above 1 adds classifier-free guidance
against the negative prompt, at twice the time. schnell reads no guidance_scale.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from diffusers import (
    FluxControlNetModel,
    FluxControlNetPipeline,
    FluxFillPipeline,
    FluxPipeline,
)
from PIL import Image

from genimg_ui.backend.diffusion.families.base import Call, Pipeline
from genimg_ui.backend.diffusion.families.flow import PATCH, Flow, pictured, refuse_channels
from genimg_ui.backend.diffusion.guidance import Guided
from genimg_ui.errors import RefusedInput
from genimg_ui.registry import ModelSpec

TOKENS = 512  # of a prompt that the second text encoder reads
TOKENS_SCHNELL = 256  # what the model without guidance was trained on
MARKERS = 1  # the end token
CELL = PATCH * PATCH  # latent cells in one token


class Flux(Flow):
    """Family flux: dev and schnell, held to the picture by blending."""

    id: ClassVar[str] = "flux"
    control_networks: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"FluxControlNetModel": FluxControlNetModel}
    )
    # The order of the published union network (Shakker-Labs/FLUX.1-dev-ControlNet-Union-Pro).
    control_modes: ClassVar[Mapping[str, int]] = MappingProxyType(
        {"canny": 0, "tile": 1, "depth": 2, "pose": 4}
    )
    guided: ClassVar[Guided] = Guided.TURNS
    _union_count: ClassVar[str] = "num_mode"

    def inpaint_class(self, spec: ModelSpec, class_name: str) -> Any:
        return FluxPipeline

    def check(self, pipe: Pipeline, title: str) -> None:
        refuse_channels(pipe, title, CELL * self.latent_channels(pipe))

    def control_class(self, pipe: Pipeline, networks: tuple[Any, ...]) -> Any:
        return FluxControlNetPipeline

    def control_argument(self, networks: tuple[Any, ...]) -> Any:
        """A union network takes several maps at once."""
        if len(networks) > 1 and all(network is networks[0] for network in networks):
            return [networks[0]]
        return super().control_argument(networks)

    def guides(self, call: Call) -> bool:
        return call.true_cfg_scale > 1

    def apart(self, pipe: Pipeline, call: Call) -> bool:
        return isinstance(pipe, FluxPipeline) or not self.guides(call)

    def prompt_room(self, pipe: Pipeline) -> tuple[Any, int]:
        return pipe.tokenizer_2, self._tokens(pipe) - MARKERS

    def pack(self, pipe: Pipeline, latents: torch.Tensor) -> torch.Tensor:
        batch, channels, rows, columns = latents.shape
        packed: torch.Tensor = pipe._pack_latents(latents, batch, channels, rows, columns)
        return packed

    def unpack(self, pipe: Pipeline, latents: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        width, height = size
        spatial: torch.Tensor = pipe._unpack_latents(latents, height, width, self.factor(pipe))
        return spatial

    def guidance_arguments(self, pipe: Pipeline, call: Call) -> dict[str, Any]:
        arguments = {
            "prompt": call.prompt,
            "guidance_scale": call.guidance_scale,
            "max_sequence_length": self._tokens(pipe),
        }
        if call.true_cfg_scale > 1:
            arguments |= {
                "true_cfg_scale": call.true_cfg_scale,
                "negative_prompt": call.negative_prompt,
            }
        return arguments

    def _tokens(self, pipe: Pipeline) -> int:
        return TOKENS if pipe.transformer.config.guidance_embeds else TOKENS_SCHNELL


class FluxFill(Flux):
    """Family flux-fill: reads the mask and the picture around it beside the latents.

    The mask's own pixels reach the network, 8 × 8 for each cell. It takes no negative prompt and
    no ControlNet.
    """

    id: ClassVar[str] = "flux-fill"
    control_networks: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    def inpaint_class(self, spec: ModelSpec, class_name: str) -> Any:
        return FluxFillPipeline

    def native(self, pipe: Pipeline) -> bool:
        return True

    def guides(self, call: Call) -> bool:
        return False

    def check(self, pipe: Pipeline, title: str) -> None:
        mask_channels = self.factor(pipe) ** 2
        refuse_channels(pipe, title, CELL * (2 * self.latent_channels(pipe) + mask_channels))

    def control_class(self, pipe: Pipeline, networks: tuple[Any, ...]) -> Any:
        raise RefusedInput(
            "FLUX Fill takes no ControlNet.", remedy="Remove the control, or choose FLUX dev."
        )

    def guidance_arguments(self, pipe: Pipeline, call: Call) -> dict[str, Any]:
        return {
            "prompt": call.prompt,
            "guidance_scale": call.guidance_scale,
            "max_sequence_length": self._tokens(pipe),
        }

    def picture_arguments(self, pipe: Pipeline, call: Call) -> dict[str, Any]:
        # The strength is the scheduler's affair: all that it left is to be run.
        return {
            "image": pictured(call),
            "mask_image": Image.fromarray(call.mask),
            "strength": 1.0,
        }
