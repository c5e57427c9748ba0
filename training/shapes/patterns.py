"""The patterns of backgrounds: how much of the second colour each pixel has.

0 is the first colour, 1 the second. Edges within a pattern are ramps of 1.5 px, like those of
shapes.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.shapes.scenes import Background
from training.shapes.words import BACKGROUNDS

RAMP: Final = 1.5  # px
_DOT: Final = 0.29  # radius of a dot, of the period


def blend(grounds: Sequence[Background], size: int, device: str) -> Tensor:
    """How much of the second colour each pixel has, (N, size, size) in 0..1."""
    out = torch.zeros(len(grounds), size, size, device=device)
    for kind in BACKGROUNDS:
        rows = [row for row, ground in enumerate(grounds) if ground.kind == kind]
        if rows and kind in _BLENDS:
            out[rows] = _BLENDS[kind]([grounds[row] for row in rows], size, device)
    return out


def pixel_axis(size: int, device: str) -> Tensor:
    """Centres of the pixels along a side."""
    return (torch.arange(size, device=device) + 0.5) / size


def as_column(values: Sequence[float], device: str) -> Tensor:
    return torch.tensor(values, dtype=torch.float32, device=device)[:, None]


def _turned(grounds: Sequence[Background], size: int, device: str) -> tuple[Tensor, Tensor]:
    """Coordinates along and across each pattern, in periods, shifted by its phase."""
    axis = pixel_axis(size, device) - 0.5
    cos = as_column([math.cos(g.angle) / g.period for g in grounds], device)
    sin = as_column([math.sin(g.angle) / g.period for g in grounds], device)
    shift_u = as_column([g.phase[0] for g in grounds], device)
    shift_v = as_column([g.phase[1] for g in grounds], device)
    u = (cos * axis + shift_u)[:, None, :] + (sin * axis)[:, :, None]
    v = (cos * axis + shift_v)[:, :, None] - (sin * axis)[:, None, :]
    return u, v


def _from_nearest(periods: Tensor) -> Tensor:
    """The signed distance, in periods, to the nearest whole number."""
    return periods - torch.round(periods)


def _sharpness(grounds: Sequence[Background], size: int, device: str) -> Tensor:
    """What turns a distance in periods into one in widths of the ramp."""
    return as_column([g.period * size / RAMP for g in grounds], device)[:, :, None]


def _gradient(grounds: Sequence[Background], size: int, device: str) -> Tensor:
    axis = pixel_axis(size, device) - 0.5
    cos = [math.cos(g.angle) for g in grounds]
    sin = [math.sin(g.angle) for g in grounds]
    span = [1 / (abs(c) + abs(s)) for c, s in zip(cos, sin, strict=True)]
    across = as_column([c * w for c, w in zip(cos, span, strict=True)], device) * axis
    down = as_column([s * w for s, w in zip(sin, span, strict=True)], device) * axis
    return 0.5 + across[:, None, :] + down[:, :, None]


def _striped(grounds: Sequence[Background], size: int, device: str) -> Tensor:
    u, _ = _turned(grounds, size, device)
    inside = 0.25 - _from_nearest(u).abs_()
    return inside.mul_(_sharpness(grounds, size, device)).add_(0.5).clamp_(0, 1)


def _checkered(grounds: Sequence[Background], size: int, device: str) -> Tensor:
    u, v = _turned(grounds, size, device)
    sharp = _sharpness(grounds, size, device) * 2
    sides = []
    for periods in (u, v):
        # A wave of period 2 whose zeros are the lines between checks, of slope 1 there.
        wave = _from_nearest(periods * 0.5).abs_().sub_(0.25).mul_(2)
        sides.append(wave.mul_(sharp).clamp_(-1, 1))
    return sides[0].mul_(sides[1]).mul_(0.5).add_(0.5)


def _dotted(grounds: Sequence[Background], size: int, device: str) -> Tensor:
    u, v = _turned(grounds, size, device)
    u, v = _from_nearest(u), _from_nearest(v)
    inside = _DOT - torch.sqrt(u * u + v * v)
    return inside.mul_(_sharpness(grounds, size, device)).add_(0.5).clamp_(0, 1)


def _cloudy(grounds: Sequence[Background], size: int, device: str) -> Tensor:
    """Three octaves of smooth noise, stretched to 0..1."""
    return torch.stack([clouds(ground, size) for ground in grounds]).to(device)


def clouds(ground: Background, size: int) -> Tensor:
    rng = np.random.default_rng(ground.seed)
    cells = max(1, round(1 / ground.period))
    total = torch.zeros(size, size)
    for octave in range(3):
        count = cells * 2**octave
        lattice = torch.from_numpy(rng.random((count + 1, count + 1), dtype=np.float32))
        weights = smooth_weights(count, size)
        total += (weights @ lattice @ weights.T) * 0.5**octave
    low, high = total.aminmax()
    return (total - low) / (high - low)


def smooth_weights(cells: int, size: int) -> Tensor:
    """A matrix (size, cells + 1) that interpolates smoothly between the corners of cells."""
    if (cells, size) not in _WEIGHTS:
        place = (torch.arange(size) + 0.5) / size * cells
        corner = place.floor().clamp(max=cells - 1).long()
        part = place - corner
        part = part * part * (3 - 2 * part)
        weights = F.one_hot(corner, cells + 1) * (1 - part)[:, None]
        weights += F.one_hot(corner + 1, cells + 1) * part[:, None]
        _WEIGHTS[cells, size] = weights.float()
    return _WEIGHTS[cells, size]


_WEIGHTS: dict[tuple[int, int], Tensor] = {}

_BLENDS: Final[dict[str, Callable[[Sequence[Background], int, str], Tensor]]] = {
    "gradient": _gradient,
    "striped": _striped,
    "checkered": _checkered,
    "dotted": _dotted,
    "cloudy": _cloudy,
}
