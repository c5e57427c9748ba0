"""From the found patches to pixels: votes, the step to a finer level, smooth relaxation.

Compiled by Numba; arrays are those of `kernels.Level` and `kernels.Field`. The kernels release the
GIL and start no threads.
"""

import math
from typing import Any

import numpy as np

from genimg_ui.core.fill.kernels import AREA, CHANNELS, FAR, RADIUS, Field, Level, inline, kernel


@inline
def _gather(level: Any, field: Any, y: Any, x: Any, found: Any) -> Any:
    """The targets whose patches cover a pixel: how many, their least and mean distance."""
    rows, columns = level.number.shape
    count = 0
    nearest, total = np.float32(3e9), np.float32(0)
    for ny in range(max(y - RADIUS, 0), min(y + RADIUS + 1, rows)):
        for nx in range(max(x - RADIUS, 0), min(x + RADIUS + 1, columns)):
            q = level.number[ny, nx]
            if q >= 0:
                found[count] = q
                count += 1
                d = np.float32(field.distance[q])
                total += d
                nearest = min(nearest, d)
    return count, nearest, total / np.float32(max(count, 1))


@inline
def _add(level: Any, field: Any, q: Any, at: Any, weighted: Any) -> Any:
    """Add the colours that target `q` brings to the pixel `at`, times the weight."""
    weight, sums = weighted
    row = level.pixels[field.ys[q] + at[0] - level.ys[q]]
    k = (field.xs[q] + at[1] - level.xs[q]) * CHANNELS
    return (
        sums[0] + weight * np.float32(row[k] + field.shift[q, 0]),
        sums[1] + weight * np.float32(row[k + 1] + field.shift[q, 1]),
        sums[2] + weight * np.float32(row[k + 2] + field.shift[q, 2]),
        sums[3] + weight * np.float32(row[k + 3]),
        sums[4] + weight * np.float32(row[k + 4]),
    )


@kernel
def vote(level: Level, field: Field, places: Any, softness: float, out: Any) -> None:
    """Each pixel of `places` (2, n) becomes the weighted mean of what its patches bring there.

    The weight is exp(-(d - nearest) / (softness * mean d + 1/2)) times the target's trust;
    softness 0 copies from the heaviest alone. Pixels without any patch keep what `out`
    (n, CHANNELS) held.
    """
    found = np.empty(AREA, np.int32)
    zero = np.float32(0)
    for i in range(places.shape[1]):
        at = (places[0, i], places[1, i])
        count, nearest, mean = _gather(level, field, at[0], at[1], found)
        if count == 0:
            continue
        scale = np.float32(-1) / (np.float32(softness) * mean + np.float32(0.5))
        heaviest, winner, total = np.float32(-1), found[0], zero
        sums = (zero, zero, zero, zero, zero)
        for k in range(count):
            q = found[k]
            nearness = math.exp((np.float32(field.distance[q]) - nearest) * scale)
            weight = np.float32(nearness) * field.trust[q]
            if weight > heaviest:
                heaviest, winner = weight, q
            if softness > 0:
                total += weight
                sums = _add(level, field, q, at, (weight, sums))
        if softness == 0:
            total = np.float32(1)
            sums = _add(level, field, winner, at, (total, sums))
        for c in range(CHANNELS):
            out[i, c] = sums[c] / total


@kernel
def enlarge(level: Level, field: Field, coarse: Any, fallback: Any, band: Any) -> None:
    """Start targets band[0]..band[1] from `coarse`, the level and field at half the size.

    `fallback` is any valid source, for those whose source has none under it here.
    """
    other, found = coarse
    rows, columns = level.valid.shape
    width, half = level.number.shape[1], other.number.shape[1]
    gy, gx = fallback
    for i in range(band[0], band[1]):
        y, x = level.ys[i], level.xs[i]
        field.distance[i] = 1
        field.shift[i, :] = 0
        q = other.number[min(y // 2, other.number.shape[0] - 1), min(x // 2, half - 1)]
        if q >= 0:
            field.shift[i, :] = found.shift[q, :]
            dy, dx = y - 2 * other.ys[q], x - 2 * other.xs[q]
            cy, cx = 2 * found.ys[q] + dy, found.xs[q]
            cx = 2 * cx + dx if cx < half else 2 * width - 2 - 2 * (2 * half - 1 - cx) + dx
            if 0 <= cy < rows and 0 <= cx < columns and level.valid[cy, cx]:
                gy, gx = cy, cx
                field.ys[i], field.xs[i] = cy, cx
                continue
        field.distance[i] = FAR
        field.ys[i], field.xs[i] = gy, gx


@inline
def _membrane(values: Any, y: Any, x: Any, c: Any) -> Any:
    """What Laplace's equation asks for; beyond the picture's edge the edge is repeated."""
    rows, columns = values.shape[0], values.shape[1]
    up, down = max(y - 1, 0), min(y + 1, rows - 1)
    left, right = max(x - 1, 0), min(x + 1, columns - 1)
    around = values[up, x, c] + values[down, x, c] + values[y, left, c] + values[y, right, c]
    return around * np.float32(0.25)


@inline
def _plate(values: Any, y: Any, x: Any, c: Any) -> Any:
    """What the biharmonic equation asks for; the same at the edge."""
    rows, columns = values.shape[0], values.shape[1]
    up, down = max(y - 1, 0), min(y + 1, rows - 1)
    left, right = max(x - 1, 0), min(x + 1, columns - 1)
    near = values[up, x, c] + values[down, x, c] + values[y, left, c] + values[y, right, c]
    diagonal = (
        values[up, left, c] + values[up, right, c] + values[down, left, c] + values[down, right, c]
    )
    far = (
        values[max(y - 2, 0), x, c]
        + values[min(y + 2, rows - 1), x, c]
        + values[y, max(x - 2, 0), c]
        + values[y, min(x + 2, columns - 1), c]
    )
    return (np.float32(8) * near - np.float32(2) * diagonal - far) / np.float32(20)


@kernel
def relax(values: Any, places: Any, rounds: int) -> None:
    """Relax `values` (h, w, 3) at `places` (2, n) towards a membrane."""
    for _ in range(rounds):
        for i in range(places.shape[1]):
            y, x = places[0, i], places[1, i]
            for c in range(3):
                wanted = _membrane(values, y, x, c)
                values[y, x, c] += np.float32(1.5) * (wanted - values[y, x, c])


@kernel
def relax_plate(values: Any, places: Any, rounds: int) -> None:
    """Relax `values` (h, w, 3) at `places` (2, n) towards a thin plate."""
    for _ in range(rounds):
        for i in range(places.shape[1]):
            y, x = places[0, i], places[1, i]
            for c in range(3):
                wanted = _plate(values, y, x, c)
                values[y, x, c] += np.float32(1.9) * (wanted - values[y, x, c])
