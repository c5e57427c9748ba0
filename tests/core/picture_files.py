"""Hand-made picture files for the tests of reading and writing pictures."""

import io
import struct
import zlib

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_END = 33  # of a PNG: signature and IHDR


def saved(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def with_chunk(data, kind, content):
    """Put a chunk behind the header of a PNG."""
    return data[:HEADER_END] + chunk(kind, content) + data[HEADER_END:]


def chunks(data):
    position = 8
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        yield kind, data[position + 8 : position + 8 + length]
        position += length + 12


def tiff(order, tags, strips):
    """A TIFF by hand: `tags` are (number, values) of 16-bit numbers; strips one after another."""
    mark = {"<": b"II*\0", ">": b"MM\0*"}[order]
    body, entries, position = b"".join(strips), [], 8
    offsets = []
    for strip in strips:
        offsets.append(position)
        position += len(strip)
    tags = [*tags, (273, offsets), (279, [len(strip) for strip in strips])]
    for number, values in sorted(tags):
        packed = struct.pack(f"{order}{len(values)}H", *values)
        if len(packed) > 4:
            value = struct.pack(f"{order}I", 8 + len(body))
            body += packed + b"\0" * (len(packed) % 2)
        else:
            value = packed.ljust(4, b"\0")
        entries.append(struct.pack(f"{order}HHI", number, 3, len(values)) + value)
    ifd = struct.pack(f"{order}H", len(entries)) + b"".join(entries) + b"\0\0\0\0"
    return mark + struct.pack(f"{order}I", 8 + len(body)) + body + ifd


def colour_tags(photometric, depths, **others):
    """Tags of an uncompressed picture, 3 wide and 2 high, in one strip."""
    named = {"planar": 284, "extra": 338, "subfile": 254, "width": 256, "dng": 50706}
    fixed = {256: [3], 257: [2], 258: depths, 259: [1], 262: [photometric], 278: [2]}
    fixed[277] = [len(depths)]
    fixed.update({named[key]: [value] for key, value in others.items()})
    return list(fixed.items())
