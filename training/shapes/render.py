"""Scenes as pictures, in batches, on the CPU or a GPU.

Shapes are half-planes and circles: a signed distance in fractions of the side (negative inside),
turned into coverage by a ramp of 1.5 px around the outline.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import torch
from torch import Tensor

from training.shapes.patterns import RAMP, as_column, blend, pixel_axis
from training.shapes.scenes import Scene, Thing
from training.shapes.words import SHAPES

RING_HOLE: Final = 0.5  # radius of a ring's hole, of its own radius
STAR_NOTCH: Final = 0.45  # radius of a star's notches, of its tips
_CHUNK: Final = {"cpu": 24}  # scenes at once: what stays in a core's cache
_GPU_CHUNK: Final = 512

# The semantic map: 0..1 sRGB of the background, and of each class of shape.
SEGMENT_BACKGROUND: Final = (0.0, 0.0, 0.0)
SEGMENTS: Final = {
    "circle": (1.0, 0.0, 0.0),
    "square": (0.0, 1.0, 0.0),
    "triangle": (0.0, 0.0, 1.0),
    "star": (1.0, 1.0, 0.0),
    "ring": (0.0, 1.0, 1.0),
}


def render(scenes: Sequence[Scene], size: int = 128, device: str = "cpu") -> Tensor:
    """The scenes as a float32 tensor (N, 3, size, size) of sRGB in 0..1."""
    return _in_chunks(_pictures, scenes, size, device)


def segmentation(scenes: Sequence[Scene], size: int = 128, device: str = "cpu") -> Tensor:
    """Their semantic maps, float32 (N, 3, size, size): `SEGMENTS` where a thing covers a pixel."""
    return _in_chunks(_segments, scenes, size, device)


def coverage(scenes: Sequence[Scene], size: int = 128, device: str = "cpu") -> Tensor:
    """How much of each pixel each thing covers, float32 (N, K, size, size) in 0..1.

    K is the largest number of things in a scene; a scene with fewer has zeros there.
    """
    layers = max((len(scene.things) for scene in scenes), default=0)
    out = torch.zeros(len(scenes), layers, size, size, device=device)
    for layer, rows, alpha in _layers(scenes, size, device):
        out[rows, layer] = alpha
    return out


def _in_chunks(
    draw: Callable[[Sequence[Scene], int, str], Tensor],
    scenes: Sequence[Scene],
    size: int,
    device: str,
) -> Tensor:
    step = _CHUNK.get(torch.device(device).type, _GPU_CHUNK)
    parts = [draw(scenes[at : at + step], size, device) for at in range(0, len(scenes), step)]
    return torch.cat(parts) if parts else torch.zeros(0, 3, size, size, device=device)


def _pictures(scenes: Sequence[Scene], size: int, device: str) -> Tensor:
    grounds = [scene.background for scene in scenes]
    first = torch.tensor([g.first_rgb for g in grounds], device=device)[:, :, None, None]
    second = torch.tensor([g.second_rgb for g in grounds], device=device)[:, :, None, None]
    picture = first + (second - first) * blend(grounds, size, device)[:, None]
    for layer, rows, alpha in _layers(scenes, size, device):
        rgb = [scenes[row].things[layer].rgb for row in rows]
        colour = torch.tensor(rgb, device=device)[:, :, None, None]
        picture[rows] = torch.lerp(picture[rows], colour, alpha[:, None])
    return picture


def _segments(scenes: Sequence[Scene], size: int, device: str) -> Tensor:
    ground = torch.tensor(SEGMENT_BACKGROUND, device=device)[None, :, None, None]
    out = ground.repeat(len(scenes), 1, size, size)
    for layer, rows, alpha in _layers(scenes, size, device):
        rgb = [SEGMENTS[scenes[row].things[layer].shape] for row in rows]
        colour = torch.tensor(rgb, device=device)[:, :, None, None]
        out[rows] = torch.where(alpha[:, None] >= 0.5, colour, out[rows])
    return out


# Shapes


def shape_coverage(things: Sequence[Thing], size: int = 128, device: str = "cpu") -> Tensor:
    """How much of each pixel each of these things covers, float32 (N, size, size) in 0..1."""
    out = torch.zeros(len(things), size, size, device=device)
    for shape in SHAPES:
        rows = [row for row, thing in enumerate(things) if thing.shape == shape]
        if rows:
            x, y, reach = _own_coordinates([things[row] for row in rows], size, device)
            out[rows] = (0.5 - _DISTANCES[shape](x, y, reach) * (size / RAMP)).clamp_(0, 1)
    return out


def _layers(
    scenes: Sequence[Scene], size: int, device: str
) -> Iterator[tuple[int, list[int], Tensor]]:
    """Layer by layer, the scenes that have a thing there, and the coverage of those things."""
    for layer in range(max((len(scene.things) for scene in scenes), default=0)):
        rows = [row for row, scene in enumerate(scenes) if len(scene.things) > layer]
        yield layer, rows, shape_coverage([scenes[r].things[layer] for r in rows], size, device)


def _own_coordinates(
    things: Sequence[Thing], size: int, device: str
) -> tuple[Tensor, Tensor, Tensor]:
    """Coordinates (N, size, size) of each pixel as each thing sees it, and its extent."""
    axis = pixel_axis(size, device)
    cos = as_column([math.cos(t.rotation) for t in things], device)
    sin = as_column([math.sin(t.rotation) for t in things], device)
    dx = axis - as_column([t.x for t in things], device)
    dy = axis - as_column([t.y for t in things], device)
    x = (cos * dx)[:, None, :] + (sin * dy)[:, :, None]
    y = (cos * dy)[:, :, None] - (sin * dx)[:, None, :]
    return x, y, as_column([t.extent for t in things], device)[:, :, None]


def _circle(x: Tensor, y: Tensor, reach: Tensor) -> Tensor:
    return torch.sqrt(x * x + y * y).sub_(reach)


def _ring(x: Tensor, y: Tensor, reach: Tensor) -> Tensor:
    middle, half = (1 + RING_HOLE) / 2, (1 - RING_HOLE) / 2
    return torch.sqrt(x * x + y * y).sub_(reach * middle).abs_().sub_(reach * half)


def _square(x: Tensor, y: Tensor, reach: Tensor) -> Tensor:
    return torch.maximum(x.abs(), y.abs()).sub_(reach * math.sqrt(0.5))


def _triangle(x: Tensor, y: Tensor, reach: Tensor) -> Tensor:
    sides = x.abs().mul_(math.sqrt(0.75)).sub_(y * 0.5)  # the tip is at -y
    return torch.maximum(sides, y).sub_(reach * 0.5)


def _star(x: Tensor, y: Tensor, reach: Tensor) -> Tensor:
    """Folds the five points onto the half of the upper one, whose edge is one line."""
    x, y = x.abs(), -y
    for angle in (3 * math.pi / 5, math.pi / 5):
        # Mirrors what lies beyond the notch at this angle from the upper tip.
        cos, sin = math.cos(angle), math.sin(angle)
        beyond = (x * cos).sub_(y * sin).clamp_(min=0).mul_(2)
        x, y = (x - beyond * cos).abs_(), y + beyond * sin
    notch_x = STAR_NOTCH * math.sin(math.pi / 5)
    notch_y = STAR_NOTCH * math.cos(math.pi / 5)
    length = math.hypot(notch_x, 1 - notch_y)
    return (x * ((1 - notch_y) / length)).add_((y - reach) * (notch_x / length))


_DISTANCES: Final[dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "ring": _ring,
}
