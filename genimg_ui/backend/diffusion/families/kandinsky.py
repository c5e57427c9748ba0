"""Kandinsky 2.2 (Razzhigaev et al. 2023, arXiv:2310.03502): a prior and an inpainting decoder.

The prior turns the prompt into an embedding of a picture, with the steps and the guidance that
its authors use; the decoder paints from that embedding and sees mask and surroundings. It starts
from pure noise: there is no strength. Sides are multiples of 64, latents of 8 pixels a cell.
"""

from typing import Any, ClassVar

import torch
from diffusers import (
    KandinskyV22InpaintCombinedPipeline,
    KandinskyV22InpaintPipeline,
    KandinskyV22PriorPipeline,
)
from PIL import Image

from genimg_ui.backend.diffusion.families.base import Call, Family, Output, Pipeline, Reading
from genimg_ui.errors import ModelUnavailable, RefusedInput
from genimg_ui.registry import ModelSpec
from genimg_ui.weights.folders import pipeline_class

PRIOR_STEPS = 25
PRIOR_GUIDANCE = 4.0
INPAINT_CHANNELS = 9  # noisy latents, latents of the masked picture, mask
_INPAINT = ("KandinskyV22InpaintPipeline", "KandinskyV22InpaintCombinedPipeline")
_PRIOR = "KandinskyV22PriorPipeline"


class Kandinsky22(Family):
    """Family kandinsky22. Its entry names two places: `source` the decoder, `prior` the prior."""

    id: ClassVar[str] = "kandinsky22"
    denoiser_folder: ClassVar[str] = "unet"

    def inpaint_class(self, spec: ModelSpec, class_name: str) -> Any:
        if class_name not in _INPAINT:
            raise ModelUnavailable(
                f"source of {spec.id} must be the inpainting decoder of Kandinsky 2.2 "
                f"({_INPAINT[0]}), got {class_name or 'no class'}."
            )
        return KandinskyV22InpaintPipeline

    def control_class(self, pipe: Pipeline, networks: tuple[Any, ...]) -> Any:
        raise RefusedInput(
            "Kandinsky 2.2 takes no ControlNet when it paints under a mask.",
            remedy="Remove the control, or choose another model.",
        )

    def read(self, spec: ModelSpec, reading: Reading) -> Pipeline:
        folder = reading.place.helpers.get("prior")
        found = None if folder is None else pipeline_class(folder)
        if folder is None or found != _PRIOR:
            raise ModelUnavailable(
                f"{spec.title} needs `prior`, the folder or hub id of a {_PRIOR}, got "
                f"{found or 'none'}."
            )
        decoder = super().read(spec, reading)
        prior = KandinskyV22PriorPipeline.from_pretrained(folder, **reading.folder_options())
        parts = {f"prior_{name}": part for name, part in prior.components.items()}
        return KandinskyV22InpaintCombinedPipeline(**decoder.components, **parts)

    def check(self, pipe: Pipeline, title: str) -> None:
        channels = pipe.unet.config.in_channels
        if channels != INPAINT_CHANNELS:
            raise ModelUnavailable(
                f"{title} cannot paint under a mask: its UNet must have {INPAINT_CHANNELS} input "
                f"channels, got {channels}."
            )

    def denoiser(self, pipe: Pipeline) -> Any:
        return pipe.unet

    def native(self, pipe: Pipeline) -> bool:
        return True

    def latent_channels(self, pipe: Pipeline) -> int:
        return int(pipe.movq.config.latent_channels)

    def factor(self, pipe: Pipeline) -> int:
        return int(pipe.decoder_pipe.movq_scale_factor)

    def prompt_room(self, pipe: Pipeline) -> tuple[Any, int]:
        markers = 2
        return pipe.prior_tokenizer, pipe.prior_tokenizer.model_max_length - markers

    @torch.no_grad()
    def encode(
        self, pipe: Pipeline, pixels: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """The autoencoder has no posterior to draw from: every encoding is the same."""
        placed = pixels.to(self.place(pipe), pipe.movq.dtype)
        latents: torch.Tensor = pipe.movq.encode(placed)["latents"]
        return latents

    def timesteps(
        self, pipe: Pipeline, *, steps: int, strength: float, size: tuple[int, int]
    ) -> torch.Tensor:
        """All steps: there is no strength."""
        pipe.scheduler.set_timesteps(steps, device=self.place(pipe))
        timesteps: torch.Tensor = pipe.scheduler.timesteps
        return timesteps

    def run(self, pipe: Pipeline, call: Call) -> Output:
        width, height = call.size

        def on_prior_step(*_: Any) -> dict[str, Any]:
            call.check()
            return {}

        # The combined pipeline keeps the scheduler that it was built with.
        pipe.decoder_pipe.scheduler = pipe.scheduler
        prior = pipe.prior_pipe(
            prompt=call.prompt,
            negative_prompt=call.negative_prompt or None,
            num_inference_steps=PRIOR_STEPS,
            guidance_scale=PRIOR_GUIDANCE,
            generator=call.generator,
            callback_on_step_end=on_prior_step,
        )
        begin = call.latents / self.initial_scale(pipe.scheduler)
        arguments = {
            "image_embeds": prior.image_embeds,
            "negative_image_embeds": prior.negative_image_embeds,
            "image": Image.fromarray(call.image),
            "mask_image": Image.fromarray(call.mask),
            "width": width,
            "height": height,
            "num_inference_steps": call.num_inference_steps,
            "guidance_scale": call.guidance_scale,
            "generator": call.generator,
            "latents": begin.to(self.dtype(pipe)),
            "output_type": "np",
            "callback_on_step_end": self.step_callback(pipe, call),
        }
        output = pipe.decoder_pipe(**(arguments | dict(call.extras)))
        return Output(output.images[0])
