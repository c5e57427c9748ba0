"""What all variants of one job have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from genimg_ui.backend.base import BackendJob, Grey, Rgb
from genimg_ui.backend.diffusion.families import ControlCall
from genimg_ui.backend.diffusion.pipelines import Loaded
from genimg_ui.backend.diffusion.steering import Steer
from genimg_ui.core.memory import WHOLE, Placement


@dataclass(frozen=True, slots=True)
class Work:
    """One job's share that all its variants have in common."""

    job: BackendJob
    loaded: Loaded
    pipe: Any  # `loaded.pipe`, or its twin with ControlNets
    filled: Rgb  # extended to whole multiples
    original: Rgb  # the same without the fill
    hole: Grey  # 255 in the pixels of all cells that the mask touches
    cells: torch.Tensor  # uint8 (rows, columns); what is sampled: those cells, grown by one
    lowest: int  # the smallest value of `cells`
    source: torch.Tensor  # latents of `filled`
    controls: tuple[ControlCall, ...]  # extended too
    extras: Mapping[str, Any] = field(default_factory=dict)  # further arguments of the pipeline
    steers: tuple[Steer, ...] = ()
    placement: Placement = WHOLE
    state: tuple[Any, ...] = ()  # what the edit has changed in the text encoders

    @property
    def size(self) -> tuple[int, int]:
        return self.filled.shape[1], self.filled.shape[0]

    @property
    def strength(self) -> float:
        """1 for a family that knows none."""
        uses = self.job.spec.uses_strength
        return self.job.resolved.request.sampling.strength if uses else 1.0
