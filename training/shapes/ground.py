"""Names the background of a region: its kind and its colours, from the pixels alone.

The region is compared with every pattern of the world at every period, phase and turn: how much of
the colours' variance does the pattern explain? What no pattern explains is cloudy, what hardly
varies is plain, and what a plane explains is a gradient.
"""

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
_PLAIN_BELOW: Final = 3.2 / 255  # root mean square deviation from the mean colour
_PLANE_FROM: Final = 0.88  # of the variance, to be a gradient
_PATTERN_FROM: Final = 0.6  # of the variance, to be a pattern and not clouds
_LIKELY: Final = 300  # patterns that are looked at closely
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
    if np.sqrt(variance) < _PLAIN_BELOW:
        return Ground("plain", (_nearest(_rgb(mean)),), _rgb(mean), _rgb(mean), 1.0)
    plane = _plane_fit(centred, weights) / variance
    kind, fit = _best_pattern(centred, weights)
    fit /= variance
    if plane >= _PLANE_FROM and plane >= fit - 0.03:
        kind, fit = "gradient", plane
    elif fit < _PATTERN_FROM:
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


def _best_pattern(centred: Floats, weights: Floats) -> tuple[str, float]:
    """The kind of the pattern that explains most variance, and how much."""
    kinds, patterns = _patterns()
    total = weights.sum()
    shared = patterns @ (weights[:, None] * centred) / total
    # Only those that vary with the colours can explain them; the rest is not worth the time.
    shared = (shared**2).sum(1)
    likely = np.argpartition(shared, -_LIKELY)[-_LIKELY:]
    chosen = patterns[likely]
    spread = (chosen**2) @ weights / total - (chosen @ weights / total) ** 2
    explained = np.where(spread < _SEEN, 0, shared[likely] / np.maximum(spread, _SEEN))
    best = int(explained.argmax())
    return kinds[likely[best]], float(explained[best])


@cache
def _patterns() -> tuple[tuple[str, ...], Floats]:
    """Every pattern at every period, phase and turn: kinds, and pixels (P, side²)."""
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
    parts = []
    for at in range(0, len(grounds), 64):
        fine = blend(grounds[at : at + 64], _RENDERED, "cpu")
        parts.append(F.avg_pool2d(fine, _RENDERED // _SIDE).flatten(1).numpy())
    pixels = np.concatenate(parts)
    kinds = tuple(ground.kind for ground in grounds)
    return kinds, pixels


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
