"""What a file is, and how large its picture, told from its first bytes alone.

A name's suffix is never asked. The size is read ahead of Pillow only where opening would already
allocate the canvas (animated PNG, WebP).
"""

import struct

from genimg_ui.core.geometry import Size
from genimg_ui.errors import RefusedInput

HEAD_BYTES = 1024  # enough for every signature and size below
ALLOWED = "PNG, JPEG, WebP, TIFF or BMP"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

SIGNATURES = (
    (PNG_SIGNATURE, "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"BM", "BMP"),
    (b"II*\0\x10\0\0\0CR", "a Canon raw photograph (CR2)"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF
    (b"MM\0+", "TIFF"),
    (b"GIF8", "GIF"),
    (b"%PDF", "PDF"),
    (b"8BPS", "a Photoshop document (PSD)"),
    (b"\0\0\1\0", "a Windows icon (ICO)"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"II\xbc", "JPEG XR"),
    (b"FUJIFILMCCD-RAW", "a Fujifilm raw photograph (RAF)"),
    (b"gimp xcf", "a GIMP document (XCF)"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
)
BRANDS = {  # of the ISO base media file format, bytes 8 to 12
    b"avif": "AVIF",
    b"avis": "AVIF",
    b"heic": "HEIC",
    b"heix": "HEIC",
    b"hevc": "HEIC",
    b"mif1": "HEIC",
    b"msf1": "HEIC",
    b"crx ": "a Canon raw photograph (CR3)",
}
SUPPORTED = ("PNG", "JPEG", "WebP", "TIFF", "BMP")


def recognise(head: bytes) -> str:
    """One of SUPPORTED; raises RefusedInput that names what the file is instead."""
    if not head:
        raise RefusedInput(f"The file must be a {ALLOWED} picture, got an empty file.")
    found = _name(head)
    if found in SUPPORTED:
        return found
    raise RefusedInput(
        f"The file must be a {ALLOWED} picture, got {found}.",
        remedy="Save it as PNG first." if found not in (TEXT, UNKNOWN) else None,
    )


TEXT = "text"
UNKNOWN = "something that is not a picture"


def _name(head: bytes) -> str:
    if head[:4] == b"RIFF":
        return "WebP" if head[8:12] == b"WEBP" else "a RIFF file (sound or film)"
    if head[4:8] == b"ftyp":
        return BRANDS.get(head[8:12], "a film (MP4)")
    for signature, name in SIGNATURES:
        if head.startswith(signature):
            return name
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<svg") or (start.startswith(b"<?xml") and b"<svg" in start):
        return "an SVG drawing"
    return TEXT if _is_text(head) else UNKNOWN


def _is_text(head: bytes) -> bool:
    try:
        text = head[: len(head) - 3 if len(head) == HEAD_BYTES else None].decode()
    except UnicodeDecodeError:
        return False
    return all(char.isprintable() or char.isspace() for char in text)


def early_size(kind: str, head: bytes) -> Size | None:
    """Size of a PNG or WebP from its header; None for the others, or where it is not there."""
    try:
        if kind == "PNG":
            return Size(*struct.unpack_from(">II", head, 16))
        if kind == "WebP":
            return _webp_size(head)
    except struct.error:
        return None
    return None


def _webp_size(head: bytes) -> Size | None:
    """RFC 9649: VP8X (extended), VP8L (lossless), VP8 (lossy)."""
    chunk = head[12:16]
    if chunk == b"VP8X":
        low_w, high_w, low_h, high_h = struct.unpack_from("<HBHB", head, 24)
        return Size(1 + low_w + (high_w << 16), 1 + low_h + (high_h << 16))
    if chunk == b"VP8L":
        (packed,) = struct.unpack_from("<I", head, 21)
        return Size(1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF))
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return Size(width & 0x3FFF, height & 0x3FFF)
    return None
