"""The formats in which a result leaves the program, and what a person may choose about them."""

from dataclasses import dataclass
from enum import StrEnum

from genimg_ui.core.picture import Picture
from genimg_ui.credentials.identity import CredentialFiles
from genimg_ui.errors import RefusedInput

DEFAULT_QUALITY = 92  # of JPEG: artefacts are hard to see at 1:1, at a fifth of the PNG


class Format(StrEnum):
    """By the name that the command line and the page use."""

    PNG = "png"
    WEBP = "webp"
    JPEG = "jpeg"
    TIFF = "tiff"
    ORA = "ora"
    PSD = "psd"

    @property
    def suffix(self) -> str:
        return SUFFIXES[self]

    @property
    def layered(self) -> bool:
        """Whether source, patch and mask lie in layers of their own."""
        return self in (Format.ORA, Format.PSD)


SUFFIXES = {
    Format.PNG: ".png",
    Format.WEBP: ".webp",
    Format.JPEG: ".jpg",
    Format.TIFF: ".tif",
    Format.ORA: ".ora",
    Format.PSD: ".psd",
}
MEDIA_TYPES = {
    Format.PNG: "image/png",
    Format.WEBP: "image/webp",
    Format.JPEG: "image/jpeg",
    Format.TIFF: "image/tiff",
    Format.ORA: "image/openraster",
    Format.PSD: "image/vnd.adobe.photoshop",
}
TITLES = {
    Format.PNG: "PNG",
    Format.WEBP: "WebP (lossless)",
    Format.JPEG: "JPEG",
    Format.TIFF: "TIFF",
    Format.ORA: "OpenRaster (layers)",
    Format.PSD: "Photoshop (layers)",
}
# What each can hold: bits of a channel, and pixels of a side.
DEPTHS = {Format.WEBP: 8, Format.JPEG: 8}
SIDES = {Format.WEBP: 16383, Format.JPEG: 65500, Format.PSD: 30000}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What a person chooses. `quality` is JPEG's, in [1, 100].

    `record`: whether the edit's entry and its `parameters` go into the file. `credentials`:
    whether it is signed; None: where the installation does so and the format can be.
    """

    format: Format = Format.PNG
    quality: int = DEFAULT_QUALITY
    record: bool = True
    credentials: bool | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.quality <= 100:
            raise RefusedInput(f"The quality of a JPEG must be in [1, 100], got {self.quality}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPolicy:
    """What this installation does where a person has not chosen.

    `files`: the certificate and key that sign; None: this data folder's test certificate.
    """

    record: bool = True
    credentials: bool = False
    files: CredentialFiles | None = None


def format_named(name: str) -> Format:
    """The format of a name or a file's suffix; raises RefusedInput."""
    word = name.lower().removeprefix(".")
    word = {"jpg": "jpeg", "tif": "tiff"}.get(word, word)
    try:
        return Format(word)
    except ValueError:
        allowed = ", ".join(Format)
        raise RefusedInput(f"The format must be one of {allowed}, got {name[:40]!r}.") from None


def check_size(picture: Picture, form: Format) -> None:
    """Refuse a picture that is too large for the format."""
    most = SIDES.get(form)
    if most is not None and max(picture.size) > most:
        raise RefusedInput(
            f"{TITLES[form]} holds at most {most} pixels a side, got {picture.size}.",
            remedy="Choose PNG or TIFF.",
        )
