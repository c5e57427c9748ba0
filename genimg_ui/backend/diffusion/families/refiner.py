"""The refiner of SDXL: a second UNet that runs the last steps (Podell et al. 2023, section 2.5).

It works on the latents where the model left them, at the same level of noise and with the same
scheduler, and reads the prompt with the model's second text encoder. Its VAE and text encoder are
the model's own, so only its UNet is loaded.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionXLInpaintPipeline
from PIL import Image

from genimg_ui.backend.diffusion.families.base import Call, Pipeline, Reading
from genimg_ui.errors import ModelUnavailable, RefusedInput

ROLE = "refiner"
_SHARED = ("vae", "text_encoder_2", "tokenizer_2")


@dataclass(frozen=True, slots=True)
class Handover:
    """Where the refiner takes over: after `steps` evaluations.

    `fraction` is that place as diffusers' `denoising_end` and `denoising_start` count it: the
    share of all training timesteps that lies before it.
    """

    steps: int
    fraction: float


def read_refiner(pipe: Pipeline, folder: Path, reading: Reading) -> Pipeline:
    """The refiner beside the parts of `pipe` that it shares, on the same device."""
    refiner = StableDiffusionXLInpaintPipeline.from_pretrained(
        folder,
        **{name: getattr(pipe, name) for name in _SHARED},
        text_encoder=None,
        tokenizer=None,
        add_watermarker=False,
        **reading.folder_options(),
    )
    width = pipe.text_encoder_2.config.hidden_size
    channels, found = refiner.unet.config.in_channels, refiner.unet.config.cross_attention_dim
    if (channels, found) != (refiner.vae.config.latent_channels, width):
        raise ModelUnavailable(
            f"The refiner in {folder} does not fit its model: its UNet must have "
            f"{refiner.vae.config.latent_channels} input channels and a cross_attention_dim of "
            f"{width}, got {channels} and {found}."
        )
    return refiner.to(pipe.unet.device)


def handover(scheduler: Any, timesteps: torch.Tensor, share: float) -> Handover | None:
    """The step at which `share` of the steps that are run are done; None where that is the end.

    At least one step is the model's own. Raises RefusedInput for schedulers that cannot be
    interrupted between two steps.
    """
    total = len(timesteps)
    if round(share * total) >= total:
        return None
    if scheduler.order != 1 or len(set(timesteps.tolist())) != total:
        raise RefusedInput(
            "A refiner cannot take over from a scheduler that evaluates twice in a step, got "
            f"{type(scheduler).__name__}.",
            remedy="Choose another scheduler, or switch the refiner off (refiner_switch_at 1).",
        )
    first = timesteps[max(1, round(share * total))]
    cutoff = int(first) + 1  # the model runs those timesteps that are not below it
    steps = int((timesteps >= cutoff).sum())
    trained = scheduler.config.num_train_timesteps
    if not 0 < steps < total or not 0 < cutoff < trained:
        return None
    return Handover(steps, 1.0 - cutoff / trained)


def refined(refiner: Pipeline, call: Call, latents: torch.Tensor, place: Handover) -> Any:
    """Run the last steps from `latents`; what the pipeline returns, decoded."""

    def on_step(_pipe: Any, step: int, _when: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        return {"latents": call.on_step(place.steps + step, tensors["latents"])}

    width, height = call.size
    options = {name: call.extras[name] for name in ("eta",) if name in call.extras}
    return refiner(
        prompt=call.prompt,
        negative_prompt=call.negative_prompt or None,
        image=latents,
        mask_image=Image.new("L", (width, height), 255),
        width=width,
        height=height,
        denoising_start=place.fraction,
        num_inference_steps=call.num_inference_steps,
        guidance_scale=call.guidance_scale,
        generator=call.generator,
        output_type="np",
        callback_on_step_end=on_step,
        **options,
    )


def first_part(call: Call, place: Handover) -> Call:
    """The model's own share of a call: it stops at the handover, and returns latents."""
    own = {"denoising_end": place.fraction, "output_type": "latent"}
    return replace(call, extras={**call.extras, **own})
