"""One flat picture as PNG, WebP, JPEG or TIFF, with its profile, alpha and resolution.

What a format cannot hold is said in the sentences that the writers return, or refused. Pixels go
out in the numbers of their own profile; nothing is colour-managed.
"""

from collections.abc import Callable
from typing import BinaryIO

import numpy as np
import tifffile
from PIL import Image

from genimg_ui.core.picture import Picture
from genimg_ui.core.png import write_png
from genimg_ui.errors import RefusedInput
from genimg_ui.exporting.formats import DEPTHS, TITLES, ExportOptions, Format, check_size
from genimg_ui.history.metadata import Record
from genimg_ui.history.xmp import XMP_TAG

REENCODED = (
    "JPEG encodes every pixel anew, also the locked ones: they are close to the source's, "
    "but no longer identical."
)
NO_ALPHA = "JPEG holds no transparency: transparent places are laid over white."
NO_GREY_PROFILE = "WebP holds no grey: the grey values are stored as RGB, without their profile."
SEGMENT = 65_533  # bytes of one segment of a JPEG, without its marker
XMP_ROOM = SEGMENT - 2 - 29  # with its length and the name of its kind
USER_COMMENT, EXIF_IFD, SOFTWARE = 0x9286, 0x8769, 0x0131
ACROSS, DOWN, UNIT, INCH = 0x011A, 0x011B, 0x0128, 2
BYTE = 1  # the TIFF type of XMP
Notes = tuple[str, ...]


def write_picture(
    file: BinaryIO, picture: Picture, options: ExportOptions, record: Record | None
) -> Notes:
    """Write `picture`; a sentence for each thing that the format could not keep.

    `record` None leaves every word of the edit out. Raises RefusedInput.
    """
    check_size(picture, options.format)
    return WRITERS[options.format](file, picture, options, record)


def _png(file: BinaryIO, picture: Picture, _: ExportOptions, record: Record | None) -> Notes:
    write_png(file, picture, {} if record is None else record.png_texts())
    return ()


def _webp(file: BinaryIO, picture: Picture, _: ExportOptions, record: Record | None) -> Notes:
    image = Image.fromarray(picture.rgb())
    alpha = picture.alpha()
    if alpha is not None:
        image.putalpha(Image.fromarray(alpha))
    notes = _depth_note(picture, Format.WEBP)
    profile = picture.icc_profile
    if profile is not None and picture.channels < 3:
        profile, notes = None, (*notes, NO_GREY_PROFILE)
    image.save(
        file,
        "WEBP",
        lossless=True,
        exact=True,  # also the colours of what is transparent
        quality=40,  # of lossless WebP: the effort
        method=3,
        icc_profile=profile,
        exif=_exif(picture, record, resolution=True),
        xmp=b"" if record is None else record.packet(),
    )
    return notes


def _jpeg(file: BinaryIO, picture: Picture, options: ExportOptions, record: Record | None) -> Notes:
    image = Image.fromarray(picture.grey() if picture.channels < 3 else picture.rgb())
    notes = (REENCODED, *_depth_note(picture, Format.JPEG))
    alpha = picture.alpha()
    if alpha is not None:
        white = Image.new(image.mode, image.size, "white")
        image = Image.composite(image, white, Image.fromarray(alpha))
        notes = (*notes, NO_ALPHA)
    packet = b"" if record is None else record.packet()
    if len(packet) > XMP_ROOM:
        raise RefusedInput(
            f"A JPEG holds at most {XMP_ROOM} bytes of an edit's record, got {len(packet)}.",
            remedy="Choose another format, or leave the record out.",
        )
    more = {} if picture.dpi is None else {"dpi": picture.dpi}
    image.save(
        file,
        "JPEG",
        quality=options.quality,
        subsampling=0,  # colour at full resolution: the edit's edges stay where they are
        icc_profile=picture.icc_profile,
        exif=_exif(picture, record, resolution=False),
        xmp=packet,
        **more,
    )
    return notes


def _tiff(file: BinaryIO, picture: Picture, _: ExportOptions, record: Record | None) -> Notes:
    packet = b"" if record is None else record.packet()
    tags = [(XMP_TAG, BYTE, len(packet), packet, True)] if packet else []
    tifffile.imwrite(
        file,
        np.ascontiguousarray(picture.pixels),
        photometric="rgb" if picture.channels >= 3 else "minisblack",
        planarconfig="contig" if picture.channels > 1 else None,
        extrasamples=["unassalpha"] if picture.has_alpha else None,
        compression="zlib",
        predictor=True,
        rowsperstrip=max(1, (1 << 18) // picture.size.width),
        iccprofile=picture.icc_profile,
        resolution=picture.dpi,
        resolutionunit=None if picture.dpi is None else "INCH",
        extratags=tags,
        metadata=None,
        software=None if record is None else "genimg_ui",
    )
    return ()


WRITERS: dict[Format, Callable[[BinaryIO, Picture, ExportOptions, Record | None], Notes]] = {
    Format.PNG: _png,
    Format.WEBP: _webp,
    Format.JPEG: _jpeg,
    Format.TIFF: _tiff,
}


def _exif(picture: Picture, record: Record | None, *, resolution: bool) -> bytes:
    """EXIF with the parameters as other tools look for them, and the resolution where wanted."""
    exif = Image.Exif()
    if resolution and picture.dpi is not None:
        exif[ACROSS], exif[DOWN] = picture.dpi
        exif[UNIT] = INCH
    if record is not None:
        exif[SOFTWARE] = "genimg_ui"
        exif.get_ifd(EXIF_IFD)[USER_COMMENT] = b"UNICODE\0" + record.parameters.encode("utf-16-be")
    return exif.tobytes() if len(exif) else b""


def _depth_note(picture: Picture, form: Format) -> Notes:
    most = DEPTHS[form]
    if picture.bits <= most:
        return ()
    return (
        f"{TITLES[form]} holds {most} bits per channel: the {picture.bits} of this picture "
        "are rounded.",
    )
