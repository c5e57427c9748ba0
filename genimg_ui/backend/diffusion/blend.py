"""Holds a sampler to the source wherever the mask does not let it paint.

After each step the latents of held cells are replaced by the source's own, noised to the same
level: blended latent diffusion (Avrahami et al. 2022/2023). A cell with mask value m takes part
from step fraction 1 - m on, so m is its own strength: differential diffusion (Levin and Fried
2023). Masks are uint8, 255 = repaint; cell masks have one value for each latent cell.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

FULL = 255


def touched_cells(mask: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """The largest value of each factor × factor cell; the sides are multiples of `factor`."""
    rows, columns = mask.shape[0] // factor, mask.shape[1] // factor
    cells: NDArray[np.uint8] = mask.reshape(rows, factor, columns, factor).max(axis=(1, 3))
    return cells


def grown_by_one(cells: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The largest value of each cell and its eight neighbours.

    A cell is decoded with its neighbours, so holding those that touch what is repainted would let
    the source's own content shine into it.
    """
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(cells, 1), (3, 3))
    grown: NDArray[np.uint8] = windows.max(axis=(2, 3))
    return grown


def held(cells: torch.Tensor, step: int, total: int) -> torch.Tensor:
    """Which cells do not take part in step `step` (from 0) of `total`.

    Exact in integers: 1 - m > step / total.
    """
    return (FULL - cells.to(torch.int64)) * total > FULL * step


class NoiseLaw(Protocol):
    """How a family's samplers mix a picture with noise."""

    def noised(
        self, scheduler: Any, source: torch.Tensor, noise: torch.Tensor, level: torch.Tensor
    ) -> torch.Tensor:
        """`source` with `noise` at the timestep `level`, shape (1,)."""
        ...

    def initial_scale(self, scheduler: Any) -> float:
        """The standard deviation of pure noise at the first timestep."""
        ...


class AddNoise:
    """The law of samplers that predict noise (Ho et al. 2020): diffusers' own `add_noise`."""

    def noised(
        self, scheduler: Any, source: torch.Tensor, noise: torch.Tensor, level: torch.Tensor
    ) -> torch.Tensor:
        mixed: torch.Tensor = scheduler.add_noise(source, noise, level)
        return mixed

    def initial_scale(self, scheduler: Any) -> float:
        return float(scheduler.init_noise_sigma)


@dataclass(frozen=True, slots=True)
class Blend:
    """The source's side of one picture's sampling.

    `cells` is uint8 (rows, columns); `source` and `noise` are latents (1, channels, rows,
    columns); `timesteps` are those that are run, after `strength` cut the first ones. `lowest` is
    the smallest value of `cells`: asking a GPU for it in each step would let it stand idle.
    """

    scheduler: Any
    timesteps: torch.Tensor
    cells: torch.Tensor
    source: torch.Tensor
    noise: torch.Tensor
    law: NoiseLaw = AddNoise()
    lowest: int = 0

    def start(self, *, strength: float) -> torch.Tensor:
        """What the sampler begins with, at the level of the first timestep."""
        noised = self._noised(0)
        if strength < 1:
            return noised
        pure = self.noise * self.law.initial_scale(self.scheduler)
        return torch.where(held(self.cells, 0, len(self.timesteps)), noised, pure)

    def after(self, step: int, latents: torch.Tensor) -> torch.Tensor:
        """Put the source back where step `step` was not to paint."""
        total = len(self.timesteps)
        if (FULL - self.lowest) * total <= FULL * step:  # nothing is held any more
            return latents
        keep = held(self.cells, step, total)
        own = self.source if step + 1 == total else self._noised(step + 1)
        return torch.where(keep, own.to(latents.dtype), latents)

    def visible(self, latents: torch.Tensor) -> torch.Tensor:
        """For a preview: the source without noise wherever nothing will ever be painted."""
        return torch.where(self.cells == 0, self.source.to(latents.dtype), latents)

    def _noised(self, index: int) -> torch.Tensor:
        level = self.timesteps[index : index + 1]
        return self.law.noised(self.scheduler, self.source, self.noise, level)
