"""Pictures and masks as the denoiser sees them, made as the inpainting pipeline does."""

from dataclasses import dataclass
from typing import Final

import torch
from diffusers import AutoencoderTiny
from torch import Tensor
from torch.nn import functional as F

FACTOR: Final = 8  # side of a latent cell in pixels


@dataclass(frozen=True)
class Cells:
    """Masks on cells and on pixels, float32 (N, 1, h, w) and bool (N, 1, S, S)."""

    mask: Tensor
    pixels: Tensor


def touched_cells(masks: Tensor, *, grown: bool = False) -> Cells:
    """Every cell that a mask (N, 1, S, S; bool) touches, wholly; `grown` adds one cell around."""
    cells = F.max_pool2d(masks.float(), FACTOR)
    if grown:
        cells = F.max_pool2d(cells, 3, stride=1, padding=1)
    pixels = F.interpolate(cells, scale_factor=FACTOR, mode="nearest") > 0.5
    return Cells(cells, pixels)


def exact_cells(masks: Tensor) -> Cells:
    """The masks to the pixel; a cell has the value of its first pixel, as in the pipeline."""
    return Cells(masks[..., ::FACTOR, ::FACTOR].float(), masks)


@torch.no_grad()
def scaled_latents(autoencoder: AutoencoderTiny, pictures: Tensor) -> Tensor:
    """Latents of unit deviation, float32 (N, 4, h, w), of pictures (N, 3, S, S) in [0, 1]."""
    raw: Tensor = autoencoder.encode(pictures * 2 - 1).latents
    return raw * float(autoencoder.config.scaling_factor)


@torch.no_grad()
def decoded(autoencoder: AutoencoderTiny, latents: Tensor) -> Tensor:
    """Pictures (N, 3, S, S) in [0, 1] of latents of unit deviation."""
    raw: Tensor = autoencoder.decode(latents / autoencoder.config.scaling_factor).sample
    return raw.add(1).div(2).clamp(0, 1)


def hidden(pictures: Tensor, pixels: Tensor) -> Tensor:
    """Pictures in [0, 1] with mid grey, the pipeline's 0 of [-1, 1], under the mask."""
    return torch.where(pixels, 0.5, pictures)
