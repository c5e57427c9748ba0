"""Names the background of a region: its kind and its colours, from the pixels alone.

The region is compared with every pattern of the world at every period, phase and turn: how much of
the colours' variance does the pattern explain? What no pattern explains is cloudy, what hardly
varies is plain, and what a plane explains is a gradient. Each half of a long side has a period and
a phase of its own, so that stripes that waver are stripes, as they are to the eye.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray

from training.shapes.patterns import blend
from training.shapes.scenes import Background, Rgb, darker, lighter
from training.shapes.words import COLOURS, PALETTE

_SIDE: Final = 32  # px; what is compared
_RENDERED: Final = 128
_WINDOW: Final = 14  # cells; at least the side within which a pattern must be regular
# The bounds lie between what true scenes have that are bent by 2 px and tinted by 4 levels.
_PLAIN_BELOW: Final = (5 / 255, 7 / 255)  # deviation (rms) in a small region, in the whole picture
_EVEN_BELOW: Final = 3.2 / 255  # too little to be the part of a gradient that a region shows
_PLANE_ALONE: Final = 0.9  # of the variance, to be such a part and not a tint
_PLANE_FROM: Final = 0.82  # of the variance, to be a gradient; clouds in a small region have 0.8
_PATTERN_FROM: Final = (0.65, 0.43)  # of the variance, in small windows and in others; clouds 0.33
_SMALL: Final = 200  # cells of a window in which some pattern fits clouds by chance
_FLOWING: Final = ("gradient", "cloudy")  # few of their pixels have the very colours
_SEEN: Final = 0.02  # least variance of a pattern within the region
_PALETTE: Final = np.array(list(PALETTE.values())) / 255
_NEEDED: Final = 0.002  # of the picture; a smaller region says nothing

Region = NDArray[np.bool_]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Ground:
    """A background as it was seen: its kind, the names of its colours, and the colours.

    `first_rgb` and `second_rgb` are sRGB 0..1, equal where the ground is plain. `fit` is the part
    of the region's variance, 0..1, that a plane or a pattern explains; 1 where it is plain.
    """

    kind: str
    colours: tuple[str, ...]
    first_rgb: Rgb
    second_rgb: Rgb
    fit: float


def judge_ground(picture: NDArray[np.uint8], region: Region) -> Ground:
    """The background of a region without things; `picture` is sRGB uint8 (S, S, 3).

    Raises ValueError where the region is smaller than 0.2 % of the picture.
    """
    if region.mean() < _NEEDED:
        raise ValueError(
            f"A region of {region.mean():.2%} of the picture is too small to judge; "
            f"at least {_NEEDED:.2%} is needed."
        )
    colours, weights = _reduced(picture, region)
    total = weights.sum()
    mean = (weights[:, None] * colours).sum(0) / total
    centred = colours - mean
    variance = float((weights[:, None] * centred**2).sum() / total)
    deviation, plane = np.sqrt(variance), _plane_fit(centred, weights) / max(variance, 1e-12)
    little = float(np.interp(region.mean(), (0, 1), _PLAIN_BELOW))
    if deviation < (little if plane < _PLANE_ALONE else _EVEN_BELOW):
        return Ground("plain", (_nearest(_rgb(mean)),), _rgb(mean), _rgb(mean), 1.0)
    windows = list(_windows(weights))
    kind, fit = _best_pattern(colours, weights, windows)
    if plane >= _PLANE_FROM and plane >= fit - 0.03:
        kind, fit = "gradient", plane
    elif fit < _PATTERN_FROM[sum(map(len, windows)) >= _SMALL * len(windows)]:
        kind = "cloudy"
    first, second = _ends(picture, region, 0.5 if kind in _FLOWING else 2)
    return Ground(kind, _names(first, second), first, second, float(fit))


def _reduced(picture: NDArray[np.uint8], region: Region) -> tuple[Floats, Floats]:
    """Mean colours (side², 3) in 0..1 of the region within each cell, and its share of the cell."""
    inside = region.astype(np.float32)
    pixels = picture.astype(np.float32) / 255 * inside[:, :, None]
    share = cv2.resize(inside, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    summed = cv2.resize(pixels, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    colours = summed / np.maximum(share, 1e-6)[:, :, None]
    share = np.where(share > 0.3, share, 0)
    return colours.reshape(-1, 3).astype(np.float32), share.ravel().astype(np.float32)


def _plane_fit(centred: Floats, weights: Floats) -> float:
    """The variance that a plane over the region explains."""
    down, across = np.divmod(np.arange(_SIDE * _SIDE), _SIDE)
    root = np.sqrt(weights)[:, None]
    place = np.stack([across, down, np.ones_like(down)], 1) * root
    fitted = place @ np.linalg.lstsq(place, centred * root, rcond=None)[0]
    return float((fitted**2).sum() / weights.sum())


def _best_pattern(
    colours: Floats, weights: Floats, windows: Sequence[NDArray[np.int64]]
) -> tuple[str, float]:
    """The kind of pattern that explains most of the variance within the windows, and how much."""
    kinds, patterns = _patterns()
    explained = dict.fromkeys(kinds, 0.0)
    variance = 0.0
    for cells in windows:
        inside = weights[cells]
        centred = colours[cells] - inside @ colours[cells] / inside.sum()
        variance += float((inside[:, None] * centred**2).sum())
        for kind, rows in kinds.items():
            explained[kind] += float(_explained(patterns[rows][:, cells], centred, inside).max())
    best = max(explained, key=lambda kind: explained[kind])
    return best, explained[best] / max(variance, 1e-9)


def _windows(weights: Floats) -> Iterator[NDArray[np.int64]]:
    """The region's cells in parts of `_WINDOW` to twice as many cells a side, by their numbers."""
    place = np.flatnonzero(weights)
    down, across = np.divmod(place, _SIDE)
    parts = [
        (at - at.min()) * max(1, (np.ptp(at) + 1) // _WINDOW) // (np.ptp(at) + 1)
        for at in (down, across)
    ]
    number = parts[0] * _SIDE + parts[1]
    for one in np.unique(number):
        yield place[number == one]


def _explained(patterns: Floats, centred: Floats, weights: Floats) -> Floats:
    """The sum of squares that each pattern (P, cells) explains of colours (cells, 3), (P,)."""
    total = weights.sum()
    shared = ((patterns @ (weights[:, None] * centred)) ** 2).sum(1) / total
    spread = (patterns**2) @ weights / total - (patterns @ weights / total) ** 2
    # A pattern that hardly varies within the window explains nothing.
    explained: Floats = np.where(spread < _SEEN, 0, shared / np.maximum(spread, _SEEN))
    return explained


@cache
def _patterns() -> tuple[dict[str, slice], Floats]:
    """Every pattern at every period, phase and turn: each kind's rows, and pixels (P, side²)."""
    grounds = [
        _pattern("striped", turn * np.pi / 4, period, (phase, 0.0))
        for turn in range(4)
        for period in _periods(0.165, 0.31)
        for phase in np.arange(0, 0.5, 0.0625)
    ]
    for across in np.arange(0, 1, 1 / 6):
        for down in np.arange(0, 1, 1 / 6):
            phase = float(across), float(down)
            grounds += [_pattern("checkered", 0.0, p, phase) for p in _periods(0.105, 0.205)]
            grounds += [
                _pattern("dotted", turn * np.pi / 4, p, phase)
                for turn in range(2)
                for p in _periods(0.165, 0.27)
            ]
    grounds.sort(key=lambda ground: ground.kind)
    parts = []
    for at in range(0, len(grounds), 64):
        fine = blend(grounds[at : at + 64], _RENDERED, "cpu")
        parts.append(F.avg_pool2d(fine, _RENDERED // _SIDE).flatten(1).numpy())
    pixels = np.concatenate(parts)
    kinds = [ground.kind for ground in grounds]
    rows = {
        kind: slice(kinds.index(kind), bisect_right(kinds, kind)) for kind in sorted(set(kinds))
    }
    return rows, pixels


def _periods(low: float, high: float) -> list[float]:
    """Periods so close that the ends of the picture are at most a tenth of one out of step."""
    return [float(p) for p in np.geomspace(low, high, round(np.log(high / low) / 0.032))]


def _pattern(kind: str, angle: float, period: float, phase: tuple[float, float]) -> Background:
    return Background(kind, "", None, (0, 0, 0), (1, 1, 1), angle, period, phase)


# Colours


def _rgb(colour: Floats) -> Rgb:
    r, g, b = (float(c) for c in colour)
    return r, g, b


def _nearest(rgb: Rgb) -> str:
    return COLOURS[int(np.linalg.norm(_PALETTE - np.array(rgb), axis=1).argmin())]


def _ends(picture: NDArray[np.uint8], region: Region, outermost: float) -> tuple[Rgb, Rgb]:
    """The two colours that a region's pixels lie between, without the `outermost` % at each end."""
    pixels = picture[region][::3].astype(np.float32) / 255
    mean = pixels.mean(0)
    axis = np.linalg.eigh(np.cov(pixels.T) + 1e-9 * np.eye(3))[1][:, -1]
    low, high = np.percentile((pixels - mean) @ axis, [outermost, 100 - outermost])
    return _rgb(mean + low * axis), _rgb(mean + high * axis)


def _names(one: Rgb, other: Rgb) -> tuple[str, ...]:
    """The colour, or the two, whose pair of shades comes closest to these two."""
    names, pairs = _pairs()
    ways = np.stack([np.array([one, other]), np.array([other, one])])
    distance = np.linalg.norm(pairs[:, None] - ways, axis=3).sum(2).min(1)
    return names[int(distance.argmin())]


@cache
def _pairs() -> tuple[tuple[tuple[str, ...], ...], NDArray[np.float64]]:
    """All pairs of colours that a background may have: their names, and values (P, 2, 3)."""
    names: list[tuple[str, ...]] = []
    pairs = []
    for colour, rgb in zip(COLOURS, _PALETTE, strict=True):
        shades = [darker(_rgb(rgb))] if colour != "black" else []
        shades += [lighter(_rgb(rgb))] if colour != "white" else []
        names += [(colour,)] * len(shades)
        pairs += [(_rgb(rgb), shade) for shade in shades]
        for later, value in zip(COLOURS, _PALETTE, strict=True):
            if later > colour:
                names.append((colour, later))
                pairs.append((_rgb(rgb), _rgb(value)))
    return tuple(names), np.array(pairs)
