"""One picture to sample, in the words of no pipeline, and what comes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from genimg_ui.backend.base import Grey, Rgb

Pipeline = Any  # the pipelines share their names by convention, not by a base class
OnStep = Callable[[int, torch.Tensor], torch.Tensor]
"""(index of the evaluation from 0, spatial latents after it) → those to go on with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlCall:
    """One ControlNet's part of a call: its map, and when and how strongly it holds.

    `mode` is the number of the kind in a union network, None for a network of one kind. `hole`
    is where an inpaint ControlNet is told -1: bool (h, w).
    """

    image: Rgb
    scale: float  # controlnet_conditioning_scale, [0, 2]
    start: float  # control_guidance_start, fraction of the steps
    end: float  # control_guidance_end
    mode: int | None = None
    hole: NDArray[np.bool_] | None = None

    def picture(self) -> Image.Image | torch.Tensor:
        """The map as pipelines take it: with a hole, float (1, 3, h, w) in [0, 1], and -1 there."""
        if self.hole is None:
            return Image.fromarray(self.image)
        values = np.where(self.hole[:, :, None], -1.0, self.image / 255.0).astype(np.float32)
        return torch.from_numpy(values).permute(2, 0, 1)[None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One picture to sample, in the words of no pipeline.

    `image` is the crop with its fill, `original` the crop as it is in the source. `latents` are
    spatial and at the level of the first timestep that is run. `mask` is what the pipeline itself
    is told: all of 255 where `Blend` alone holds the source; `hole` is in any case 255 in all
    cells that are touched, for what else must know it (inpainting ControlNets). `extras` are
    further arguments under the pipeline's own names (references, prompt embeddings), put over
    those that the adapter makes.
    """

    prompt: str
    negative_prompt: str
    image: Rgb
    original: Rgb
    mask: Grey
    hole: Grey
    latents: torch.Tensor
    generator: torch.Generator
    strength: float
    num_inference_steps: int
    guidance_scale: float
    true_cfg_scale: float
    on_step: OnStep
    controls: tuple[ControlCall, ...] = ()
    helpers: Mapping[str, Pipeline] = field(default_factory=dict)
    refiner_switch_at: float = 1.0  # share of the steps that are run before a refiner takes over
    check: Callable[[], None] = lambda: None  # raises Cancelled; for stages without `on_step`
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.image.shape[1], self.image.shape[0]


@dataclass(frozen=True, slots=True)
class Output:
    """Float pixels (h, w, 3) in [0, 1], and whether a safety checker withheld them."""

    pixels: NDArray[np.float32]
    withheld: bool = False
