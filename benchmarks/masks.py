"""Seeded masks of four protocols: bool (height, width), True = to be filled.

a rectangles  1 to 3, together at most a quarter of the picture
b strokes     thick polylines, as a hand would paint them; 5 to 40 %
c blob        one object-like shape of 3 to 15 %
d border      a quarter of the picture on one side, as in outpainting
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Draw = Callable[[int, int, np.random.Generator], Mask]


def rectangles(height: int, width: int, rng: np.random.Generator) -> Mask:
    mask = np.zeros((height, width), np.bool_)
    for _ in range(rng.integers(1, 4)):
        tall, wide = (max(1, round(side * rng.uniform(0.12, 0.48))) for side in (height, width))
        top, left = rng.integers(0, height - tall + 1), rng.integers(0, width - wide + 1)
        mask[top : top + tall, left : left + wide] = True
    return mask


def strokes(height: int, width: int, rng: np.random.Generator) -> Mask:
    canvas = np.zeros((height, width), np.uint8)
    unit = min(height, width)
    for _ in range(rng.integers(1, 5)):
        corners = rng.integers(2, 6)
        at = rng.uniform(0, 1, 2) * (width, height)
        angle = rng.uniform(0, 2 * np.pi)
        thick = max(1, round(unit * rng.uniform(0.03, 0.3)))
        for _ in range(corners):
            angle += rng.normal(0, 1.0)
            reach = unit * rng.uniform(0.05, 0.6)
            end = np.clip(at + reach * np.array([np.cos(angle), np.sin(angle)]), 0, (width, height))
            cv2.line(canvas, at.astype(int).tolist(), end.astype(int).tolist(), 1, thick)
            at = end
    return np.asarray(canvas > 0)


def blob(height: int, width: int, rng: np.random.Generator) -> Mask:
    centre = rng.uniform(0.25, 0.75, 2) * (width, height)
    radius = np.sqrt(height * width * rng.uniform(0.03, 0.15) / np.pi)
    turn = np.linspace(0, 2 * np.pi, 160, endpoint=False)
    waves = [
        rng.normal(0, 0.25 / k) * np.cos(k * turn + rng.uniform(0, 2 * np.pi)) for k in range(1, 6)
    ]
    reach = radius * np.clip(1 + np.sum(waves, axis=0), 0.3, 2.0)
    stretch = np.exp(rng.normal(0, 0.25))
    outline = np.stack([np.cos(turn) * reach * stretch, np.sin(turn) * reach / stretch], axis=1)
    canvas = np.zeros((height, width), np.uint8)
    cv2.fillPoly(canvas, [np.round(outline + centre).astype(np.int32)], 1)
    return np.asarray(canvas > 0)


def border(height: int, width: int, rng: np.random.Generator) -> Mask:
    mask = np.zeros((height, width), np.bool_)
    tall, wide = height // 4, width // 4
    sides = (np.s_[:tall], np.s_[height - tall :], np.s_[:, :wide], np.s_[:, width - wide :])
    mask[sides[rng.integers(4)]] = True
    return mask


PROTOCOLS: dict[str, tuple[Draw, float, float]] = {
    "a": (rectangles, 0.02, 0.25),
    "b": (strokes, 0.05, 0.40),
    "c": (blob, 0.03, 0.15),
    "d": (border, 0.20, 0.30),
}


def make(protocol: str, height: int, width: int, seed: int) -> Mask:
    """Draw until the share of the picture is the protocol's."""
    draw, least, most = PROTOCOLS[protocol]
    rng = np.random.default_rng((ord(protocol), seed))
    while True:
        mask = draw(height, width, rng)
        if least <= mask.mean() <= most:
            return mask
