"""An empty canvas: one colour, to be kept like an upload, so that text-to-image has a source."""

import re

import numpy as np

from genimg_ui.core.geometry import Size
from genimg_ui.core.picture import Picture
from genimg_ui.core.png import encode_png
from genimg_ui.core.resolve import MAX_CANVAS_SIDE
from genimg_ui.errors import RefusedInput

Colour = tuple[int, int, int]  # red, green, blue, each 0..255
SMALLEST_SIDE = 16  # pixels; no model paints less
_HEX = re.compile(r"#?([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
_RGB = re.compile(r"rgba?\(\s*([\d.]+)\s*,\s*([\d.]+)\s*,\s*([\d.]+)\s*(?:,\s*[\d.]+\s*)?\)")


def parse_colour(text: str) -> Colour:
    """A colour written as #RRGGBB or rgb(r, g, b); raises RefusedInput."""
    found = _HEX.fullmatch(text.strip())
    if found is not None:
        red, green, blue = (int(part, 16) for part in found.groups())
        return red, green, blue
    found = _RGB.fullmatch(text.strip())
    if found is None:
        raise RefusedInput(f"A colour must be written as #RRGGBB, got {text[:40]!r}.")
    red, green, blue = (min(255, round(float(part))) for part in found.groups())
    return red, green, blue


def blank_png(size: Size, colour: Colour, *, most_pixels: int) -> bytes:
    """The file of an empty canvas: 8-bit RGB, sRGB by convention, without a profile.

    Raises RefusedInput for a size that is too small, or that an upload could not have either.
    """
    if min(size) < SMALLEST_SIDE or max(size) > MAX_CANVAS_SIDE:
        raise RefusedInput(
            f"A new canvas must have sides in [{SMALLEST_SIDE}, {MAX_CANVAS_SIDE}] pixels, "
            f"got {size}."
        )
    if size.area > most_pixels:
        raise RefusedInput(
            f"A new canvas may have at most {most_pixels / 1e6:g} megapixels, "
            f"got {size} ({size.area / 1e6:.1f})."
        )
    pixels = np.empty((size.height, size.width, 3), np.uint8)
    pixels[:] = colour
    return encode_png(Picture(pixels))
