"""What the flow families have in common: a transformer that tells velocities, not noise.

They sample with their text-to-image pipelines from latents that the sampler prepares, so the
picture is encoded once and every way of masking is `Blend`'s. The first steps, which a strength
below 1 leaves out, are cut by the scheduler (see `flow_schedulers`).
"""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import torch
from diffusers.pipelines.flux.pipeline_flux import calculate_shift
from PIL import Image

from genimg_ui.backend.diffusion.families.base import Call, Family, Output, Pipeline
from genimg_ui.errors import ModelUnavailable

PATCH = 2  # side in latent cells of what the transformers read as one token


class Flow(Family):
    """The adapter of a flow family. Subclasses say which pipelines, and what these take."""

    denoiser_folder: ClassVar[str] = "transformer"
    control_width: ClassVar[str] = "joint_attention_dim"
    default_max_shift: ClassVar[float] = 1.15  # where the scheduler's configuration has none

    @abstractmethod
    def guidance_arguments(self, pipe: Pipeline, call: Call) -> dict[str, Any]:
        """The prompt, and how strongly it holds, under the pipeline's names."""

    def picture_arguments(self, pipe: Pipeline, call: Call) -> dict[str, Any]:
        """The picture and the mask where the pipeline is shown them."""
        return {}

    def denoiser(self, pipe: Pipeline) -> Any:
        return pipe.transformer

    def native(self, pipe: Pipeline) -> bool:
        return False

    def precision(self, wanted: torch.dtype) -> torch.dtype:
        """Their activations are beyond what float16 holds."""
        return torch.bfloat16 if wanted == torch.float16 else wanted

    def noised(
        self, scheduler: Any, source: torch.Tensor, noise: torch.Tensor, level: torch.Tensor
    ) -> torch.Tensor:
        sigma = scheduler.sigma(level)
        mixed: torch.Tensor = sigma * noise + (1.0 - sigma) * source
        return mixed

    def initial_scale(self, scheduler: Any) -> float:
        return 1.0

    @torch.no_grad()
    def encode(
        self, pipe: Pipeline, pixels: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        placed = pixels.to(self.place(pipe), pipe.vae.dtype)
        config = pipe.vae.config
        latents: torch.Tensor = pipe.vae.encode(placed).latent_dist.sample(generator)
        scaled: torch.Tensor = (latents - config.shift_factor) * config.scaling_factor
        return scaled

    def timesteps(
        self, pipe: Pipeline, *, steps: int, strength: float, size: tuple[int, int]
    ) -> torch.Tensor:
        """As diffusers' inpainting pipelines count them: the last steps · strength, rounded up."""
        scheduler = pipe.scheduler
        skipped = int(max(steps - min(steps * strength, steps), 0))
        scheduler.begin(skipped=skipped, mu=self.shift(pipe, size))
        scheduler.set_timesteps(
            steps, device=self.place(pipe), sigmas=self.sigmas(steps), mu=scheduler.mu
        )
        timesteps: torch.Tensor = scheduler.timesteps
        return timesteps

    def sigmas(self, steps: int) -> list[float] | None:
        """The levels before their shift, as the family's pipelines spread them."""
        return [float(level) for level in np.linspace(1.0, 1 / steps, steps)]

    def shift(self, pipe: Pipeline, size: tuple[int, int]) -> float | None:
        """How far more tokens move the levels towards noise; None where a model does not."""
        config = pipe.scheduler.config
        if not config.get("use_dynamic_shifting"):
            return None
        side = self.factor(pipe) * PATCH
        mu: float = calculate_shift(
            (size[0] // side) * (size[1] // side),
            config.get("base_image_seq_len", 256),
            config.get("max_image_seq_len", 4096),
            config.get("base_shift", 0.5),
            config.get("max_shift", self.default_max_shift),
        )
        return mu

    def pack(self, pipe: Pipeline, latents: torch.Tensor) -> torch.Tensor:
        return (
            latents.contiguous()
        )  # the decoder rounds by the layout, which a mask must not change

    def run(self, pipe: Pipeline, call: Call) -> Output:
        width, height = call.size
        arguments = {
            "width": width,
            "height": height,
            "num_inference_steps": call.num_inference_steps,
            "generator": call.generator,
            "latents": self.pack(pipe, call.latents.to(self.dtype(pipe))),
            "output_type": "np",
            "callback_on_step_end": self.step_callback(pipe, call),
        }
        arguments |= self.guidance_arguments(pipe, call) | self.picture_arguments(pipe, call)
        arguments |= self.control_arguments(call)
        with seeded(self.place(pipe), call.generator.initial_seed()):
            output = pipe(**(arguments | dict(call.extras)))
        return Output(output.images[0])


def refuse_channels(pipe: Pipeline, title: str, allowed: int) -> None:
    """Raise ModelUnavailable where the transformer takes other channels than `allowed`."""
    channels = pipe.transformer.config.in_channels
    if channels != allowed:
        raise ModelUnavailable(
            f"{title} cannot paint under a mask: its transformer must have {allowed} input "
            f"channels, got {channels}."
        )


def pictured(call: Call) -> Image.Image:
    """The crop as the pipeline takes it."""
    return Image.fromarray(call.image)


@contextmanager
def seeded(place: torch.device, seed: int) -> Iterator[None]:
    """Some pipelines draw the latents of control maps from torch's global generator."""
    devices = [place] if place.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
