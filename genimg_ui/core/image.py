"""Pictures in: bytes or a file → Picture, or a refusal that says what, received and allowed.

PNG, JPEG, WebP, TIFF and BMP. Size limits hold before a pixel is decoded; a file that is cut
short or has further frames is refused, never half-read. No switch of Pillow's is touched, so
that threads can decode side by side. The names of `core.picture` are handed on from here.
"""

import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import (
    BmpImagePlugin,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from genimg_ui.core.geometry import Size
from genimg_ui.core.imagemode import read_pixels
from genimg_ui.core.picture import Grey, Picture, Rgb, describe, display_copy, thumbnail
from genimg_ui.core.pngchunks import check_png, open_bytes
from genimg_ui.core.resolve import Bounds
from genimg_ui.core.sniff import HEAD_BYTES, early_size, recognise
from genimg_ui.errors import RefusedInput

__all__ = [
    "Grey",
    "Limits",
    "Picture",
    "Rgb",
    "decode",
    "decode_mask",
    "describe",
    "display_copy",
    "stored_limits",
    "thumbnail",
]

# The classes themselves, not Image.open: it warns (and by a global switch) of pictures that our
# own limit allows or has already refused.
OPENERS: dict[str, type[ImageFile.ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
}
PILLOW_PIXELS = 89_000_000  # above about this Pillow's own bomb check speaks up while decoding
COUNTED_PAGES = 100  # a hostile TIFF can chain millions
SUBFILE_TYPE, PLANAR, DNG_VERSION = 254, 284, 50706  # TIFF tags
REDUCED = 1  # bit of SUBFILE_TYPE: a small preview of the real picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a picture may be, before it is decoded and after."""

    max_pixels: int = 50_000_000
    max_bytes: int = 200_000_000

    def __post_init__(self) -> None:
        if not 1 <= self.max_pixels <= PILLOW_PIXELS:
            raise ValueError(f"max_pixels must be in [1, {PILLOW_PIXELS}], got {self.max_pixels}")
        if self.max_bytes < 1:
            raise ValueError(f"max_bytes must be 1 or more, got {self.max_bytes}")


DEFAULT_LIMITS = Limits()
STORED_BYTES = 9  # a pixel, of 16-bit RGBA that does not compress, with what goes around it


def stored_limits(limits: Limits, bounds: Bounds) -> Limits:
    """How large a picture of the data folder may be: an upload, or a canvas with its border."""
    largest = min(PILLOW_PIXELS, max(limits.max_pixels, round(bounds.megapixels * 1e6)))
    return Limits(max_pixels=largest, max_bytes=max(limits.max_bytes, STORED_BYTES * largest))


def decode(data: bytes | Path, limits: Limits = DEFAULT_LIMITS) -> Picture:
    """Decode one picture, upright and in its own mode; raises RefusedInput."""
    with open_bytes(data) as file:
        _check_bytes(file.seek(0, io.SEEK_END), limits)
        file.seek(0)
        head = file.read(HEAD_BYTES)
        kind = recognise(head)
        early = early_size(kind, head)
        if early is not None:
            _check_size(early, limits)
        if kind == "PNG":
            _check_frames(kind, check_png(file))
        try:
            return _decode(file, kind, head, limits)
        except (RefusedInput, MemoryError):
            raise
        except Exception as error:  # hostile bytes raise anything: OSError, SyntaxError, KeyError
            raise _unreadable(kind, error) from error


def decode_mask(data: bytes | Path, limits: Limits = DEFAULT_LIMITS) -> Grey:
    """A mask, uint8 (H, W), 255 = repaint: the luma of the picture, none where transparent."""
    picture = decode(data, limits)
    grey, alpha = picture.grey(), picture.alpha()
    if alpha is None:
        return grey
    return ((grey.astype(np.uint16) * alpha + 127) // 255).astype(np.uint8)


def _decode(file: BinaryIO, kind: str, head: bytes, limits: Limits) -> Picture:
    def open_again() -> ImageFile.ImageFile:
        file.seek(0)
        image = OPENERS[kind](file)
        if kind == "PNG" and not head[28]:
            image.info.pop("interlace", None)  # a text of that name would count as the flag
        return image

    image = open_again()
    _check_size(Size(*image.size), limits)
    if kind == "TIFF":
        _check_tiff(image)
    elif kind != "PNG":
        _check_frames(kind, int(getattr(image, "n_frames", 1)))
    reading = read_pixels(open_again, depth=head[24] if kind == "PNG" else 8)
    notes = reading.notes
    if kind == "JPEG" and "mp" in image.info:
        notes = (*notes, "The file holds further pictures (MPO); only the main one is used.")
    dpi = _dpi(image.info.get("dpi"))
    if dpi is not None and reading.turned and kind != "TIFF":
        dpi = (dpi[1], dpi[0])
    return Picture(reading.pixels, reading.icc_profile, dpi, notes)


def _check_bytes(size: int, limits: Limits) -> None:
    if size > limits.max_bytes:
        raise RefusedInput(
            f"A picture file must have at most {limits.max_bytes / 1e6:g} MB, "
            f"got {size / 1e6:.1f} MB.",
            remedy="Scale the picture down or save it as JPEG.",
        )


def _check_size(size: Size, limits: Limits) -> None:
    if size.width < 1 or size.height < 1:
        raise RefusedInput(f"A picture must be at least 1×1 pixel, got {size}.")
    if size.area > limits.max_pixels:
        raise RefusedInput(
            f"A picture must have at most {limits.max_pixels / 1e6:g} megapixels, "
            f"got {size} ({size.area / 1e6:.1f}).",
            remedy="Scale it down first.",
        )


def _check_frames(kind: str, frames: int, more: str = "") -> None:
    if frames > 1:
        raise RefusedInput(
            f"A picture must have one frame, got a {kind} file with {more}{frames} frames.",
            remedy="Save the frame that you want as PNG.",
        )


def _check_tiff(image: ImageFile.ImageFile) -> None:
    tags = getattr(image, "tag_v2", {})
    if DNG_VERSION in tags or int(tags.get(SUBFILE_TYPE, 0)) & REDUCED:
        raise RefusedInput(
            "A TIFF must hold the picture itself, got a camera's raw file with a preview.",
            remedy="Develop it and save it as 16-bit TIFF or PNG.",
        )
    if getattr(image, "is_animated", False):
        pages = 1
        try:
            while pages <= COUNTED_PAGES:
                image.seek(pages)
                pages += 1
        except Exception:  # the end of the chain, or a broken page: there are `pages` before it
            pass
        _check_frames("TIFF", max(2, pages), "at least " if pages > COUNTED_PAGES else "")
    depths = tags.get(258, (1,))
    if int(tags.get(PLANAR, 1)) == 2 and max(depths) > 8 and len(depths) > 1:
        raise RefusedInput(
            "A 16-bit TIFF must keep its channels together, got separate planes.",
            remedy="Save it with interleaved channels, or as PNG.",
        )


def _dpi(value: object) -> tuple[float, float] | None:
    if not isinstance(value, tuple) or len(value) != 2:
        return None
    across, down = float(value[0]), float(value[1])
    sane = all(math.isfinite(part) and 0 < part < 1e6 for part in (across, down))
    return (across, down) if sane else None


def _unreadable(kind: str, error: Exception) -> RefusedInput:
    detail = " ".join(str(error).split())[:120] or type(error).__name__
    return RefusedInput(
        f"A {kind} must be whole, got a truncated, damaged or unusual one ({detail}).",
        remedy="Save it again, as PNG or JPEG.",
    )
