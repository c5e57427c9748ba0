"""Held-out pictures with fixed holes: how far the network is, as figures and to look at."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genimg_ui.backend.completion.blending import blended
from genimg_ui.backend.completion.layers import smooth_fill
from genimg_ui.evaluation.mask_shapes import Rectangles
from genimg_ui.evaluation.masks import draw
from training.completion.batches import to_batch
from training.completion.pictures import Pictures, centre
from training.loop import Run

SHOWN = 16  # pictures of a grid
ACROSS = 8


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over the held-out pictures, completed in their holes, as the published table has them.

    `mse` is over the whole picture in [0, 1]; `psnr` is the mean of the pictures' PSNR in dB.
    """

    mse: float
    psnr: float

    def __str__(self) -> str:
        return f"MSE {self.mse:.5f}, PSNR {self.psnr:.2f} dB"


class Gallery:
    """The middle of each held-out picture, with 1 to 3 rectangles of at most a quarter of it."""

    def __init__(
        self, pictures: Pictures, held: NDArray[np.int64], size: int, device: torch.device
    ) -> None:
        pixels = np.stack([centre(pictures[int(index)], size) for index in held])
        masks = np.stack([draw(Rectangles(), number, size, size) for number in range(len(held))])
        self.batch = to_batch(pixels, masks, device)

    def completed(self, network: nn.Module, *, blend: bool = False) -> Tensor:
        """The pictures with what the network makes of them in their holes, (N, 3, S, S)."""
        with torch.no_grad():
            parts = [
                network(part.image, part.hole).float()
                for part in map(self.batch.part, _slices(len(self.batch), 8))
            ]
        made = torch.cat(parts)
        if blend:
            made = torch.stack([self._blended(one, n) for n, one in enumerate(made)])
        return self.batch.completed(made).clamp(0, 1)

    def scores(self, completed: Tensor) -> Scores:
        errors = (completed - self.batch.image).double().square().mean((1, 2, 3))
        psnr = -10 * errors.clamp_min(1e-10).log10()
        return Scores(float(errors.mean()), float(psnr.mean()))

    def smooth(self) -> Scores:
        """What a smooth fill of the holes scores: what a network must beat to be of use."""
        made = smooth_fill(self.batch.image, self.batch.hole)
        return self.scores(self.batch.completed(made))

    def look(self, run: Run, network: nn.Module) -> None:
        """Say how the averaged weights score, and draw a grid of what they make."""
        with run.average.applied_to(network):
            completed = self.completed(network)
        run.say(f"held out: {self.scores(completed)}; smooth fill: {self.smooth()}")
        self.save(completed, run.options.out / f"samples-{run.step:06d}.png")

    def save(self, completed: Tensor, path: Path) -> None:
        """Rows of eight: the pictures with grey holes, what was made of them, what they were."""
        masked = self.batch.completed(torch.full_like(self.batch.image, 0.5))
        rows = []
        for start in range(0, min(SHOWN, len(completed)), ACROSS):
            for kind in (masked, completed, self.batch.image):
                rows.append(torch.cat(list(kind[start : start + ACROSS]), 2))
        widest = max(row.shape[2] for row in rows)
        rows = [nn.functional.pad(row, (0, widest - row.shape[2])) for row in rows]
        grid = (torch.cat(rows, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
        cv2.imwrite(str(path), np.ascontiguousarray(grid[..., ::-1]))

    def _blended(self, made: Tensor, index: int) -> Tensor:
        planes = [
            values.permute(1, 2, 0).cpu().numpy() for values in (made, self.batch.image[index])
        ]
        hole = self.batch.hole[index, 0].cpu().numpy() > 0
        mixed = blended(np.ascontiguousarray(planes[0]), np.ascontiguousarray(planes[1]), hole)
        return torch.from_numpy(mixed).permute(2, 0, 1).to(made.device)


def _slices(count: int, size: int) -> list[slice]:
    return [slice(start, min(count, start + size)) for start in range(0, count, size)]
