"""The entry inside a result's file: written beside the pixels, read back as a stranger's claim.

A PNG has two texts: `genimg_ui` holds the whole entry as JSON, `parameters` the text that other
tools read. Other formats hold the entry in XMP and the parameters in EXIF. The file's own sha256
cannot stand inside the file, so the results of that JSON have `sha256` "", while `seed` and
`pixels_sha256` are set; when an entry has several results, the file of one carries that one alone.
No session key is written.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.picture import Picture
from genimg_ui.core.png import write_png
from genimg_ui.core.pngchunks import MAX_TEXT, open_bytes, read_png_text
from genimg_ui.core.serial import Json, from_json, to_json
from genimg_ui.core.sniff import HEAD_BYTES, recognise
from genimg_ui.errors import RefusedInput
from genimg_ui.history.migrations import migrate
from genimg_ui.history.names import check_entry_id
from genimg_ui.history.parameters import parameters_text
from genimg_ui.history.record import LogEntry
from genimg_ui.history.xmp import compact_json, find_packet, make_packet, read_property

ENTRY_KEY = "genimg_ui"
PARAMETERS_KEY = "parameters"
ENTRY_PROPERTY = "entry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one result's file says of its edit: the entry (JSON values), and `parameters`."""

    entry: Json
    parameters: str

    def png_texts(self) -> dict[str, str]:
        """By key word, in ASCII where that says it all."""
        entry = json.dumps(self.entry, ensure_ascii=True, separators=(",", ":"))
        return {ENTRY_KEY: entry, PARAMETERS_KEY: self.parameters}

    def packet(self) -> bytes:
        """The entry as an XMP packet."""
        return make_packet({ENTRY_PROPERTY: compact_json(self.entry)})


def record_of(entry: LogEntry, index: int = 0) -> Record:
    """The record that goes into the file of result `index`."""
    if not 0 <= index < len(entry.results):
        raise ValueError(f"index must be in [0, {len(entry.results)}), got {index}")
    own = replace(entry.results[index], sha256="")
    inside = to_json(replace(entry, results=(own,)))
    return Record(entry=inside, parameters=parameters_text(entry, seed=own.seed))


def encode_result(file: BinaryIO, picture: Picture, entry: LogEntry, index: int = 0) -> None:
    """Write result `index` of `entry` as PNG, with the entry inside it."""
    write_png(file, picture, record_of(entry, index).png_texts())


def entry_from_file(source: bytes | Path) -> LogEntry:
    """The entry that a result carries; raises RefusedInput where there is none to be trusted.

    Its `results` have an empty `sha256`: the reader fills in that of the file in hand.
    """
    with open_bytes(source) as file:
        kind = recognise(file.read(HEAD_BYTES))
        if kind == "PNG":
            text = read_png_text(source, keys=frozenset({ENTRY_KEY})).get(ENTRY_KEY)
        else:
            packet = find_packet(file, kind)
            text = None if packet is None else read_property(packet, ENTRY_PROPERTY)
    if text is None:
        raise NoEntry(
            f"The {kind} must carry the entry of an edit, got none.",
            remedy="Take a result exactly as this program wrote it; many services strip it.",
        )
    if len(text) > MAX_TEXT:
        raise RefusedInput(f"An entry must have at most {MAX_TEXT} characters, got {len(text)}.")
    try:
        data = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        said = f"The entry in the {kind} must be JSON, got broken text ({error})."
        raise RefusedInput(said) from error
    return entry_from_json(data)


class NoEntry(RefusedInput):
    """A whole picture that carries no entry."""


def entry_from_json(data: Json) -> LogEntry:
    """Build an entry of any known schema; raises RefusedInput that names the field."""
    try:
        entry = from_json(LogEntry, migrate(data), "entry")
        _check_numbers(entry)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        said = str(error)[:300]  # it may quote a value of any length
        raise RefusedInput(f"The entry is not one of this program's: {said}.") from error
    check_entry_id(entry.id)
    return entry


def _check_numbers(entry: LogEntry) -> None:
    """Named tuples of pixels must hold whole numbers, whatever the JSON held."""
    tuples: list[Sides | Size | Box] = [entry.request.border]
    if entry.resolved is not None:
        tuples.append(entry.resolved.request.border)
    if entry.plan is not None:
        tuples += [entry.plan.canvas, entry.plan.box, entry.plan.working]
    for step in entry.passes:
        tuples += [step.painted, step.box, step.working]
    for numbers in tuples:
        if any(type(number) is not int for number in numbers):
            kind = type(numbers).__name__
            raise ValueError(f"{kind} must hold whole numbers, got {tuple(numbers)!r}"[:200])


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is no JSON number")
