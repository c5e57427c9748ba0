"""XMP packets: how formats without text chunks (WebP, JPEG, TIFF, PSD) carry an edit's record.

After ISO 16684-1: RDF/XML in an `x:xmpmeta` element. A packet is read as the claim of a stranger:
bounded, without a document type (so without entities), and every value is text.
"""

import io
import json
import re
import struct
from collections.abc import Mapping
from typing import BinaryIO
from xml.etree import ElementTree

from PIL import JpegImagePlugin, TiffImagePlugin

from genimg_ui.core.pngchunks import MAX_TEXT
from genimg_ui.core.serial import Json
from genimg_ui.errors import RefusedInput

NAMESPACE = "urn:genimg_ui:xmp:1.0/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_META = "adobe:ns:meta/"
XMP_TAG = 700  # of a TIFF
MOST_CHUNKS = 10_000  # of a WebP
# What XML 1.0 or UTF-8 cannot hold, though JSON can.
_UNFIT = re.compile("[\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_DECLARATION = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)


def compact_json(data: Json) -> str:
    """JSON for an XMP property: without spaces, and escaped only where XML would not take it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return _UNFIT.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def make_packet(properties: Mapping[str, str]) -> bytes:
    """A packet with `properties` in this program's namespace; the values must fit XML 1.0."""
    for prefix, uri in (("x", _META), ("rdf", _RDF), ("genimg_ui", NAMESPACE)):
        ElementTree.register_namespace(prefix, uri)
    meta = ElementTree.Element(f"{{{_META}}}xmpmeta")
    rdf = ElementTree.SubElement(meta, f"{{{_RDF}}}RDF")
    about = {f"{{{_RDF}}}about": ""}
    description = ElementTree.SubElement(rdf, f"{{{_RDF}}}Description", about)
    for name, value in properties.items():
        ElementTree.SubElement(description, f"{{{NAMESPACE}}}{name}").text = value
    body: bytes = ElementTree.tostring(meta, encoding="utf-8")
    begin = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'.encode()
    return begin + body + b'\n<?xpacket end="r"?>'


def read_property(packet: bytes, name: str) -> str | None:
    """The text of one of this program's properties; None where there is none.

    Raises RefusedInput for a packet that is too long, declares a document type or is no XML.
    """
    if len(packet) > 2 * MAX_TEXT:
        raise RefusedInput(
            f"An XMP packet must have at most {2 * MAX_TEXT} bytes, got {len(packet)}."
        )
    if NAMESPACE.encode() not in packet:
        return None
    if _DECLARATION.search(packet):
        raise RefusedInput("An XMP packet must declare no document type, got one that does.")
    try:
        root = ElementTree.fromstring(packet.rstrip(b"\0"))
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        raise RefusedInput(f"An XMP packet must be XML, got broken text ({error}).") from error
    found = root.find(f".//{{{NAMESPACE}}}{name}")
    return None if found is None else found.text


def find_packet(file: BinaryIO, kind: str) -> bytes | None:
    """The XMP packet of an open JPEG, WebP or TIFF (`kind` as `recognise` names it), or None.

    No pixel is decoded. Raises RefusedInput where the file is broken before its packet.
    """
    file.seek(0)
    try:
        if kind == "WebP":
            return _webp_packet(file)
        if kind == "JPEG":
            found: object = JpegImagePlugin.JpegImageFile(file).info.get("xmp")
        elif kind == "TIFF":
            found = TiffImagePlugin.TiffImageFile(file).tag_v2.get(XMP_TAG)
        else:
            found = None
    except Exception as error:  # hostile bytes raise anything: OSError, SyntaxError, KeyError
        detail = " ".join(str(error).split())[:120] or type(error).__name__
        raise RefusedInput(f"A {kind} must be whole, got a damaged one ({detail}).") from error
    return found if isinstance(found, bytes) else None


def _webp_packet(file: BinaryIO) -> bytes | None:
    """The chunk `XMP ` of a RIFF container (RFC 9649); opening by Pillow would decode frames."""
    end = file.seek(0, io.SEEK_END)
    position = 12
    for _ in range(MOST_CHUNKS):
        file.seek(position)
        head = file.read(8)
        if len(head) < 8:
            return None
        kind, length = struct.unpack("<4sI", head)
        if kind == b"XMP ":
            if length > end - position - 8:
                raise ValueError("the XMP chunk is cut short")
            return file.read(min(length, 2 * MAX_TEXT + 1))
        position += 8 + length + length % 2
    return None
