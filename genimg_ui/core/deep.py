"""16 bits per channel, exactly, from PNG and TIFF files that Pillow alone would cut to 8.

Pillow holds multi-channel pictures in 8 bits, but its unpackers can take either byte of each
16-bit sample: those named `;16B` take the first, those named `;16L` the second. So the file is
decoded twice, once for the high bytes and once for the low ones.
"""

import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from genimg_ui.core.geometry import Size

Load = Callable[[ImageFile.ImageFile], Image.Image]
FIRST, SECOND = "B", "L"
# Premultiplied and CMYK samples are computed with while they are unpacked: no bytes to be had.
SPLITTABLE = ("RGB;16", "RGBA;16", "RGBX;16")
GREY_ALPHA = "LA;16B"


def raw_mode(image: ImageFile.ImageFile) -> str:
    """The name of the unpacker that Pillow chose for the file's samples."""
    if not image.tile:
        return ""
    args = image.tile[0].args
    return str(args[0] if isinstance(args, tuple) and args else args)


def can_split(image: ImageFile.ImageFile) -> bool:
    """Whether `read_deep` can have all 16 bits of this opened file."""
    raw = raw_mode(image)
    return raw == GREY_ALPHA or raw[:-1] in SPLITTABLE


def read_deep(open_again: Callable[[], ImageFile.ImageFile], load: Load) -> NDArray[np.uint16]:
    """All 16 bits, (H, W, C); `load` decodes an opened file and turns it upright."""
    raw = raw_mode(open_again())
    if raw == GREY_ALPHA:
        # Grey and alpha of 16 bits take four bytes, as RGBA of 8 bits does.
        planes = pixels_of(load(_unpacked_by("RGBA", open_again())))
        return np.ascontiguousarray(planes).view(">u2").astype(np.uint16)
    high_letter = raw[-1]
    if high_letter == "N":  # the machine's own order
        high_letter = SECOND if sys.byteorder == "little" else FIRST
    low_letter = FIRST if high_letter == SECOND else SECOND
    high = pixels_of(load(open_again()))
    deep = np.empty(high.shape, "<u2")
    planes = deep.view(np.uint8).reshape(*high.shape, 2)
    planes[..., 1] = high
    del high
    planes[..., 0] = pixels_of(load(_unpacked_by(raw[:-1] + low_letter, open_again())))
    return deep.astype(np.uint16, copy=False)


def pixels_of(image: Image.Image) -> NDArray[np.uint8]:
    """Copy a decoded 8-bit picture in bands: half the peak of a copy at once."""
    size = Size(*image.size)
    bands = len(image.getbands())
    shape = (size.height, size.width) if bands == 1 else (size.height, size.width, bands)
    out = np.empty(shape, np.uint8)
    step = max(1, (1 << 20) // size.width)
    for top in range(0, size.height, step):
        bottom = min(top + step, size.height)
        out[top:bottom] = np.asarray(image.crop((0, top, size.width, bottom)))
    return out


def _unpacked_by(raw: str, image: ImageFile.ImageFile) -> ImageFile.ImageFile:
    image.tile = [tile._replace(args=_with_raw(tile.args, raw)) for tile in image.tile]
    return image


def _with_raw(args: object, raw: str) -> tuple[object, ...] | str:
    return (raw, *args[1:]) if isinstance(args, tuple) else raw
