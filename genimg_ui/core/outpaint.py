"""Outpainting as inpainting: the border becomes part of the mask of a larger canvas.

All lengths in pixels of the source. The canvas is never rounded: what was asked for is what
comes out.
"""

from functools import reduce

import numpy as np

from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.mask import Mask
from genimg_ui.errors import RefusedInput


def inner_box(size: Size, border: Sides) -> Box:
    """Where the source lies on the expanded canvas."""
    return Box.of(size).moved(border.left, border.top)


def border_box(size: Size, border: Sides) -> Box | None:
    """The smallest box on the expanded canvas that holds the whole border; None without one."""
    canvas = border.expand(size)
    strips = [
        Box(0, 0, border.left, canvas.height),
        Box(0, 0, canvas.width, border.top),
        Box(canvas.width - border.right, 0, canvas.width, canvas.height),
        Box(0, canvas.height - border.bottom, canvas.width, canvas.height),
    ]
    present = [strip for strip, width in zip(strips, border, strict=True) if width]
    return reduce(Box.union, present) if present else None


def expand_mask(mask: Mask, border: Sides) -> Mask:
    """A mask of the expanded canvas: the border at 255, the source's own mask within.

    The border is not feathered: there is nothing of the source to fade into, and every unpainted
    pixel of the source stays locked up to its edge.
    """
    widths = ((border.top, border.bottom), (border.left, border.right))
    return np.pad(mask, widths, constant_values=255) if border else mask


def border_for_aspect(size: Size, aspect: float, anchor: tuple[float, float]) -> Sides:
    """The smallest border that brings `size` to width / height = `aspect`.

    `anchor` says where the source stays: (0, 0) top left, (0.5, 0.5) centre, (1, 1) bottom right.
    """
    if aspect <= 0:
        raise RefusedInput(f"The target aspect must be above 0, got {aspect:g}.")
    width = max(size.width, round(size.height * aspect))
    height = max(size.height, round(size.width / aspect))
    extra_x, extra_y = width - size.width, height - size.height
    left, top = round(extra_x * anchor[0]), round(extra_y * anchor[1])
    return Sides(left, top, extra_x - left, extra_y - top)


def border_from_percent(size: Size, percent: tuple[float, float, float, float]) -> Sides:
    """Left, top, right, bottom in per cent of the source's width or height."""
    left, top, right, bottom = percent
    return Sides(
        round(size.width * left / 100),
        round(size.height * top / 100),
        round(size.width * right / 100),
        round(size.height * bottom / 100),
    )
