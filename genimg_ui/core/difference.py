"""Where two pictures differ, by how much, and a picture that shows it.

Pictures are compared in their own pixels, any mode and depth, never through a conversion.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.geometry import Box
from genimg_ui.core.mask import mask_box
from genimg_ui.core.picture import Picture, Pixels, Rgb

DIMMED = 0.35  # the picture below the heat map, so that the marks stand out
OUTLINE = (0, 200, 255)  # RGB of the box around everything that differs
# What a difference of 0, of half the largest and of the largest looks like: red, yellow, white.
HEAT = np.array([[140, 0, 0], [255, 190, 0], [255, 255, 255]], np.float32)
SPOTS = 400  # a spot is at least a pixel in so many of the longer side, so that one can be seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How two pictures of one size and mode differ.

    `largest` is a step of one channel's values (0 to 255, or to 65535 for 16 bits), `mean` its
    mean over the channels of the pixels that differ; `box` is the smallest that holds them.
    """

    largest: int
    mean: float
    pixels: int
    of: int  # pixels of the picture
    box: Box


def same_kind(before: Picture, after: Picture) -> bool:
    """Whether size, channels and depth are the same, so that pixels can be compared."""
    return before.pixels.shape == after.pixels.shape and before.bits == after.bits


def difference(before: Picture, after: Picture) -> Difference | None:
    """How two pictures of one kind differ; None where every pixel is the same."""
    every = _every_step(before, after)
    step = _largest(every)
    changed = step > 0
    box = mask_box(np.asarray(changed, np.uint8))
    if box is None:
        return None
    return Difference(
        largest=int(step.max()),
        mean=round(float(every[changed].mean()), 3),
        pixels=int(np.count_nonzero(changed)),
        of=changed.size,
        box=box,
    )


def heat_map(before: Picture, after: Picture) -> Rgb:
    """uint8 (H, W, 3): the dimmed picture, differing pixels from red (small) to white (largest).

    A cyan line goes around all of them. Both pictures must be of one kind and differ.
    """
    step = _largest(_every_step(before, after)).astype(np.float32)
    height, width = step.shape
    reach = max(height, width) // SPOTS
    if reach:
        side = 2 * reach + 1
        step = np.asarray(cv2.dilate(step, np.ones((side, side), np.uint8)), np.float32)
    share = np.sqrt(step / step.max())  # small differences are seen beside large ones
    shown = np.repeat((before.grey() * DIMMED).astype(np.uint8)[..., None], 3, axis=2)
    changed = step > 0
    shown[changed] = _colours(share[changed])
    box = mask_box(np.asarray(changed, np.uint8))
    if box is not None:
        around = box.padded(1 + reach).within(before.size)
        corner = (around.right - 1, around.bottom - 1)
        cv2.rectangle(shown, (around.left, around.top), corner, OUTLINE, 1 + reach // 2)
    return shown


def _every_step(before: Picture, after: Picture) -> Pixels:
    """Absolute differences, in shape and depth of the pictures."""
    if not same_kind(before, after):
        raise ValueError(
            f"pictures must be of one kind, got {before.size} {before.mode} of {before.bits} bits"
            f" and {after.size} {after.mode} of {after.bits} bits"
        )
    every: Pixels = np.empty_like(before.pixels)
    cv2.absdiff(before.pixels, after.pixels, every)
    return every


def _largest(every: Pixels) -> Pixels:
    """(H, W): the largest step of any channel."""
    if every.ndim == 2:
        return every
    largest: Pixels = every.max(axis=2)
    return largest


def _colours(share: NDArray[np.float32]) -> NDArray[np.uint8]:
    """uint8 (n, 3): the colour for each share of the largest difference."""
    stops = np.linspace(0, 1, len(HEAT))
    channels = [np.interp(share, stops, HEAT[:, channel]) for channel in range(3)]
    return np.asarray(np.stack(channels, axis=1), np.uint8)
