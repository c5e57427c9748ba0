"""The search that compares every target with every source that it is given.

The nearest wins; of equals, what the field came with (`search_all`), then the first. Sources are
gathered, `CHUNK` at a time, as rows of whole vector registers: that makes a pair several times
cheaper than where its patches lie in the picture. Distances are those of `kernels`: integers, so
the order in which they are summed does not matter.
"""

from typing import Any

import numpy as np

from genimg_ui.core.fill.kernels import (
    AREA,
    CHANNELS,
    FAR,
    RADIUS,
    ROW,
    SIDE,
    Field,
    Level,
    distance,
    inline,
    keep,
    kernel,
    patch_sum,
    prior_cost,
    shift_gain,
    source_sum,
)

PADDED = 256  # values of a gathered patch, int16: SIDE * ROW = 245, and zeros
CHUNK = 1024  # sources: half a MiB
HALF = PADDED // 2


@inline
def _gather(pixels: Any, y: Any, x: Any, patch: Any) -> None:
    left = (x - RADIUS) * CHANNELS
    for dy in range(SIDE):
        row = pixels[y - RADIUS + dy]
        for k in range(ROW):
            patch[dy * ROW + k] = row[left + k]


@inline
def _gather_known(known: Any, y: Any, x: Any, weights: Any) -> Any:
    """-1 (all bits) at the known values of a patch, else 0; returns how many pixels are known."""
    count = 0
    for dy in range(SIDE):
        for dx in range(SIDE):
            here = known[y - RADIUS + dy, x - RADIUS + dx]
            count += here
            for c in range(CHANNELS):
                weights[dy * ROW + dx * CHANNELS + c] = -1 if here else 0
    return count


@inline
def _compared(a: Any, b: Any, cut: Any) -> Any:
    """The squared distance of two gathered patches, given up half-way where it reaches `cut`."""
    total = np.int32(0)
    for k in range(HALF):
        d = np.int32(np.int16(a[k] - b[k]))
        total = np.int32(total + np.int32(d * d))
    if total >= cut:
        return total
    for k in range(HALF, PADDED):
        d = np.int32(np.int16(a[k] - b[k]))
        total = np.int32(total + np.int32(d * d))
    return total


@inline
def _compared_where(a: Any, b: Any, weights: Any) -> Any:
    total = np.int32(0)
    for k in range(PADDED):
        d = np.int32(np.int16((a[k] - b[k]) & weights[k]))
        total = np.int32(total + np.int32(d * d))
    return total


@inline
def _most_gain(target: Any, source: Any, limit: Any) -> Any:
    """No bounded shift of the means lowers the squared distance by more."""
    apart = 0
    for c in range(3):
        apart += abs(target[c] - source[c])
    return 2 * limit * apart


@inline
def _target_sum(level: Any, i: Any, limit: Any) -> Any:
    return patch_sum(level.pixels, level.ys[i], level.xs[i]) if limit > 0 else (0, 0, 0)


@inline
def _measure_what_is_there(level: Any, field: Any, limit: Any, band: Any) -> None:
    for i in range(band[0], band[1]):
        at, own = (level.ys[i], level.xs[i]), _target_sum(level, i, limit)
        before = (np.int64(field.ys[i]), np.int64(field.xs[i]))
        field.distance[i] = distance(level, at, own, before, (np.int64(FAR), limit))


@inline
def _keep_what_was_found(level: Any, field: Any, limit: Any, band: Any) -> None:
    for i in range(band[0], band[1]):
        found = (np.int64(field.ys[i]), np.int64(field.xs[i]), np.int64(field.distance[i]))
        keep(level, field, i, found, (_target_sum(level, i, limit), limit))


@kernel
def search_all(level: Level, field: Field, sources: Any, limit: int, band: Any) -> None:
    """Exact search of the targets band[0]..band[1] among `sources` (2, n)."""
    patches, sums = np.zeros((CHUNK, PADDED), np.int16), np.zeros((CHUNK, 3), np.int64)
    target = np.zeros(PADDED, np.int16)
    _measure_what_is_there(level, field, limit, band)
    for start in range(0, sources.shape[1], CHUNK):
        size = min(CHUNK, sources.shape[1] - start)
        for j in range(size):
            y, x = sources[0, start + j], sources[1, start + j]
            _gather(level.pixels, y, x, patches[j])
            if limit > 0:
                sums[j, 0], sums[j, 1], sums[j, 2] = source_sum(level, y, x)
        for i in range(band[0], band[1]):
            at, own = (level.ys[i], level.xs[i]), _target_sum(level, i, limit)
            _gather(level.pixels, at[0], at[1], target)
            best = np.int64(field.distance[i])
            for j in range(size):
                source = (sources[0, start + j], sources[1, start + j])
                prior = prior_cost(level, at, source)
                saved = _most_gain(own, sums[j], limit) if limit > 0 else 0
                d = np.int64(_compared(target, patches[j], best - prior + saved)) + prior
                if d - saved >= best:
                    continue
                if limit > 0:
                    gain = shift_gain(own, sums[j], limit)
                    d = d - gain + gain // 50
                if d < best:
                    best = d
                    field.ys[i], field.xs[i] = source
            field.distance[i] = best
    _keep_what_was_found(level, field, limit, band)


@kernel
def search_known(level: Level, field: Field, sources: Any, known: Any, targets: Any) -> None:
    """Exact search by the known pixels of each target's patch alone (onion peel)."""
    patches = np.zeros((CHUNK, PADDED), np.int16)
    target = np.zeros(PADDED, np.int16)
    weights = np.zeros(PADDED, np.int16)
    nearest = np.full(targets.shape[0], np.int64(FAR), np.int64)
    for start in range(0, sources.shape[1], CHUNK):
        size = min(CHUNK, sources.shape[1] - start)
        for j in range(size):
            _gather(level.pixels, sources[0, start + j], sources[1, start + j], patches[j])
        for t in range(targets.shape[0]):
            i = targets[t]
            at = (level.ys[i], level.xs[i])
            count = _gather_known(known, at[0], at[1], weights)
            _gather(level.pixels, at[0], at[1], target)
            best = nearest[t]
            for j in range(size):
                source = (sources[0, start + j], sources[1, start + j])
                total = prior_cost(level, at, source) * count // AREA
                if total < best:
                    total += _compared_where(target, patches[j], weights)
                if total < best:
                    best = total
                    field.ys[i], field.xs[i] = source
            nearest[t] = best
            field.distance[i] = best * AREA // max(count, 1)
    for t in range(targets.shape[0]):
        field.shift[targets[t], :] = 0
