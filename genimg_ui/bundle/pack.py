"""Writes a replay bundle: a function of the entry and of stored files, byte for byte."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

from genimg_ui.bundle.layout import (
    ENTRY,
    MANIFEST,
    MOST_BYTES,
    README,
    Manifest,
    Member,
    ready_name,
    result_name,
)
from genimg_ui.bundle.masks import derived_masks
from genimg_ui.bundle.readme import readme
from genimg_ui.core.serial import to_json
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.history.record import LogEntry
from genimg_ui.history.store import Store

_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP can say
_UNIX = 3  # who made it, for the permissions below
_READABLE = 0o100644 << 16  # an ordinary file
_PIECE = 1 << 20
_AROUND = 200_000  # bytes, at most: names and places of all members, and what ends the ZIP


class _Content(NamedTuple):
    """A member to be written: its bytes, or the file that holds them."""

    name: str
    what: str
    data: bytes | Path


def bundle_name(entry: LogEntry, index: int | None) -> str:
    """The name of the file that a person gets."""
    variant = "" if index is None else f"_seed{entry.results[index].seed}"
    return f"{entry.created[:10]}_{entry.id}{variant}_replay.zip"


def pack(
    store: Store,
    entry: LogEntry,
    file: BinaryIO,
    *,
    index: int | None = None,
    max_bytes: int = MOST_BYTES,
) -> LogEntry:
    """Write the bundle of an entry, or of its result `index` alone; the entry as it is inside.

    Raises UnknownItem where the source, the mask, a ready map or result `index` is not in the data
    folder, and RefusedInput where the bundle would have more than `max_bytes`, which no reader
    would open. Other results that are gone are left out, and the README says so.
    """
    if index is not None:
        if not 0 <= index < len(entry.results):
            raise UnknownItem(f"entry {entry.id} has no result {index}.")
        entry = replace(entry, results=(entry.results[index],))
        store.result_path(entry.results[0].sha256)
    contents = list(_contents(store, entry))
    members = tuple(_member(content) for content in contents)
    manifest = json.dumps(to_json(Manifest(files=members)), indent=1, ensure_ascii=False)
    text = readme(entry, members)
    _check_size([member.bytes for member in members] + [len(manifest), len(text)], max_bytes)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _write(archive, README, text.encode())
        _write(archive, MANIFEST, manifest.encode())
        for content in contents:
            _write(archive, content.name, content.data)
    return entry


def _check_size(sizes: Sequence[int], most: int) -> None:
    size = sum(sizes) + _AROUND
    if size > most:
        raise RefusedInput(
            f"A replay bundle must have at most {most / 1e6:g} MB, this one would have "
            f"{size / 1e6:.1f} MB.",
            remedy="Make one of a single result, with `python -m genimg_ui bundle RESULT.png`.",
        )


def _contents(store: Store, entry: LogEntry) -> Iterator[_Content]:
    line = json.dumps(to_json(entry), indent=1, ensure_ascii=False)
    yield _Content(ENTRY, "the edit: what was asked for, and what came of it", line.encode())
    source = store.source_path(entry.inputs.source)
    yield _Content(f"source{source.suffix}", "the picture that was edited", source)
    if entry.inputs.mask is not None:
        mask = store.mask_path(entry.inputs.mask)
        what = "the mask as it was painted, white = change"
        yield _Content(f"mask{mask.suffix}", what, mask)
    ready_maps = set(entry.request.maps)
    for index, sha256 in enumerate(dict.fromkeys(entry.request.pictures)):
        ready = store.source_path(sha256)
        what = "a control map that was uploaded" if sha256 in ready_maps else "a reference picture"
        yield _Content(ready_name(index, ready.suffix), what, ready)
    for name, what, png in derived_masks(store, entry):
        yield _Content(name, what, png)
    for record in entry.results:
        maps = store.find_maps(record.sha256)
        if maps is not None:
            kinds = ", ".join(unit.kind for unit in entry.request.controls)
            what = f"what the ControlNets were shown ({kinds}), one below the other"
            yield _Content("maps/control-maps.png", what, maps)
            break
    for index, record in enumerate(entry.results):
        try:
            result = store.result_path(record.sha256)
        except UnknownItem:
            continue
        name = result_name(index, record.seed)
        yield _Content(name, f"the result with seed {record.seed}", result)


def _member(content: _Content) -> Member:
    data = content.data
    with io.BytesIO(data) if isinstance(data, bytes) else data.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.seek(0, io.SEEK_END)
    return Member(name=content.name, sha256=sha256, bytes=size, what=content.what)


def _write(archive: zipfile.ZipFile, name: str, data: bytes | Path) -> None:
    info = zipfile.ZipInfo(name, _TIME)
    info.create_system, info.external_attr = _UNIX, _READABLE
    info.file_size = len(data) if isinstance(data, bytes) else data.stat().st_size
    with archive.open(info, "w") as target:
        if isinstance(data, bytes):
            target.write(data)
            return
        with data.open("rb") as file:
            while piece := file.read(_PIECE):
                target.write(piece)
