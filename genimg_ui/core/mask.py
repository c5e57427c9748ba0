"""Painted mask → denoise and composite masks, uint8 (height, width), 255 = repaint, 0 = locked.

Distances are Euclidean, in pixels between centres (OpenCV's exact transform). The edge of the
picture is no boundary of the mask: a region that runs off the canvas is not feathered there.
Work is done in the mask's box only, so the cost follows the mask, not the picture.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.geometry import Box, Size
from genimg_ui.core.request import MaskParams

Mask = NDArray[np.uint8]  # (height, width), 255 = repaint


def mask_box(mask: Mask) -> Box | None:
    """The smallest box that holds every pixel above 0; None where there is none."""
    columns = np.flatnonzero(mask.any(axis=0))
    if columns.size == 0:
        return None
    rows = np.flatnonzero(mask.any(axis=1))
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


class Masks(NamedTuple):
    """The two masks that the painted one becomes; both as large as it.

    `denoise` is what the engine may repaint, `composite` what is pasted of its answer. Where the
    composite mask is 0, so is the denoise mask: those pixels are locked.
    """

    denoise: Mask
    composite: Mask


def make_masks(painted: Mask, params: MaskParams, *, soft: bool) -> Masks:
    """Grow (or shrink) the painted mask, then feather it inwards for the paste.

    The ramp lies inside the grown mask: `value · min(1, d / (feather + 1))`, with d the distance
    to the nearest pixel outside. So nothing beyond painted + grow is ever touched.

    Partial strength (values between 0 and 255) is the engine's to honour where it can (`soft`):
    then the denoise mask carries it and the paste is full. Elsewhere the paste carries it.
    """
    empty = np.zeros_like(painted)
    box = mask_box(painted)
    if box is None:
        return Masks(empty, empty)
    size = Size(painted.shape[1], painted.shape[0])
    area = box.padded(max(0, params.grow) + 1).within(size)
    grown = _grown(painted[area.slices], params.grow)
    support = np.where(grown > 0, np.uint8(255), np.uint8(0))
    denoise, composite = empty.copy(), empty
    denoise[area.slices] = grown if soft else support
    composite[area.slices] = _feathered(support if soft else grown, params.feather)
    return Masks(denoise, composite)


def _grown(part: Mask, grow: int) -> Mask:
    if grow == 0:
        return part
    if grow < 0:
        inside = _distance_inside(part)
        return np.where(inside > -grow, part, np.uint8(0))
    outside = np.where(part > 0, np.uint8(0), np.uint8(255))
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    if int(part.max()) == int(part[part > 0].min()):
        return np.where(distance <= grow, part.max(), np.uint8(0))
    # Which pixel is nearest comes from the 5 × 5 mask, whose distances are off by 2 %: good for
    # the strength that is carried outwards, but not for how far.
    _, labels = cv2.distanceTransformWithLabels(
        outside, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    nearest = np.zeros(int(labels.max()) + 1, np.uint8)
    nearest[labels[part > 0]] = part[part > 0]
    return np.where(distance <= grow, nearest[labels], np.uint8(0))


def _feathered(part: Mask, feather: int) -> Mask:
    if feather == 0:
        return part
    ramp = np.minimum(_distance_inside(part) / np.float32(feather + 1), np.float32(1))
    return np.asarray(np.ceil(part * ramp), np.uint8)


def _distance_inside(part: Mask) -> NDArray[np.float32]:
    """Distance of each painted pixel to the nearest unpainted one; infinite where none is."""
    support = np.where(part > 0, np.uint8(255), np.uint8(0))
    if support.all():
        return np.full(part.shape, np.inf, np.float32)
    return np.asarray(cv2.distanceTransform(support, cv2.DIST_L2, cv2.DIST_MASK_PRECISE))
