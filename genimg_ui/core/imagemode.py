"""From what Pillow opened to upright pixels in one of our modes: L, LA, RGB, RGBA, 8 or 16 bit.

Palettes, one-bit pictures, colour keys and orientations are turned exactly. What is not exact
(CMYK, Lab, premultiplied alpha, cut depth) leaves a sentence in `notes`.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile

from genimg_ui.core.deep import can_split, pixels_of, raw_mode, read_deep
from genimg_ui.core.picture import Pixels
from genimg_ui.errors import RefusedInput

ORIENTATION = 0x0112  # EXIF tag; 1 is upright
PHOTOMETRIC = 262  # TIFF tag; 0: 0 is white, 1: 0 is black
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
QUARTER_TURNS = (5, 6, 7, 8)  # width and height change places
# What Pillow cannot hold in 8 or 16 bits, in words.
REFUSED_MODES = {"F": "32-bit float", "I": "32-bit or signed 16-bit integer"}
PREMULTIPLIED = "The colours were premultiplied by alpha; they are divided by it."
CUT = "The file has 16 bits per channel; 8 of them are kept."


@dataclass(frozen=True, slots=True)
class Reading:
    """Pixels as they came to be, with the profile that still fits them."""

    pixels: Pixels
    icc_profile: bytes | None
    notes: tuple[str, ...]
    turned: bool  # whether width and height changed places


def read_pixels(open_again: Callable[[], ImageFile.ImageFile], depth: int) -> Reading:
    """Decode the file that `open_again` opens; `depth` is its bits per sample where known."""
    image = open_again()
    if image.mode in REFUSED_MODES:
        raise RefusedInput(
            f"A picture must have 8 or 16 bits per channel, got {REFUSED_MODES[image.mode]}.",
            remedy="Save it with 16 bits per channel.",
        )
    profile = image.info.get("icc_profile")
    profile = profile if isinstance(profile, bytes) and profile else None
    if can_split(image):
        pixels: Pixels = read_deep(open_again, upright)
        notes: list[str] = []
    else:
        pixels, notes = _read_shallow(image, profile)
    pixels = _with_colour_key(pixels, image.info.get("transparency"), depth)
    kept, dropped = _fitting_profile(profile, pixels)
    return Reading(pixels, kept, (*notes, *dropped), _orientation(image) in QUARTER_TURNS)


def _read_shallow(image: ImageFile.ImageFile, profile: bytes | None) -> tuple[Pixels, list[str]]:
    """What Pillow can hold as it is: 8 bits, or 16-bit grey."""
    raw = raw_mode(image)
    tags = getattr(image, "tag_v2", {})  # TIFF only
    loaded = upright(image)
    kept, notes = to_kept_mode(loaded, profile)
    if ";16" in raw and not loaded.mode.startswith("I;16"):
        notes.append(CUT)
    if raw.startswith("RGBa"):
        notes.append(PREMULTIPLIED)
    return _array(kept, raw, white_is_zero=tags.get(PHOTOMETRIC) == 0), notes


def upright(image: ImageFile.ImageFile) -> Image.Image:
    """Decode, and turn by the EXIF orientation (Pillow does so itself for TIFF)."""
    image.load()
    turn = TURNS.get(_orientation(image)) if image.format != "TIFF" else None
    return image if turn is None else image.transpose(turn)


def _orientation(image: ImageFile.ImageFile) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # broken EXIF raises whatever its parser stumbled over
        return 1


def to_kept_mode(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, list[str]]:
    """L, LA, RGB, RGBA and I;16 stay; the rest is converted, with a sentence unless exact."""
    mode = image.mode
    if mode in ("L", "LA", "RGB", "RGBA") or mode.startswith("I;16"):
        return image, []
    if mode == "1":
        return image.convert("L"), []
    if mode in ("P", "PA"):
        return image.convert("RGBA" if image.has_transparency_data else "RGB"), []
    if mode in ("CMYK", "YCbCr", "LAB"):
        return _to_srgb(image, profile)
    if mode == "RGBX":
        return image.convert("RGB"), []
    if mode in ("La", "RGBa"):
        kept = image.convert("LA" if mode == "La" else "RGBA")
        return kept, [PREMULTIPLIED]
    raise RefusedInput(f"A picture must be grey, RGB, palette, CMYK or Lab, got mode {mode}.")


def _to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, list[str]]:
    name = {"LAB": "Lab"}.get(image.mode, image.mode)
    said = f"The colours were converted from {name} to sRGB"
    try:
        source = _source_profile(image.mode, profile)
        if source is not None:
            managed = ImageCms.profileToProfile(
                image,
                source,
                ImageCms.createProfile("sRGB"),
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                outputMode="RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
            if managed is not None:
                by = " through the profile in the file" if profile else ""
                return managed, [f"{said}{by}."]
    except (ImageCms.PyCMSError, OSError, ValueError):
        if image.mode == "LAB":
            raise
    return image.convert("RGB"), [f"{said} by a plain formula, for want of a usable profile."]


def _source_profile(mode: str, profile: bytes | None) -> ImageCms.ImageCmsProfile | None:
    if profile is not None and profile[16:20] == {"CMYK": b"CMYK", "LAB": b"Lab "}.get(mode):
        return ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if mode == "LAB":
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    return None


def _array(image: Image.Image, raw: str, *, white_is_zero: bool) -> Pixels:
    if not image.mode.startswith("I;16"):
        return pixels_of(image)
    deep: NDArray[np.uint16] = np.asarray(image).astype(np.uint16)
    if raw == "I;12":
        deep = np.bitwise_or(deep << np.uint16(4), deep >> np.uint16(8))  # 4095 becomes 65535
    # Pillow hands out 16-bit TIFFs in which 0 is white as they are stored.
    return np.bitwise_not(deep) if white_is_zero else deep


def _with_colour_key(pixels: Pixels, key: Any, depth: int) -> Pixels:
    """Make the pixels of one colour transparent: PNG's tRNS for grey and RGB.

    The key is written at the file's own depth; grey of 1, 2 or 4 bits was scaled up to 8.
    """
    if isinstance(key, int) and pixels.ndim == 2:
        scale = 255 // (2**depth - 1) if depth < 8 else 1
        matches: NDArray[np.bool_] = pixels == (key & (2**depth - 1)) * scale
        planes = [pixels]
    elif isinstance(key, tuple) and len(key) == 3 and pixels.ndim == 3 and pixels.shape[2] == 3:
        matches = (pixels == np.array([part & (2**depth - 1) for part in key])).all(axis=2)
        planes = [pixels[..., 0], pixels[..., 1], pixels[..., 2]]
    else:
        return pixels
    opaque = np.iinfo(pixels.dtype).max
    alpha = np.where(matches, 0, opaque).astype(pixels.dtype)
    keyed: Pixels = np.stack([*planes, alpha], axis=2)
    return keyed


def _fitting_profile(profile: bytes | None, pixels: Pixels) -> tuple[bytes | None, tuple[str, ...]]:
    """A PNG may carry a profile only of its own colour space; CMYK's was used up before."""
    space = b"GRAY" if pixels.ndim == 2 or pixels.shape[2] == 2 else b"RGB "
    if profile is None or profile[16:20] == space:
        return profile, ()
    if profile[16:20] in (b"CMYK", b"Lab "):
        return None, ()
    word = profile[16:20].decode("latin-1").strip()
    return None, (f"The colour profile in the file is for {word}, not for this picture; left out.",)
