"""The diffusion of the model: its noise schedule, its network, its loss and its sampler."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch import Tensor

from training.shapes.dataset import Batch

TIMESTEPS: Final = 1000
LATENT_CHANNELS: Final = 4
INPAINT_CHANNELS: Final = 9  # noisy latents, mask, latents of the masked picture
TEXT_WIDTH: Final = 128
OUTSIDE: Final = 0.2  # weight of the loss where nothing is painted

# (noisy latents, timesteps, text states) → velocity; the network's other inputs are bound.
Predict = Callable[[Tensor, Tensor, Tensor], Tensor]


def make_scheduler() -> Any:
    """The schedule as the shipped model has it.

    beta_end is above Stable Diffusion's 0.012: that one leaves 7 % of the signal in the last level,
    from which the mean colour of a 16x16 grid can still be read, while sampling begins with pure
    noise (Lin et al. 2023). With 0.02 it is 1.6 %, drowned in the noise. Trailing timesteps begin
    at that last level.
    """
    return DDIMScheduler(
        num_train_timesteps=TIMESTEPS,
        beta_start=0.00085,
        beta_end=0.02,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )


@cache
def cumulative_alphas() -> Tensor:
    """The part of the signal's power that is left at each timestep, float32 (1000,)."""
    alphas: Tensor = make_scheduler().alphas_cumprod
    return alphas


def build_unet(in_channels: int = INPAINT_CHANNELS) -> UNet2DConditionModel:
    """The network, untrained.

    The text acts twice: attention at 8x8 and 4x4 cells, and a pooled vector that is added to the
    time's, which scales and shifts the features of every block.
    """
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=in_channels,
        out_channels=LATENT_CHANNELS,
        block_out_channels=(48, 96, 128),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,  # diffusers' name for the number of heads
        norm_num_groups=8,
        resnet_time_scale_shift="scale_shift",
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
    )


def stratified_timesteps(count: int, device: torch.device) -> Tensor:
    """Timesteps 0..999, one from each of `count` equal parts, shuffled; int64 (count,)."""
    parts = torch.randperm(count, device=device)
    places = (parts + torch.rand(count, device=device)) / count
    return (places * TIMESTEPS).long().clamp_(max=TIMESTEPS - 1)


@dataclass(frozen=True)
class Noised:
    """Latents at their timesteps, and the velocity that the network is to predict there."""

    latents: Tensor
    velocity: Tensor
    timesteps: Tensor

    def part(self, rows: slice) -> "Noised":
        """Some of them."""
        return Noised(self.latents[rows], self.velocity[rows], self.timesteps[rows])


def add_noise(latents: Tensor, timesteps: Tensor) -> Noised:
    """Bring latents of unit deviation to the levels of these timesteps."""
    noise = torch.randn_like(latents)
    kept = cumulative_alphas().to(latents.device)[timesteps].view(-1, 1, 1, 1)
    signal, sigma = kept.sqrt(), (1 - kept).sqrt()
    return Noised(signal * latents + sigma * noise, signal * noise - sigma * latents, timesteps)


def velocity_loss(predicted: Tensor, noised: Noised, mask: Tensor) -> Tensor:
    """Mean squared error, weighted with 1 under the mask and with OUTSIDE elsewhere; a scalar."""
    weight = OUTSIDE + (1 - OUTSIDE) * mask
    error = (predicted.float() - noised.velocity).square()
    return (error * weight).mean() / weight.mean()


def inpaint_predict(unet: UNet2DConditionModel, batch: Batch) -> Predict:
    """The 9-channel network bound to the masks and masked pictures of a batch."""
    fixed = torch.cat([batch.mask, batch.masked_latents], 1)

    def predict(latents: Tensor, timesteps: Tensor, states: Tensor) -> Tensor:
        repeats = len(latents) // len(fixed)  # 2 where guidance asks for both texts at once
        seen = torch.cat([latents, fixed.repeat(repeats, 1, 1, 1)], 1)
        seen = seen.contiguous(memory_format=torch.channels_last)
        velocity: Tensor = unet(seen, timesteps, states).sample
        return velocity

    return predict


@dataclass(frozen=True)
class Sampling:
    """How a picture is drawn; strength 1, from pure noise."""

    steps: int = 20
    guidance_scale: float = 3.0
    seed: int = 0


@torch.no_grad()
def sample(
    predict: Predict, states: Tensor, empty: Tensor, start: Tensor, sampling: Sampling
) -> Tensor:
    """Latents (N, 4, h, w) drawn for text states (N, T, C) against those of the empty text.

    `empty` is (1, T, C); `start` only gives shape and device. Every picture has its own noise,
    which depends on the seed and its place alone.
    """
    scheduler = make_scheduler()
    scheduler.set_timesteps(sampling.steps)
    count = len(start)
    draws = [
        torch.randn(start.shape[1:], generator=torch.Generator().manual_seed(sampling.seed + row))
        for row in range(count)
    ]
    latents = torch.stack(draws).to(start.device)
    both = torch.cat([empty.expand_as(states), states])
    for timestep in scheduler.timesteps:
        levels = timestep.to(start.device).expand(2 * count)
        without, with_text = predict(torch.cat([latents, latents]), levels, both).float().chunk(2)
        guided = without + sampling.guidance_scale * (with_text - without)
        latents = scheduler.step(guided, timestep, latents).prev_sample
    return latents
