"""Gaussian noise that belongs to the canvas instead of the crop.

Each value is a function of (seed, draw, channel, latent column, latent row) alone, columns and rows
counted on the whole canvas. So a crop that moves or grows by whole cells keeps the noise, and
with it the texture, of what it held before; and it is the same on every device.
Result: float32 (channels, rows, columns), mean 0, variance 1.
"""

import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.geometry import Box

# SplitMix64 (Steele, Lea and Flood 2014): increment and the two multipliers of its finaliser.
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)


def latent_cells(
    origin: tuple[int, int], scale: float, *, rows: int, columns: int, factor: int
) -> Box:
    """The latent cells that a crop covers on the canvas, to the nearest whole cell.

    `factor` is the side of a cell in working pixels.
    """
    left = round(origin[0] * scale / factor)
    top = round(origin[1] * scale / factor)
    return Box(left, top, left + columns, top + rows)


def canvas_noise(seed: int, cells: Box, channels: int, *, draw: int = 0) -> NDArray[np.float32]:
    """The noise of these cells: a sampler's first (`draw` 0), or a later one of the same seed."""
    x = np.arange(cells.left, cells.right, dtype=np.int64).astype(np.uint64)
    y = np.arange(cells.top, cells.bottom, dtype=np.int64).astype(np.uint64)
    z = np.arange(channels, dtype=np.uint64)
    key = _mix(np.full(1, seed, np.uint64))
    if draw:
        key = _mix(key ^ _mix(np.full(1, draw, np.uint64)))
    key = _mix(key + z)[:, None, None]
    key = _mix(key ^ y[None, :, None])
    key = _mix(key ^ x[None, None, :])
    return _normal(_uniform(_mix(key)), _uniform(_mix(key ^ GOLDEN)))


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    value = value + GOLDEN
    value = (value ^ (value >> np.uint64(30))) * MIX_1
    value = (value ^ (value >> np.uint64(27))) * MIX_2
    return value ^ (value >> np.uint64(31))


def _uniform(bits: NDArray[np.uint64]) -> NDArray[np.float64]:
    """To (0, 1]: the top 53 bits are what a float64 holds; never 0, for the logarithm."""
    return ((bits >> np.uint64(11)).astype(np.float64) + 1.0) / 2.0**53


def _normal(u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float32]:
    """Box and Muller 1958."""
    return (np.sqrt(-2.0 * np.log(u)) * np.cos(2.0 * np.pi * v)).astype(np.float32)
