"""A result's file without a word about how it was made: the same pixels, and nothing else.

A stored result carries its whole log entry. Chunks are copied or left out as they are, so nothing
is decoded and no pixel can change (PNG specification, third edition, section 11).
"""

import struct
import zlib
from pathlib import Path

from genimg_ui.core.pngchunks import open_bytes, walk
from genimg_ui.core.sniff import PNG_SIGNATURE
from genimg_ui.errors import RefusedInput

# What decides how the pixels look; all results of one picture have the same.
LOOK = (b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT", b"pHYs")


def blind_png(path: Path) -> bytes:
    """The PNG at `path` with its pixels and colours only; raises RefusedInput for another file."""
    parts = [PNG_SIGNATURE]
    with open_bytes(path) as file:
        if file.read(len(PNG_SIGNATURE)) != PNG_SIGNATURE:
            raise RefusedInput(f"A picture of a study must be a PNG, got {path.name}.")
        for chunk in walk(file):
            if not chunk.critical and chunk.kind not in LOOK:
                continue
            file.seek(chunk.start)
            data = file.read(chunk.length)
            parts.append(struct.pack(">I4s", chunk.length, chunk.kind) + data)
            parts.append(struct.pack(">I", zlib.crc32(data, zlib.crc32(chunk.kind))))
    return b"".join(parts)
