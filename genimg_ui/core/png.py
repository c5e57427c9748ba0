"""PNG out: a picture's own pixels, profile, resolution and texts, fast enough for 24 megapixels.

Every PNG colour type of ours is written here (grey, grey + alpha, RGB, RGBA; 8 and 16 bits), so
that nothing passes through a mode that Pillow would cut. Rows are filtered and deflated in bands
by a few threads: each band ends on a byte boundary (Z_SYNC_FLUSH, RFC 1951 stored block of length
0), so that the bands one after another are one deflate stream, which a single Adler-32 ends.
Memory beyond the picture is a few bands. The bytes depend on picture and text alone, not on the
number of threads.
"""

import io
import struct
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.picture import Picture
from genimg_ui.core.pngchunks import read_png_text
from genimg_ui.core.sniff import PNG_SIGNATURE

__all__ = ["encode_png", "read_png_text", "write_png"]

COLOUR_TYPES = {"L": 0, "LA": 4, "RGB": 2, "RGBA": 6}
BAND_BYTES = 1 << 20
WORKERS = 2
# Level and strategy of zlib. In a filtered photograph, matches further away than one byte are
# rare, and not looking for them makes deflate several times as fast (the level has then no say).
# Screenshots and drawings are full of far matches; there looking pays, and is fast.
PHOTOGRAPH = (1, zlib.Z_RLE)
GRAPHICS = (6, zlib.Z_DEFAULT_STRATEGY)
SPARSE = 0.3  # only bands with fewer filtered bytes than this share that are not 0 are tried
TRIAL = 1 << 16  # bytes of a band on which both ways are tried
GAIN = 0.7  # sparse noise gains little by far matches and takes ten times as long
ZLIB_HEADER = b"\x78\x01"  # deflate, 32 KB window, fastest (RFC 1950)
LAST_BLOCK = b"\x03\x00"  # an empty final block with fixed codes (RFC 1951, 3.2.3)
NONE, SUB, UP, AVERAGE = range(4)  # filter types of the PNG specification, 9.2
SAMPLED = 7  # every so many rows judge a band's filter; odd, so as not to beat with a pattern
METRE_IN_INCHES = 0.0254
Bytes = NDArray[np.uint8]


def encode_png(picture: Picture, text: Mapping[str, str] | None = None) -> bytes:
    """The PNG file as bytes; `write_png` without a copy in memory."""
    buffer = io.BytesIO()
    write_png(buffer, picture, text)
    return buffer.getvalue()


def write_png(file: BinaryIO, picture: Picture, text: Mapping[str, str] | None = None) -> None:
    """Write `picture` as PNG; each `text` goes in before the pixels, under its key word."""
    file.write(PNG_SIGNATURE)
    kind = COLOUR_TYPES[picture.mode]
    _chunk(file, b"IHDR", struct.pack(">IIBBBBB", *picture.size, picture.bits, kind, 0, 0, 0))
    if picture.icc_profile:
        packed = zlib.compress(picture.icc_profile)
        _chunk(file, b"iCCP", b"ICC profile\0\0" + packed)
    if picture.dpi:
        per_metre = [min(2**31 - 1, max(1, round(dpi / METRE_IN_INCHES))) for dpi in picture.dpi]
        _chunk(file, b"pHYs", struct.pack(">IIB", *per_metre, 1))
    for key, value in (text or {}).items():
        _chunk(file, *_text_chunk(key, value))
    for data in _deflated(picture):
        _chunk(file, b"IDAT", data)
    _chunk(file, b"IEND", b"")


def _chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    file.write(struct.pack(">I4s", len(data), kind))
    file.write(data)
    file.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))


def _text_chunk(key: str, value: str) -> tuple[bytes, bytes]:
    """tEXt where ASCII says it all, for every reader knows that one; else iTXt (UTF-8)."""
    word = key.encode("latin-1")
    if not 1 <= len(word) <= 79 or b"\0" in word or word != word.strip():
        raise ValueError(f"a PNG key word must have 1 to 79 Latin-1 characters, got {key!r}")
    if "\0" in value:
        raise ValueError(f"a PNG text must have no NUL character, got one under {key!r}")
    if value.isascii():
        return b"tEXt", word + b"\0" + value.encode()
    return b"iTXt", word + b"\0\0\0\0\0" + value.encode()


def _deflated(picture: Picture) -> Iterator[bytes]:
    """The zlib stream in pieces, in order; at most a few bands are under way at a time."""
    rows = _rows(picture)
    step = max(1, BAND_BYTES // rows.shape[1])
    pixel = picture.channels * picture.bits // 8
    adler = zlib.adler32(b"")
    yield ZLIB_HEADER
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="png") as pool:
        waiting: deque[Future[tuple[bytes, bytes]]] = deque()
        for top in range(0, len(rows), step):
            waiting.append(pool.submit(_band, rows, slice(top, top + step), pixel))
            if len(waiting) > 2 * WORKERS:
                plain, packed = waiting.popleft().result()
                adler = zlib.adler32(plain, adler)
                yield packed
        for future in waiting:
            plain, packed = future.result()
            adler = zlib.adler32(plain, adler)
            yield packed
    yield LAST_BLOCK + struct.pack(">I", adler)


def _rows(picture: Picture) -> NDArray[Any]:
    """The samples as (height, samples of a row), in the picture's depth and the machine's order."""
    return picture.pixels.reshape(picture.size.height, -1)


def _band(rows: NDArray[Any], band: slice, pixel: int) -> tuple[bytes, bytes]:
    """Filtered bytes of a band and the same deflated; `pixel` is bytes per pixel."""
    raw = _big_endian(rows[band])
    above = np.zeros_like(raw)
    above[1:] = raw[:-1]
    if band.start:
        above[0] = _big_endian(rows[band.start - 1 : band.start])[0]
    sample = slice(None, None, SAMPLED)
    chosen = min(
        (SUB, UP, AVERAGE),
        key=lambda kind: _cost(_filtered(kind, raw[sample], above[sample], pixel)),
    )
    lines = np.empty((raw.shape[0], raw.shape[1] + 1), np.uint8)
    lines[:, 0] = chosen
    lines[:, 1:] = _filtered(chosen, raw, above, pixel)
    plain = lines.tobytes()
    sparse = np.count_nonzero(lines[sample]) < SPARSE * lines[sample].size
    repeats = sparse and _size(plain[:TRIAL], GRAPHICS) < GAIN * _size(plain[:TRIAL], PHOTOGRAPH)
    packer = _packer(GRAPHICS if repeats else PHOTOGRAPH)
    return plain, packer.compress(plain) + packer.flush(zlib.Z_SYNC_FLUSH)


def _packer(way: tuple[int, int]) -> "zlib._Compress":
    level, strategy = way
    return zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)


def _size(data: bytes, way: tuple[int, int]) -> int:
    packer = _packer(way)
    return len(packer.compress(data)) + len(packer.flush())


def _big_endian(rows: NDArray[Any]) -> Bytes:
    if rows.dtype == np.uint8:
        return rows
    return np.ascontiguousarray(rows.astype(">u2")).view(np.uint8)


def _filtered(kind: int, raw: Bytes, above: Bytes, pixel: int) -> Bytes:
    """Bytes minus their prediction, modulo 256, from the pixel to the left, above, or both."""
    if kind == UP:
        return raw - above
    left = np.zeros_like(raw)
    left[:, pixel:] = raw[:, :-pixel]
    if kind == SUB:
        return raw - left
    # (left + above) >> 1 without leaving 8 bits: what both have, and half of what one has.
    return raw - ((left & above) + ((left ^ above) >> 1))


def _cost(filtered: Bytes) -> int:
    """Sum of the residuals taken as signed: the customary guess at what deflates best."""
    return int(np.minimum(filtered, np.uint8(0) - filtered).sum(dtype=np.int64))
