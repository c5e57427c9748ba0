"""Qwen-Image (Wu et al. 2025, arXiv:2508.02324) and its edit variant.

The autoencoder is one of videos: its latents have an axis for time, of length 1 here. Guidance
is classifier-free and called `true_cfg_scale`; the guided prediction keeps the length of the
unguided one, so large values do not burn.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from diffusers import (
    QwenImageControlNetInpaintPipeline,
    QwenImageControlNetModel,
    QwenImageControlNetPipeline,
    QwenImageEditPipeline,
    QwenImageEditPlusPipeline,
    QwenImageMultiControlNetModel,
    QwenImagePipeline,
)
from PIL import Image

from genimg_ui.backend.diffusion.families.base import Call, Pipeline
from genimg_ui.backend.diffusion.families.flow import PATCH, Flow, refuse_channels
from genimg_ui.backend.diffusion.guidance import Guided
from genimg_ui.errors import RefusedInput
from genimg_ui.registry import ModelSpec

TOKENS = 512  # that the pipelines pass on, the end of their own template among them
NO_PROMPT = " "  # what its authors put where there is no negative prompt


class QwenImage(Flow):
    """Family qwen-image: draws from a description, writes text well."""

    id: ClassVar[str] = "qwen-image"
    control_networks: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"QwenImageControlNetModel": QwenImageControlNetModel}
    )
    guided: ClassVar[Guided] = Guided.TURNS

    def inpaint_class(self, spec: ModelSpec, class_name: str) -> Any:
        return QwenImagePipeline

    def check(self, pipe: Pipeline, title: str) -> None:
        refuse_channels(pipe, title, PATCH * PATCH * self.latent_channels(pipe))

    def control_class(self, pipe: Pipeline, networks: tuple[Any, ...]) -> Any:
        if any(network is not networks[0] for network in networks):
            raise RefusedInput(
                "Qwen-Image takes several controls only from one union ControlNet.",
                remedy="Remove all controls but one, or those of other networks.",
            )
        if not networks[0].config.extra_condition_channels:
            return QwenImageControlNetPipeline
        if len(networks) > 1:
            raise RefusedInput(
                f"The inpainting ControlNet of Qwen-Image takes one control, got {len(networks)}.",
                remedy="Remove all but one.",
            )
        return QwenImageControlNetInpaintPipeline

    def control_argument(self, networks: tuple[Any, ...]) -> Any:
        """One network in memory serves every unit."""
        return networks[0] if len(networks) == 1 else QwenImageMultiControlNetModel([networks[0]])

    def guides(self, call: Call) -> bool:
        return call.true_cfg_scale > 1

    def latent_channels(self, pipe: Pipeline) -> int:
        return int(pipe.vae.config.z_dim)

    def prompt_room(self, pipe: Pipeline) -> tuple[Any, int]:
        after = pipe.prompt_template_encode.partition("{}")[2]
        return pipe.tokenizer, TOKENS - len(pipe.tokenizer(after).input_ids)

    @torch.no_grad()
    def encode(
        self, pipe: Pipeline, pixels: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        placed = pixels.to(self.place(pipe), pipe.vae.dtype)[:, :, None]
        latents = pipe.vae.encode(placed).latent_dist.sample(generator)[:, :, 0]
        config = pipe.vae.config
        mean, deviation = (
            torch.tensor(values).view(1, -1, 1, 1).to(latents)
            for values in (config.latents_mean, config.latents_std)
        )
        scaled: torch.Tensor = (latents - mean) * (1.0 / deviation)
        return scaled

    def pack(self, pipe: Pipeline, latents: torch.Tensor) -> torch.Tensor:
        batch, channels, rows, columns = latents.shape
        packed: torch.Tensor = pipe._pack_latents(latents, batch, channels, rows, columns)
        return packed

    def unpack(self, pipe: Pipeline, latents: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        width, height = size
        video = pipe._unpack_latents(latents, height, width, self.factor(pipe))
        spatial: torch.Tensor = video[:, :, 0]
        return spatial

    def guidance_arguments(self, pipe: Pipeline, call: Call) -> dict[str, Any]:
        arguments = {"prompt": call.prompt, "true_cfg_scale": call.true_cfg_scale}
        if call.true_cfg_scale > 1:
            arguments["negative_prompt"] = call.negative_prompt or NO_PROMPT
        return arguments

    def picture_arguments(self, pipe: Pipeline, call: Call) -> dict[str, Any]:
        """An inpainting ControlNet is shown the crop and where it has a hole."""
        if not isinstance(pipe, QwenImageControlNetInpaintPipeline):
            return {}
        return {"control_mask": Image.fromarray(call.hole)}


class QwenImageEdit(QwenImage):
    """Family qwen-image-edit: is shown the picture itself, and told what to change in it.

    It sees the crop as it is in the source, at about one megapixel, whatever the fill.
    """

    id: ClassVar[str] = "qwen-image-edit"
    control_networks: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    def inpaint_class(self, spec: ModelSpec, class_name: str) -> Any:
        if class_name == QwenImageEditPlusPipeline.__name__:
            return QwenImageEditPlusPipeline
        return QwenImageEditPipeline

    def control_class(self, pipe: Pipeline, networks: tuple[Any, ...]) -> Any:
        raise RefusedInput(
            "The edit variant of Qwen-Image takes no ControlNet.",
            remedy="Remove the control, or choose Qwen-Image.",
        )

    def prompt_room(self, pipe: Pipeline) -> tuple[Any, int]:
        return pipe.tokenizer, int(pipe.tokenizer.model_max_length)

    def picture_arguments(self, pipe: Pipeline, call: Call) -> dict[str, Any]:
        return {"image": Image.fromarray(call.original)}
