"""The search for the nearest patches, compiled by Numba; the exact one is in `exhaustive`.

A level's pixels are one uint8 array (height, width × CHANNELS): red, green, blue and two texture
features per pixel. Columns beyond the level's own width hold its mirror image, where mirrored
sources are allowed. A source patch is wholly known, so target and source share the array.
Distances are exact integers: sums of squared differences over a patch, below 2**31. The kernels
release the GIL and start no threads.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

RADIUS = 3
SIDE = 2 * RADIUS + 1
AREA = SIDE * SIDE
CHANNELS = 5
ROW = SIDE * CHANNELS
FAR = np.int32(2**31 - 1)  # no distance reaches it: AREA * CHANNELS * 255**2 is 1.6e7


_F = TypeVar("_F", bound=Callable[..., Any])


def inline(function: _F) -> _F:
    """Compiled into its callers."""
    return cast(_F, njit(inline="always")(function))


def kernel(function: _F) -> _F:
    """Compiled once and kept in Numba's cache."""
    return cast(_F, njit(cache=True, nogil=True)(function))


class Prior(NamedTuple):
    """What copying costs whatever the patches show: the sum over kinds of kinds × foreign."""

    kinds: NDArray[np.uint8]  # (h, columns, kinds): shares of each source patch, of 255
    foreign: NDArray[np.int32]  # (targets, kinds): cost of each kind; (0, 0): no prior


class Level(NamedTuple):
    """One scale of the crop: what can be copied and what is to be filled."""

    pixels: NDArray[np.uint8]  # (h, columns * CHANNELS)
    sums: NDArray[np.uint16]  # (h, columns, 3) patch sums of the sources, or (1, 1, 3): on the fly
    valid: NDArray[np.bool_]  # (h, columns): centres of patches that may be copied
    number: NDArray[np.int32]  # (h, w): of the target centred here, else -1
    ys: NDArray[np.int32]  # (targets,) centres of patches that touch the hole
    xs: NDArray[np.int32]
    prior: Prior


class Field(NamedTuple):
    """The nearest-neighbour field: the source of each target, its distance and colour shift."""

    ys: NDArray[np.int32]
    xs: NDArray[np.int32]
    distance: NDArray[np.int32]
    shift: NDArray[np.int16]  # (targets, 3): added to the source's colours
    trust: NDArray[np.float32]  # (targets,): falls with the depth inside the hole


class Search(NamedTuple):
    """The numbers of one pass over the targets."""

    seed: int
    sweep: int  # even: forwards, odd: backwards
    radius: int  # of the random search around the best so far
    limit: int  # largest colour shift of a patch, in levels


@inline
def _ssd(pixels: Any, target: Any, source: Any, cut: Any) -> Any:
    """Sum of squared differences of two patches, given up once it reaches `cut`."""
    total = np.int32(0)
    t0 = np.uintp((target[1] - RADIUS) * CHANNELS)
    s0 = np.uintp((source[1] - RADIUS) * CHANNELS)
    for dy in range(-RADIUS, RADIUS + 1):
        a = pixels[target[0] + dy]
        b = pixels[source[0] + dy]
        for k in range(ROW):
            d = np.int32(np.int32(a[t0 + np.uintp(k)]) - np.int32(b[s0 + np.uintp(k)]))
            total = np.int32(total + np.int32(d * d))
        if total >= cut:
            return total
    return total


@inline
def patch_sum(pixels: Any, y: Any, x: Any) -> Any:
    red = green = blue = 0
    for dy in range(-RADIUS, RADIUS + 1):
        row = pixels[y + dy]
        for dx in range(-RADIUS, RADIUS + 1):
            at = (x + dx) * CHANNELS
            red += row[at]
            green += row[at + 1]
            blue += row[at + 2]
    return red, green, blue


@inline
def source_sum(level: Any, y: Any, x: Any) -> Any:
    if level.sums.shape[0] > 1:
        return (
            np.int64(level.sums[y, x, 0]),
            np.int64(level.sums[y, x, 1]),
            np.int64(level.sums[y, x, 2]),
        )
    return patch_sum(level.pixels, y, x)


@inline
def _bounded(difference: Any, limit: Any) -> Any:
    """The mean difference of two patches, rounded and kept within ±limit."""
    b = (2 * difference + AREA) // (2 * AREA)
    return min(max(b, -limit), limit)


@inline
def shift_gain(target: Any, source: Any, limit: Any) -> Any:
    """By how much the best bounded shift of the means lowers the squared distance."""
    gain = 0
    for c in range(3):
        difference = target[c] - source[c]
        b = _bounded(difference, limit)
        gain += b * (2 * difference - AREA * b)
    return gain


@inline
def prior_cost(level: Any, at: Any, source: Any) -> Any:
    total = np.int32(0)
    if level.prior.foreign.shape[0] > 0:
        i = level.number[at[0], at[1]]
        for kind in range(level.prior.foreign.shape[1]):
            share = np.int32(level.prior.kinds[source[0], source[1], kind])
            total = np.int32(total + np.int32(level.prior.foreign[i, kind] * share))
    return np.int64(total)


@inline
def distance(level: Any, at: Any, sums: Any, source: Any, cut_limit: Any) -> Any:
    """Prior cost and distance after the bounded shift; it costs a fiftieth of what it saves."""
    cut, limit = cut_limit
    prior = prior_cost(level, at, source)
    if limit == 0:
        return np.int64(_ssd(level.pixels, at, source, cut - prior)) + prior
    gain = shift_gain(sums, source_sum(level, source[0], source[1]), limit)
    bound = min(cut - prior + gain, 2147483647)
    return np.int64(_ssd(level.pixels, at, source, bound)) - gain + gain // 50 + prior


@inline
def _next(state: Any) -> Any:
    """xorshift32 (Marsaglia 2003)."""
    state ^= state << np.uint32(13)
    state ^= state >> np.uint32(17)
    state ^= state << np.uint32(5)
    return state


@inline
def keep(level: Any, field: Any, i: Any, best: Any, sums_limit: Any) -> None:
    y, x, nearest = best
    sums, limit = sums_limit
    field.ys[i] = y
    field.xs[i] = x
    field.distance[i] = nearest
    if limit > 0:
        source = source_sum(level, y, x)
        for c in range(3):
            field.shift[i, c] = _bounded(sums[c] - source[c], limit)


@inline
def _propagate(level: Any, field: Any, band: Any, at: Any, best: Any) -> Any:
    """Try the offsets of the two neighbours that this sweep has just visited."""
    low, high, step, limit = band
    y, x, sums = at
    by, bx, nearest = best
    for k in range(2):
        ny, nx = (y, x + step) if k == 0 else (y + step, x)
        q = level.number[ny, nx]
        if low <= q < high:
            cy, cx = field.ys[q] + y - ny, field.xs[q] + x - nx
            if _usable(level, cy, cx) and (cy != by or cx != bx):
                d = distance(level, (y, x), sums, (cy, cx), (nearest, limit))
                if d < nearest:
                    by, bx, nearest = cy, cx, d
    return by, bx, nearest


@inline
def _usable(level: Any, y: Any, x: Any) -> Any:
    rows, columns = level.valid.shape
    return 0 <= y < rows and 0 <= x < columns and level.valid[y, x]


@inline
def _explore(level: Any, search: Any, state: Any, at: Any, best: Any) -> Any:
    """Try random places around the best so far, within half the reach each time."""
    y, x, sums = at
    by, bx, nearest = best
    reach = search.radius
    while reach >= 1:
        state = _next(state)
        cy = by - reach + np.int64(state % np.uint32(2 * reach + 1))
        state = _next(state)
        cx = bx - reach + np.int64(state % np.uint32(2 * reach + 1))
        if _usable(level, cy, cx):
            d = distance(level, (y, x), sums, (cy, cx), (nearest, search.limit))
            if d < nearest:
                by, bx, nearest = cy, cx, d
        reach //= 2
    return by, bx, nearest


@kernel
def match(level: Level, field: Field, search: Search, low: int, high: int) -> None:
    """One PatchMatch pass (Barnes et al. 2009) over the targets low..high.

    Propagation stays inside the band, so that bands may run at once with the same result.
    """
    backwards = search.sweep & 1
    step = 1 if backwards else -1
    limit = search.limit
    for j in range(high - low):
        i = high - 1 - j if backwards else low + j
        y, x = level.ys[i], level.xs[i]
        sums = patch_sum(level.pixels, y, x) if limit > 0 else (0, 0, 0)
        at = (y, x, sums)
        by, bx = np.int64(field.ys[i]), np.int64(field.xs[i])
        nearest = distance(level, (y, x), sums, (by, bx), (np.int64(FAR), limit))
        best = (by, bx, nearest)
        best = _propagate(level, field, (low, high, step, limit), at, best)
        state = np.uint32(i * 2654435761 + (search.sweep + 1) * 40503 + search.seed * 97 + 1)
        best = _explore(level, search, _next(state | np.uint32(1)), at, best)
        keep(level, field, i, best, (sums, limit))
