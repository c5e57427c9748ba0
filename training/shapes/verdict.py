"""Says what a picture shows: colour and shape of a thing, and the background. Nothing is learned.

A thing is the largest patch that is not of the background's colours. Its colour is the nearest of
the palette, its shape the template that it overlaps best (`outlines.py`). Where the background is
not known, it is judged first (`ground.py`)."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.shapes.ground import Ground, judge_ground
from training.shapes.outlines import name_outline
from training.shapes.scenes import Background
from training.shapes.words import COLOURS, PALETTE

Picture = NDArray[np.uint8]
Region = NDArray[np.bool_]

FAR: Final = 0.13  # least distance of a thing's colour from the background's, sRGB 0..1
MIN_AREA: Final = 0.004  # of the picture; a smaller patch is no thing
_NEAR: Final = 0.2  # a pixel this close to a palette colour may belong to a thing of it
_THING_AREA: Final = 0.024  # of the picture; a smaller patch may be a dot of a pattern
_THING_IOU: Final = 0.7
_TRUSTED: Final = 0.85  # a plane or pattern that explains this much needs no thing beside it
_PALETTE: Final = (np.array(list(PALETTE.values())) / 255).astype(np.float32)


@dataclass(frozen=True)
class Verdict:
    """What stands in a region; colour and shape are None where nothing does.

    `iou` tells how well the patch overlaps its shape, `area` its part of the picture, both 0..1.
    """

    colour: str | None
    shape: str | None
    iou: float = 0.0
    area: float = 0.0


def judge_region(picture: Picture, mask: Region, background: Background | None) -> Verdict:
    """What stands in a region of a picture; the largest thing where there are several.

    `picture` is sRGB uint8 (S, S, 3), `mask` bool (S, S), True where to look. `background` is what
    the things stand on; None if that is not known.
    """
    ground = background or judge_background(picture, mask)
    colours = _smoothed(picture)
    first, second = (np.array(c, np.float32) for c in (ground.first_rgb, ground.second_rgb))
    away = _distance(colours, first, first if ground.kind == "plain" else second)
    patch = _largest((away > FAR) & mask)
    if patch.mean() < MIN_AREA:
        return Verdict(None, None)
    core = cv2.erode(patch.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    colour = np.median(colours[core if core.any() else patch], axis=0)
    name = COLOURS[int(np.linalg.norm(_PALETTE - colour, axis=1).argmin())]
    # The outline runs where a pixel is as far from the thing as from the background.
    near = np.linalg.norm(colours - colour, axis=2) < away
    patch = _largest(near & mask)
    if patch.mean() < MIN_AREA:
        return Verdict(None, None)
    outline = name_outline(patch)
    return Verdict(name, outline.shape, outline.iou, float(patch.mean()))


def judge_background(picture: Picture, mask: Region) -> Ground:
    """The background of a region, whatever things stand whole within it.

    Raises ValueError where the region is too small to judge.
    """
    ground = judge_ground(picture, mask)
    if ground.fit >= _TRUSTED:
        return ground
    free = mask & ~_things(picture, mask)
    return judge_ground(picture, free) if free.sum() >= 0.2 * mask.sum() else ground


def _things(picture: Picture, mask: Region) -> Region:
    """Where patches of one palette colour have the outline of a thing, with 3 px around them."""
    colours = _smoothed(picture)
    distance = np.stack([np.linalg.norm(colours - rgb, axis=2) for rgb in _PALETTE])
    label = np.where(mask & (distance.min(0) < _NEAR), distance.argmin(0), -1)
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0)
    found = np.zeros(mask.shape, np.uint8)
    for colour in np.unique(label[label >= 0]):
        patches = _patches(label == colour)
        large = [p for p in patches if p.mean() >= _THING_AREA]
        # A pattern shows its colour in many places, a thing in one; it does not end at the edge.
        if len(large) == 1 and (large[0] & (inner == 0)).sum() <= 0.02 * large[0].sum():
            found |= (name_outline(large[0]).iou >= _THING_IOU) * large[0].astype(np.uint8)
    return cv2.dilate(found, np.ones((7, 7), np.uint8)).astype(np.bool_)


def _smoothed(picture: Picture) -> NDArray[np.float32]:
    """Its colours in 0..1 without single odd pixels."""
    return cv2.medianBlur(picture, 3).astype(np.float32) / np.float32(255)


def _distance(
    colours: NDArray[np.float32], first: NDArray[np.float32], second: NDArray[np.float32]
) -> NDArray[np.float32]:
    """How far colours (S, S, 3) are from the line between two, (S, S)."""
    line = second - first
    along = np.clip((colours - first) @ line / max(float(line @ line), 1e-9), 0, 1)
    distance: NDArray[np.float32] = np.linalg.norm(
        colours - first - along[:, :, None] * line, axis=2
    )
    return distance


def _patches(where: Region) -> list[Region]:
    """The connected patches (by sides) of a region."""
    count, labels = cv2.connectedComponents(where.astype(np.uint8), connectivity=4)
    return [labels == i for i in range(1, count)]


def _largest(where: Region) -> Region:
    """The largest connected patch of a region, empty where it is."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        where.astype(np.uint8), connectivity=4
    )
    if count == 1:
        return where
    largest: Region = labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return largest
