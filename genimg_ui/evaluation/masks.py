"""Seeded masks of the four kinds, for a picture of any size.

All are uint8 (height, width), 255 = to be filled, and depend on kind, numbers, seed and size only.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.mask import Mask
from genimg_ui.errors import RefusedInput
from genimg_ui.evaluation.mask_shapes import Blob, Border, MaskShape, Rectangles, Strokes
from genimg_ui.evaluation.protocol import Case, Protocol

TRIES = 1000  # draws before a mask of the wanted cover counts as impossible
REFERENCE_SIDE = 256  # the shorter side that the numbers of strokes are for
CORNERS = 180  # of a blob's outline
HARMONICS = 5
RADIUS = (0.25, 2.2)  # of a blob, in shares of its mean radius: no needle, no hair


def case_mask(protocol: Protocol, case: Case, height: int, width: int) -> Mask:
    """The mask of a case on a picture of height x width pixels."""
    shape = next(kind for kind in protocol.masks.kinds if kind.kind == case.mask_kind)
    return draw(shape, case.mask_seed, height, width)


def draw(shape: MaskShape, seed: int, height: int, width: int) -> Mask:
    """One mask; raises RefusedInput where no draw of many covers the wanted share."""
    rng = np.random.Generator(np.random.PCG64(seed))
    if isinstance(shape, Border):
        return _border(shape, rng, height, width)
    low, high = shape.cover
    for _ in range(TRIES):
        mask = _drawn(shape, rng, height, width)
        if low <= np.count_nonzero(mask) / mask.size <= high:
            return mask
    raise RefusedInput(
        f"None of {TRIES} masks of the kind {shape.kind} covered {low:g} to {high:g} of a picture "
        f"of {width}x{height}.",
        remedy="Allow more cover, or other sizes, in the protocol.",
    )


def _drawn(shape: MaskShape, rng: np.random.Generator, height: int, width: int) -> Mask:
    if isinstance(shape, Rectangles):
        return _rectangles(shape, rng, height, width)
    if isinstance(shape, Strokes):
        return _strokes(shape, rng, height, width)
    assert isinstance(shape, Blob)
    return _blob(shape, rng, height, width)


def _rectangles(shape: Rectangles, rng: np.random.Generator, height: int, width: int) -> Mask:
    mask = np.zeros((height, width), np.uint8)
    for _ in range(_whole(rng, shape.count)):
        rows, columns = (max(1, round(n * rng.uniform(*shape.side))) for n in (height, width))
        top = int(rng.integers(height - rows + 1))
        left = int(rng.integers(width - columns + 1))
        mask[top : top + rows, left : left + columns] = 255
    return mask


def _strokes(shape: Strokes, rng: np.random.Generator, height: int, width: int) -> Mask:
    """Chains of segments in random directions; every other chain turns the other way."""
    mask = np.zeros((height, width), np.uint8)
    scale = min(height, width) / REFERENCE_SIDE
    for number in range(_whole(rng, shape.count)):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        for _ in range(_whole(rng, shape.segments)):
            angle = rng.uniform(0, np.pi) * (1 if number % 2 else -1)
            length = scale * rng.uniform(*shape.length)
            thickness = max(1, round(scale * rng.uniform(*shape.width)))
            start = (int(x), int(y))
            x = min(max(x + length * np.cos(angle), 0), width - 1)
            y = min(max(y + length * np.sin(angle), 0), height - 1)
            cv2.line(mask, start, (int(x), int(y)), 255, thickness)
    return mask


def _blob(shape: Blob, rng: np.random.Generator, height: int, width: int) -> Mask:
    centre = np.array([width, height]) * rng.uniform(0.25, 0.75, 2)
    mean_radius = np.sqrt(height * width * rng.uniform(*shape.cover) / np.pi)
    angle = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    radius = np.ones(CORNERS)
    for harmonic in range(1, HARMONICS + 1):
        swing = rng.normal(0, shape.roughness / harmonic)
        radius += swing * np.cos(harmonic * angle + rng.uniform(0, 2 * np.pi))
    radius = mean_radius * np.clip(radius, *RADIUS)
    stretch = np.exp(rng.normal(0, shape.elongation))
    around = np.stack([np.cos(angle) * stretch, np.sin(angle) / stretch], axis=1)
    outline: NDArray[np.int32] = np.round(centre + radius[:, None] * around).astype(np.int32)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [outline], 255)
    return mask


def _border(shape: Border, rng: np.random.Generator, height: int, width: int) -> Mask:
    mask = np.zeros((height, width), np.uint8)
    side = shape.sides[int(rng.integers(len(shape.sides)))]
    across = side in ("left", "right")
    band = max(1, round(shape.share * (width if across else height)))
    parts: dict[str, Callable[[], NDArray[np.uint8]]] = {
        "left": lambda: mask[:, :band],
        "right": lambda: mask[:, -band:],
        "top": lambda: mask[:band],
        "bottom": lambda: mask[-band:],
    }
    parts[side]()[...] = 255
    return mask


def _whole(rng: np.random.Generator, limits: tuple[int, int]) -> int:
    return int(rng.integers(limits[0], limits[1] + 1))
