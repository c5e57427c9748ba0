"""Names the shape of a patch by the template that it overlaps best."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.shapes.render import shape_coverage
from training.shapes.scenes import Thing
from training.shapes.words import SHAPES

Patch = NDArray[np.bool_]

_FRAME: Final = 48  # px; side of the square in which patches and templates are compared
_FILL: Final = 0.16  # part of the frame that each of them covers
_SCALES: Final = (0.93, 1.0, 1.07)
# A turn by this much looks the same, radians.
_SYMMETRY: Final = {"square": np.pi / 2, "triangle": 2 * np.pi / 3, "star": 2 * np.pi / 5}
_TURNS: Final = 12


@dataclass(frozen=True)
class Outline:
    """The best shape for a patch, and their intersection over union, 0..1."""

    shape: str
    iou: float


def name_outline(patch: Patch) -> Outline:
    """The shape whose template overlaps a patch best; `patch` is bool (H, W) and not empty.

    Position and size are taken from the patch's centroid and area, so that only turn and outline
    are left to compare.
    """
    moments = cv2.moments(patch.astype(np.uint8), binaryImage=True)
    x, y = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
    scale = _FRAME * np.sqrt(_FILL / moments["m00"])
    middle = (_FRAME - 1) / 2
    place = np.array([[scale, 0, middle - scale * x], [0, scale, middle - scale * y]])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    framed = cv2.warpAffine(patch.astype(np.float32), place, (_FRAME, _FRAME), flags=way)
    seen = (framed >= 0.5).ravel().astype(np.float32)
    shapes, templates, areas = _templates()
    shared = templates @ seen
    iou = shared / (areas + seen.sum() - shared)
    best = int(iou.argmax())
    return Outline(shapes[best], float(iou[best]))


@cache
def _templates() -> tuple[tuple[str, ...], NDArray[np.float32], NDArray[np.float32]]:
    """Shapes in all turns and some scales: names, pixels (T, frame²) of 0 and 1, and areas."""
    things = []
    for shape in SHAPES:
        unit = Thing(shape, "", (0, 0, 0), 0.5, 0.5, 0.25)
        area = float(shape_coverage([unit], 256).mean())
        span = _SYMMETRY.get(shape)
        turns = np.arange(_TURNS) * span / _TURNS if span else np.zeros(1)
        for scale in _SCALES:
            radius = 0.25 * scale * float(np.sqrt(_FILL / area))
            things += [Thing(shape, "", (0, 0, 0), 0.5, 0.5, radius, float(t)) for t in turns]
    pixels = shape_coverage(things, _FRAME).flatten(1).numpy() >= 0.5
    templates = pixels.astype(np.float32)
    return tuple(thing.shape for thing in things), templates, templates.sum(1)
