"""Shows unfinished latents as a small RGB picture, without decoding them.

Colour is close to linear in the latents of these autoencoders. The linear map is fitted once
for each loaded model on a chart of flat colours, so it is right for any autoencoder.
Previews are uint8 (rows, columns, 3), one pixel for each latent cell.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

LEVELS = 5  # of each colour channel on the chart: 125 colours
PATCH = 2  # side of a flat patch in latent cells; one cell alone is blurred by its neighbours
RIDGE = 1e-4  # keeps the fit finite where latents do not depend on colour
MIN_SECONDS = 0.5  # between two previews: faster is not seen and costs bandwidth
MIN_STEPS = 2
MAX_SHARE = 0.03  # of the time that a job has run, for all its previews together


class PreviewGate:
    """Lets a preview through every second step, not more than two a second, and only as long as
    drawing them takes no more than their share of the time."""

    def __init__(self) -> None:
        self._step = 0
        self._when = 0.0
        self._began = time.monotonic()
        self._spent = 0.0

    def opens(self, step: int) -> bool:
        now = time.monotonic()
        if step - self._step < MIN_STEPS or now - self._when < MIN_SECONDS:
            return False
        if self._spent > MAX_SHARE * (now - self._began):
            return False
        self._step, self._when = step, now
        return True

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Counts what the block takes as spent on previews."""
        begin = time.monotonic()
        yield
        self._spent += time.monotonic() - begin

    def restart(self) -> None:
        """The next picture starts at step 0; the clock runs on."""
        self._step = 0


@torch.no_grad()
def fit_colours(encode: Callable[[torch.Tensor], torch.Tensor], factor: int) -> torch.Tensor:
    """Least squares from latents to RGB in [0, 1]: (channels + 1, 3), the last row constant.

    `encode` turns float pixels (1, 3, h, w) in [-1, 1] into latents (1, channels, h / factor,
    w / factor).
    """
    steps = torch.linspace(0, 1, LEVELS)
    colours = torch.cartesian_prod(steps, steps, steps)
    side = math.isqrt(len(colours) - 1) + 1
    grid = torch.full((side * side, 3), 0.5)
    grid[: len(colours)] = colours
    cells = grid.reshape(side, side, 3).repeat_interleave(PATCH, 0).repeat_interleave(PATCH, 1)
    pixels = cells.repeat_interleave(factor, 0).repeat_interleave(factor, 1)
    chart = pixels.permute(2, 0, 1)[None] * 2 - 1
    known = _with_constant(encode(chart)[0].float().cpu().flatten(1).T)
    wanted = cells.reshape(-1, 3)
    normal = known.T @ known + RIDGE * torch.eye(known.shape[1])
    fitted: torch.Tensor = torch.linalg.solve(normal, known.T @ wanted)
    return fitted


@torch.no_grad()
def latents_to_rgb(latents: torch.Tensor, colours: torch.Tensor) -> NDArray[np.uint8]:
    """The picture of one sample (channels, rows, columns), whatever its noise level."""
    sample = torch.nan_to_num(latents.float().cpu())
    sample = sample / max(1.0, float(sample.std()))  # sigma-scaled samplers start far above 1
    rows, columns = sample.shape[-2:]
    rgb = _with_constant(sample.flatten(1).T) @ colours
    scaled = (rgb.clamp(0, 1) * 255).round().to(torch.uint8)
    return scaled.reshape(rows, columns, 3).numpy()


def _with_constant(rows: torch.Tensor) -> torch.Tensor:
    return torch.cat([rows, torch.ones(len(rows), 1)], dim=1)
