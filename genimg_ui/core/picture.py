"""Picture: decoded pixels in their own mode, with the profile and resolution that go with them.

Pixels are uint8 or uint16, (H, W) grey or (H, W, C) with C = 2 grey + alpha, 3 RGB, 4 RGBA;
contiguous, read-only, upright, alpha straight (not premultiplied). Nothing is colour-managed:
`rgb` and `with_rgb` speak the numbers of the picture's own profile, so that locked pixels go
through no conversion.
"""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from genimg_ui.core.geometry import Box, Sides, Size

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
Rgb = NDArray[np.uint8]  # (height, width, 3)
Grey = NDArray[np.uint8]  # (height, width)

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
BAND_PIXELS = 1 << 20  # work is done in bands of about a megapixel, so that temporaries stay small
DEEP = 257  # 65535 / 255: an 8-bit value times this is the same tone in 16 bits
NEUTRAL = 128  # middle grey of a border that is still to be painted
# Rec. 601 in 16-bit fixed point, with the very weights of Pillow's convert("L").
LUMA = (19595, 38470, 7471)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One upright picture; `notes` has a sentence for each thing that could not be kept."""

    pixels: Pixels
    icc_profile: bytes | None = None
    dpi: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape, dtype = self.pixels.shape, self.pixels.dtype
        allowed = len(shape) == 2 or (len(shape) == 3 and shape[2] in (2, 3, 4))
        if not allowed or 0 in shape or dtype not in (np.uint8, np.uint16):
            raise ValueError(
                f"pixels must be uint8 or uint16, (H, W) or (H, W, 2 to 4), got {dtype} {shape}"
            )
        frozen = np.ascontiguousarray(self.pixels).view()
        frozen.flags.writeable = False
        object.__setattr__(self, "pixels", frozen)

    @property
    def size(self) -> Size:
        return Size(self.pixels.shape[1], self.pixels.shape[0])

    @property
    def channels(self) -> int:
        return 1 if self.pixels.ndim == 2 else self.pixels.shape[2]

    @property
    def mode(self) -> str:
        """L, LA, RGB or RGBA, whatever the depth."""
        return MODES[self.channels]

    @property
    def bits(self) -> int:
        """Bits per channel: 8 or 16."""
        return self.pixels.dtype.itemsize * 8

    @property
    def has_alpha(self) -> bool:
        return self.channels in (2, 4)

    def rgb(self, box: Box | None = None) -> Rgb:
        """What engines see of `box` (the whole if None): 8-bit RGB without alpha, maybe read-only.

        A grey value stands in all three channels; 16 bits are rounded to the nearest of the 256
        tones, so that a picture widened from 8 bits comes back exactly.
        """
        part = self.pixels if box is None else self.pixels[self._inside(box).slices]
        colours = part if self.channels in (1, 3) else part[..., : self.channels - 1]
        if colours.ndim == 3 and colours.shape[2] == 1:
            colours = colours[..., 0]
        eight = _eight_bits(colours)
        if eight.ndim == 2:
            return np.repeat(eight[..., None], 3, axis=2)
        return eight

    def alpha(self) -> Grey | None:
        """The opacity in 8 bits, 255 = opaque; None without an alpha channel."""
        if not self.has_alpha:
            return None
        return _eight_bits(np.ascontiguousarray(self.pixels[..., -1]))

    def grey(self) -> Grey:
        """The Rec. 601 luma in 8 bits; a grey picture's own values. Maybe read-only."""
        if self.channels < 3:
            return _eight_bits(self.pixels if self.channels == 1 else self.pixels[..., 0])
        out = np.empty((self.size.height, self.size.width), np.uint8)
        for rows in _bands(self.size):
            out[rows] = _luma(_eight_bits(self.pixels[rows][..., :3]))
        return out

    def with_rgb(self, rgb: Rgb, alpha: Grey, box: Box) -> "Picture":
        """Paste `rgb` into `box` through the composite mask `alpha`, in the picture's own mode.

        Pixels whose mask is 0 are the source's own, bit for bit: the mix is in integers, and
        (source · 255 + 127) // 255 is the source. The picture's own alpha channel stays.
        """
        shape = (self._inside(box).size.height, box.size.width)
        if rgb.shape != (*shape, 3) or alpha.shape != shape:
            raise ValueError(
                f"rgb and alpha must fit the box of {box.size}, got {rgb.shape} and {alpha.shape}"
            )
        if rgb.dtype != np.uint8 or alpha.dtype != np.uint8:
            raise ValueError(f"rgb and alpha must be uint8, got {rgb.dtype} and {alpha.dtype}")
        pixels = self.pixels.copy()
        target = pixels[box.slices]
        for rows in _bands(box.size):
            _mix(target[rows], rgb[rows], alpha[rows])
        return replace(self, pixels=pixels)

    def expanded(self, sides: Sides) -> "Picture":
        """Add a neutral, opaque border; the old pixels keep their values exactly."""
        if min(sides) < 0:
            raise ValueError(f"sides must be 0 or more, got {tuple(sides)}")
        size = sides.expand(self.size)
        unit = DEEP if self.bits == 16 else 1
        shape = (size.height, size.width, *self.pixels.shape[2:])
        pixels = np.full(shape, NEUTRAL * unit, self.pixels.dtype)
        if self.has_alpha:
            pixels[..., -1] = 255 * unit
        pixels[Box.of(self.size).moved(sides.left, sides.top).slices] = self.pixels
        return replace(self, pixels=pixels)

    def pixels_sha256(self) -> str:
        """Digest of mode, depth, size and pixel values (little-endian), not of profile or file."""
        digest = hashlib.sha256(f"{self.mode} {self.bits} {self.size}\n".encode())
        digest.update(self.pixels.astype(self.pixels.dtype.newbyteorder("<"), copy=False).data)
        return digest.hexdigest()

    def _inside(self, box: Box) -> Box:
        if not Box.of(self.size).contains(box) or box.size.width < 1 or box.size.height < 1:
            raise ValueError(f"box must lie within {self.size}, got {tuple(box)}")
        return box


def describe(picture: Picture) -> str:
    """One line for the page: "4000×3000 RGB, 8 bit, Display P3"."""
    words = {"L": "grey", "LA": "grey with alpha", "RGB": "RGB", "RGBA": "RGB with alpha"}
    parts = [f"{picture.size} {words[picture.mode]}", f"{picture.bits} bit"]
    name = profile_name(picture.icc_profile)
    return ", ".join([*parts, name] if name else parts)


def profile_name(icc_profile: bytes | None) -> str:
    """The name that an ICC profile gives itself; empty without one."""
    if not icc_profile:
        return ""
    try:
        name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(icc_profile)))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return "unreadable colour profile"
    return " ".join(name.split())[:80] or "unnamed colour profile"


def display_copy(picture: Picture, max_side: int) -> Image.Image:
    """An 8-bit RGB or RGBA copy for a browser, at most `max_side` on its longer side.

    It carries the profile as `info["icc_profile"]`, which Pillow writes into what is saved.
    """
    if max_side < 1:
        raise ValueError(f"max_side must be 1 or more, got {max_side}")
    colours = Image.fromarray(picture.rgb())
    opacity = picture.alpha()
    if opacity is not None:
        colours.putalpha(Image.fromarray(opacity))
    longer = max(picture.size)
    if longer > max_side:
        size = picture.size.scaled(max_side / longer)
        colours = colours.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    if picture.icc_profile and picture.channels >= 3:  # a grey profile says nothing of RGB
        colours.info["icc_profile"] = picture.icc_profile
    return colours


def thumbnail(picture: Picture, side: int = 256) -> Image.Image:
    """A small display copy for the gallery."""
    return display_copy(picture, side)


def _eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """16 bits to the nearest of the 256 tones, v · 255 / 65535, without leaving 16 bits."""
    if values.dtype == np.uint8:
        return values.astype(np.uint8, copy=False)
    out = np.empty(values.shape, np.uint8)
    for rows in _bands(Size(values.shape[1], values.shape[0])):
        wide = values[rows]
        tone = wide // np.uint16(DEEP)
        out[rows] = tone + (wide - tone * np.uint16(DEEP) > DEEP // 2)
    return out


def _bands(size: Size) -> Iterator[slice]:
    step = max(1, BAND_PIXELS // size.width)
    return (slice(top, min(top + step, size.height)) for top in range(0, size.height, step))


def _mix(target: NDArray[Any], rgb: Rgb, alpha: Grey) -> None:
    """Write (source · (255 - a) + new · a + 127) // 255 into the colour channels of `target`."""
    grey = target.ndim == 2 or target.shape[2] == 2
    deep = target.dtype == np.uint16
    wide: Any = np.uint32 if deep else np.uint16  # 255 · 255 + 127 still fits into 16 bits
    new: NDArray[Any] = (_luma(rgb)[..., None] if grey else rgb).astype(wide)
    if deep:
        new *= wide(DEEP)
    colours = target[..., None] if target.ndim == 2 else target[..., : 1 if grey else 3]
    weight = alpha[..., None].astype(wide)
    new *= weight
    new += colours * (wide(255) - weight)
    new += wide(127)
    new //= wide(255)
    colours[...] = new


def _luma(rgb: Rgb) -> NDArray[np.uint8]:
    wide = rgb.astype(np.uint32)
    total = wide[..., 0] * LUMA[0] + wide[..., 1] * LUMA[1] + wide[..., 2] * LUMA[2]
    return ((total + 0x8000) >> 16).astype(np.uint8)
