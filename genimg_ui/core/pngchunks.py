"""Walk through the chunks of a PNG without decoding pixels: is it whole, and what text it has.

After the PNG specification (third edition), 5.3 chunk layout and 11.3.3 text. Nothing is
allocated on the word of the file: lengths are held against the file's own size and a limit.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from genimg_ui.core.sniff import PNG_SIGNATURE
from genimg_ui.errors import RefusedInput

MAX_CHUNKS = 250_000  # 1 GB in the 4 KB pieces of the most wasteful writers
MAX_TEXT = 1_000_000  # bytes of one text, packed or not
PIECE = 1 << 20


class Chunk(NamedTuple):
    """Kind, length of the data and where the data starts."""

    kind: bytes
    length: int
    start: int

    @property
    def critical(self) -> bool:
        """An upper-case first letter: no reader may do without this chunk."""
        return self.kind[:1].isupper()


def open_bytes(source: bytes | Path) -> AbstractContextManager[BinaryIO]:
    """A seekable file over bytes or a path; an absent file is refused with a sentence."""
    if isinstance(source, bytes):
        return io.BytesIO(source)
    try:
        return source.open("rb")
    except OSError as error:
        raise RefusedInput(
            f"The picture must be a readable file, got {source} ({error.strerror})."
        ) from error


def check_png(file: BinaryIO) -> int:
    """Refuse a truncated or damaged PNG; the number of its frames (1 where not animated)."""
    frames = 1
    for chunk in walk(file):
        if chunk.critical and not _crc_holds(file, chunk):
            raise _damaged(f"a wrong checksum in {chunk.kind.decode('latin-1')}")
        if chunk.kind == b"acTL" and chunk.length == 8:
            file.seek(chunk.start)
            frames = struct.unpack(">I", file.read(4))[0]
        if chunk.kind == b"IEND":
            return frames
    raise _damaged("no end")


def read_png_text(source: bytes | Path, *, keys: frozenset[str] | None = None) -> dict[str, str]:
    """Texts (tEXt, zTXt, iTXt) by key word, of `keys` only where given; the first of a key counts.

    Raises RefusedInput where the file is no whole PNG or a wanted text is over MAX_TEXT bytes.
    """
    found: dict[str, str] = {}
    with open_bytes(source) as file:
        if file.read(len(PNG_SIGNATURE)) != PNG_SIGNATURE:
            raise RefusedInput("The file must be a PNG, got another kind of file.")
        for chunk in walk(file):
            if chunk.kind not in (b"tEXt", b"zTXt", b"iTXt"):
                continue
            file.seek(chunk.start)
            key = file.read(min(80, chunk.length)).split(b"\0", 1)[0].decode("latin-1")
            if key in found or (keys is not None and key not in keys):
                continue
            if chunk.length > MAX_TEXT + 80:
                raise _too_long(key)
            file.seek(chunk.start)
            text = _text(chunk.kind, file.read(chunk.length), key)
            if text is not None:
                found[key] = text
    return found


def walk(file: BinaryIO) -> Iterator[Chunk]:
    """All chunks up to IEND; raises RefusedInput where the file ends before a chunk does."""
    end = file.seek(0, io.SEEK_END)
    position = len(PNG_SIGNATURE)
    for _ in range(MAX_CHUNKS):
        file.seek(position)
        head = file.read(8)
        if len(head) < 8:
            raise _damaged("no end")
        length, kind = struct.unpack(">I4s", head)
        chunk = Chunk(kind, length, position + 8)
        position = chunk.start + length + 4
        if position > end:
            raise _damaged(f"{position - end} bytes too few")
        yield chunk
        if kind == b"IEND":
            return
    raise _damaged(f"more than {MAX_CHUNKS} chunks")


def _crc_holds(file: BinaryIO, chunk: Chunk) -> bool:
    crc = zlib.crc32(chunk.kind)
    file.seek(chunk.start)
    left = chunk.length
    while left:
        piece = file.read(min(left, PIECE))
        crc = zlib.crc32(piece, crc)
        left -= len(piece)
    return file.read(4) == struct.pack(">I", crc)


def _text(kind: bytes, data: bytes, key: str) -> str | None:
    """The text of a chunk; None where its form is broken."""
    try:
        body = data.split(b"\0", 1)[1]
        if kind == b"tEXt":
            return body.decode("latin-1")
        if kind == b"zTXt":
            return _inflated(body[1:], key).decode("latin-1")
        packed, rest = body[0] == 1, body[2:].split(b"\0", 2)[2]
        return (_inflated(rest, key) if packed else rest).decode()
    except (IndexError, UnicodeDecodeError, zlib.error):
        return None


def _inflated(data: bytes, key: str) -> bytes:
    inflater = zlib.decompressobj()
    text = inflater.decompress(data, MAX_TEXT)
    if inflater.unconsumed_tail:
        raise _too_long(key)
    return text


def _damaged(what: str) -> RefusedInput:
    return RefusedInput(
        f"A PNG must be whole, got a truncated or damaged one ({what}).",
        remedy="Save or send it again.",
    )


def _too_long(key: str) -> RefusedInput:
    return RefusedInput(f"A PNG text must have at most {MAX_TEXT} bytes, got more under {key!r}.")
