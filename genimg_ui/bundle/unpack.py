"""Opens a replay bundle that may come from a stranger; raises RefusedInput for whatever is wrong.

No member decides where it is written: each goes into a folder of its own under a name of the
layout, within the limits, and is held against the digest that the bundle gives for it.
"""

import errno
import hashlib
import json
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from genimg_ui.bundle.layout import (
    ENTRY,
    FORMAT,
    MANIFEST,
    MOST_MEMBERS,
    MOST_TEXT,
    README,
    VERSION,
    Manifest,
    Member,
    is_member_name,
    result_name,
)
from genimg_ui.core.serial import Json, from_json
from genimg_ui.errors import RefusedInput
from genimg_ui.history.files import storage_error
from genimg_ui.history.metadata import entry_from_json
from genimg_ui.history.record import LogEntry

_PIECE = 1 << 20
_ENCRYPTED = 1  # bit of a member's flags
_KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_SHOWN = 60  # characters of a strange name that a sentence repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """An opened bundle; the files are there until the `unpacked` that gave it ends.

    `results` and the ready control maps are by sha256 of the file; results that the bundle lacks
    are not in it.
    """

    entry: LogEntry
    source: Path
    mask: Path | None
    results: dict[str, Path]
    maps: dict[str, Path] = field(default_factory=dict)


def is_bundle(path: Path) -> bool:
    """Whether the file begins as a ZIP does."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except OSError:
        return False


@contextmanager
def unpacked(path: Path, folder: Path, *, max_bytes: int) -> Iterator[Bundle]:
    """Check a bundle of at most `max_bytes`, packed and unpacked, and open it below `folder`."""
    size = path.stat().st_size if path.is_file() else 0
    if size > max_bytes:
        _refuse(f"must have at most {max_bytes / 1e6:g} MB, got {size / 1e6:.1f} MB")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="bundle-") as place:
        try:
            with zipfile.ZipFile(path) as archive:
                bundle = _read(archive, Path(place), max_bytes)
        except (RefusedInput, MemoryError):
            raise
        except OSError as error:
            if error.errno != errno.EINVAL:  # the disk, not the ZIP's own offsets
                raise storage_error(error, folder, "the bundle's files") from error
            _unreadable(path, error)
        except Exception as error:  # hostile bytes raise anything: struct.error, zlib.error, ...
            _unreadable(path, error)
        yield bundle


def _read(archive: zipfile.ZipFile, place: Path, max_bytes: int) -> Bundle:
    members = _checked(archive, max_bytes)
    for needed in (MANIFEST, ENTRY):
        if needed not in members:
            _refuse(f"must hold {needed}, got none")
    manifest = _manifest(archive.read(members[MANIFEST]))
    described = {member.name: member for member in manifest.files}
    found = set(members) - {MANIFEST, README}
    if found != set(described) or len(described) != len(manifest.files):
        strange = sorted(found ^ set(described)) or ["a name twice"]
        _refuse(f"must hold the very files that {MANIFEST} lists, got {strange[0][:_SHOWN]!r} else")
    files = {
        name: _extract(archive, members[name], member, place) for name, member in described.items()
    }
    return _bundle(entry_from_json(_json(files[ENTRY].read_bytes(), ENTRY)), files, described)


def _checked(archive: zipfile.ZipFile, max_bytes: int) -> dict[str, zipfile.ZipInfo]:
    """The members by name, once every one is known to be harmless."""
    infos = archive.infolist()
    if len(infos) > MOST_MEMBERS:
        _refuse(f"must hold at most {MOST_MEMBERS} files, got {len(infos)}")
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name, kind = info.filename, stat.S_IFMT(info.external_attr >> 16)
        if not is_member_name(name) or kind not in (0, stat.S_IFREG):
            what = "a link" if kind == stat.S_IFLNK else repr(name[:_SHOWN])
            _refuse(f"must hold only files of its own layout, got {what}")
        if name in members:
            _refuse(f"must hold each file once, got {name} twice")
        if info.flag_bits & _ENCRYPTED or info.compress_type not in _KINDS:
            _refuse(f"must not be encrypted or packed in an unusual way, got {name} so")
        if name in (README, MANIFEST, ENTRY) and info.file_size > MOST_TEXT:
            _refuse(f"may hold {MOST_TEXT / 1e6:g} MB of text in {name}, got more")
        members[name] = info
    total = sum(info.file_size for info in infos)
    if total > max_bytes:
        _refuse(
            f"must have at most {max_bytes / 1e6:g} MB when it is unpacked, got {total / 1e6:.1f}"
        )
    return members


def _manifest(data: bytes) -> Manifest:
    given = _json(data, MANIFEST)
    try:
        manifest = from_json(Manifest, given, "bundle")
    except ValueError as error:
        _refuse(f"has a {MANIFEST} that is none: {str(error)[:200]}")
    if manifest.format != FORMAT or manifest.version != VERSION:
        _refuse(
            f"must be {FORMAT!r} of version {VERSION}, got {manifest.format[:_SHOWN]!r} of "
            f"{manifest.version}"
        )
    return manifest


def _json(data: bytes, name: str) -> Json:
    try:
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        _refuse(f"must hold JSON in {name}, got broken text ({str(error)[:80]})")


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, member: Member, place: Path) -> Path:
    """Write one member below `place`, whose name is one of the layout's own."""
    target = place / member.name
    target.parent.mkdir(exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with archive.open(info) as packed, target.open("xb") as file:
        while piece := packed.read(_PIECE):
            size += len(piece)
            if size > info.file_size:  # `_checked` has counted on that many
                _refuse(f"must say how large its files are, got more of {member.name}")
            digest.update(piece)
            file.write(piece)
    if digest.hexdigest() != member.sha256 or size != member.bytes:
        _refuse(f"must hold {member.name} as {MANIFEST} describes it, got another file")
    return target


def _bundle(entry: LogEntry, files: dict[str, Path], described: dict[str, Member]) -> Bundle:
    """The files by what the entry calls them; each must be the very file that it names."""
    by_stem = {Path(name).stem: name for name in files if "/" not in name}
    source, mask = by_stem.get("source"), by_stem.get("mask")
    if source is None or described[source].sha256 != entry.inputs.source:
        _refuse("must hold the source that its entry names, got none or another one")
    if (entry.inputs.mask is None) != (mask is None):
        _refuse("must hold a mask where its entry names one and only there")
    if mask is not None and described[mask].sha256 != entry.inputs.mask:
        _refuse("must hold the mask that its entry names, got another one")
    ready = {described[n].sha256: files[n] for n in files if n.startswith("maps/ready-")}
    if set(ready) != set(entry.request.pictures):
        _refuse("must hold the maps and references that its entry names, and no others")
    names = {result_name(i, record.seed): record for i, record in enumerate(entry.results)}
    results = {}
    for name in files:
        if not name.startswith("results/"):
            continue
        if name not in names or described[name].sha256 != names[name].sha256:
            _refuse(f"must hold only results that its entry names, got {name}")
        results[described[name].sha256] = files[name]
    return Bundle(
        entry=entry,
        source=files[source],
        mask=files[mask] if mask else None,
        results=results,
        maps=ready,
    )


def _unreadable(path: Path, error: Exception) -> NoReturn:
    reason = str(error)[:80] or type(error).__name__
    _refuse(f"must be a whole ZIP file, got {path.name[:_SHOWN]!r} ({reason})")


def _refuse(sentence: str) -> NoReturn:
    raise RefusedInput(f"A replay bundle {sentence}.")
