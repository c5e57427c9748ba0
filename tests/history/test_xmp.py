"""Records in XMP: bounded, without entities, and never more than text."""

import io
import json
import struct

import pytest
from PIL import Image

from genimg_ui.core.pngchunks import MAX_TEXT
from genimg_ui.core.serial import to_json
from genimg_ui.errors import RefusedInput
from genimg_ui.history.metadata import NoEntry, entry_from_file
from genimg_ui.history.xmp import NAMESPACE, compact_json, make_packet, read_property
from tests.history.test_metadata import entry

BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<x xmlns:genimg_ui="%b"><genimg_ui:entry>&b;</genimg_ui:entry></x>""" % NAMESPACE.encode()
FILE_ENTITY = b"""<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]>
<x xmlns:genimg_ui="%b"><genimg_ui:entry>&f;</genimg_ui:entry></x>""" % NAMESPACE.encode()
KINDS = ["WEBP", "JPEG", "TIFF"]


def picture_with(packet: bytes, kind: str) -> bytes:
    buffer = io.BytesIO()
    image = Image.new("RGB", (5, 4))
    if kind == "TIFF":
        image.save(buffer, kind, tiffinfo={700: packet})
    else:
        image.save(buffer, kind, xmp=packet)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("packet", [BOMB, FILE_ENTITY], ids=["bomb", "file"])
def test_entities_are_refused_unread(kind: str, packet: bytes) -> None:
    with pytest.raises(RefusedInput, match="must declare no document type"):
        entry_from_file(picture_with(packet, kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "must be JSON"),
        ("[" * 50_000, "must be JSON"),
        ("[1]", "must be a JSON object"),
        ('{"schema": 1e999}', "schema must be in"),
        ('{"schema": 99}', "newer version"),
    ],
)
def test_a_hostile_entry_is_refused_in_every_format(kind: str, text: str, said: str) -> None:
    with pytest.raises(RefusedInput, match=said):
        entry_from_file(picture_with(make_packet({"entry": text}), kind))


@pytest.mark.parametrize("kind", KINDS)
def test_broken_xml_is_refused(kind: str) -> None:
    with pytest.raises(RefusedInput, match="must be XML"):
        entry_from_file(picture_with(make_packet({"entry": "{}"})[:-60], kind))


def test_deep_xml_is_refused_or_empty() -> None:
    deep = f'<a xmlns="{NAMESPACE}">'.encode() + b"<a>" * 150_000 + b"</a>" * 150_001
    try:
        assert read_property(deep, "entry") is None
    except RefusedInput as refused:
        assert "XML" in str(refused)


@pytest.mark.parametrize("kind", ["WEBP", "TIFF"])
def test_a_huge_packet_is_refused(kind: str) -> None:
    packet = make_packet({"entry": "9" * (2 * MAX_TEXT)})
    with pytest.raises(RefusedInput, match="must have at most 2000000 bytes"):
        entry_from_file(picture_with(packet, kind))


def test_a_long_entry_in_a_short_enough_packet_is_refused() -> None:
    packet = make_packet({"entry": "9" * (MAX_TEXT + 1)})
    with pytest.raises(RefusedInput, match="at most 1000000 characters"):
        entry_from_file(picture_with(packet, "WEBP"))


def test_a_webp_that_lies_about_its_chunks_is_refused() -> None:
    data = bytearray(picture_with(make_packet({"entry": "{}"}), "WEBP"))
    place = data.find(b"XMP ")
    data[place + 4 : place + 8] = struct.pack("<I", 2**31)
    with pytest.raises(RefusedInput, match="must be whole, got a damaged one"):
        entry_from_file(bytes(data))


@pytest.mark.parametrize("kind", [*KINDS, "BMP", "PNG"])
def test_a_picture_without_an_entry_is_told_apart(kind: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (5, 4)).save(buffer, kind)
    with pytest.raises(NoEntry, match="must carry the entry of an edit, got none"):
        entry_from_file(buffer.getvalue())


def test_anothers_xmp_is_no_entry() -> None:
    packet = make_packet({"entry": "{}"}).replace(NAMESPACE.encode(), b"urn:other/")
    with pytest.raises(NoEntry):
        entry_from_file(picture_with(packet, "JPEG"))


def test_markup_in_an_entry_stays_text() -> None:
    data = to_json(entry('</genimg_ui:entry><script>alert(1)</script>&amp; ]]> "'))
    text = compact_json(data)
    packet = make_packet({"entry": text})
    assert b"<script" not in packet
    assert read_property(packet, "entry") == text
    assert json.loads(text) == json.loads(json.dumps(data))
