"""One result of the data folder as a file for other programs, signed where that is wanted.

The stored result stays as it is: its sha256 is its name. What leaves the program is made from it,
into a file that is whole or not there at all.
"""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from genimg_ui.core.image import Limits, decode, decode_mask
from genimg_ui.core.mask import mask_box
from genimg_ui.core.picture import Picture
from genimg_ui.core.pngchunks import open_bytes
from genimg_ui.core.region import source_size
from genimg_ui.core.sniff import HEAD_BYTES, recognise
from genimg_ui.credentials.identity import load_identity
from genimg_ui.credentials.manifest import INGREDIENT, LATER, Ingredient, Step, make_manifest
from genimg_ui.credentials.reading import Verdict, verify
from genimg_ui.credentials.signing import sign_file
from genimg_ui.errors import RefusedInput, StorageError, UnknownItem
from genimg_ui.exporting.formats import (
    MEDIA_TYPES,
    TITLES,
    ExportOptions,
    ExportPolicy,
    Format,
)
from genimg_ui.exporting.layers import Layers, make_layers
from genimg_ui.exporting.openraster import write_openraster
from genimg_ui.exporting.photoshop import write_photoshop
from genimg_ui.exporting.plain import write_picture
from genimg_ui.history.metadata import Record, record_of
from genimg_ui.history.record import LogEntry
from genimg_ui.history.store import Store

Notes = tuple[str, ...]
MOST_STEPS = 200  # edits that a manifest names; older ones are told by what they left
SOURCE_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WebP": "image/webp",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A file that was made: what it could not keep, and its credentials where it has any."""

    path: Path
    notes: Notes
    verdict: Verdict | None = None


class Exporter:
    """Makes files from the results of one data folder."""

    def __init__(self, store: Store, limits: Limits, policy: ExportPolicy) -> None:
        self._store = store
        self._limits = limits
        self.policy = policy

    def export(self, entry: LogEntry, index: int, options: ExportOptions, target: Path) -> Exported:
        """Write result `index` of `entry` to `target`; raises RefusedInput, StorageError."""
        signed = self._signs(options)
        unsigned = target.with_name(f".{target.name}.unsigned.part")
        finished = target.with_name(f".{target.name}.part")
        try:
            notes = self._write(entry, index, options, unsigned)
            if signed:
                self._sign(entry, options.format, unsigned, finished)
            else:
                unsigned.replace(finished)
            verdict = verify(finished) if signed else None
            finished.replace(target)
        except OSError as error:
            raise StorageError(f"{target} could not be written: {error.strerror}.") from error
        finally:
            unsigned.unlink(missing_ok=True)
            finished.unlink(missing_ok=True)
        if not signed and self.policy.credentials and options.credentials is None:
            notes = (*notes, f"{TITLES[options.format]} carries no content credentials.")
        return Exported(path=target, notes=notes, verdict=verdict)

    def fingerprint(self) -> str:
        """16 hex digits of what the policy decides about a file; raises RefusedInput."""
        policy, chain = self.policy, b""
        if policy.credentials:
            chain = load_identity(self._store.data_dir, policy.files).chain
        said = f"{policy.record} {policy.credentials} ".encode()
        return hashlib.sha256(said + chain).hexdigest()[:16]

    def _signs(self, options: ExportOptions) -> bool:
        if not options.format.layered:
            return self.policy.credentials if options.credentials is None else options.credentials
        if options.credentials:
            raise RefusedInput(
                f"{TITLES[options.format]} carries no content credentials.",
                remedy="Choose PNG, WebP, JPEG or TIFF, or leave the credentials out.",
            )
        return False

    def _write(self, entry: LogEntry, index: int, options: ExportOptions, target: Path) -> Notes:
        stored = self._store.result_path(entry.results[index].sha256)
        if options.format is Format.PNG and options.record:
            shutil.copyfile(stored, target)  # it is there already, with its record
            return ()
        picture = decode(stored, self._limits)
        record = record_of(entry, index) if options.record else None
        with target.open("wb") as file:
            if options.format.layered:
                layers = self._layers(entry, picture)
                return _write_layers(file, layers, options.format, record)
            return write_picture(file, picture, options, record)

    def _layers(self, entry: LogEntry, result: Picture) -> Layers:
        mask = None if entry.inputs.mask is None else self._store.mask_path(entry.inputs.mask)
        source = self._store.source_path(entry.inputs.source)
        return make_layers(entry, result, source, mask, self._limits)

    def _sign(self, entry: LogEntry, form: Format, unsigned: Path, signed: Path) -> None:
        lineage = self._lineage(entry)
        try:
            source = self._store.source_path(lineage[0].inputs.source)
        except UnknownItem as error:
            raise RefusedInput(
                "Content credentials name the picture that the edit began with, "
                "which is no longer in the data folder.",
                remedy="Write the file without credentials.",
            ) from error
        steps = [self._step(one) for one in lineage]
        identity = load_identity(self._store.data_dir, self.policy.files)
        manifest = make_manifest(steps, MEDIA_TYPES[form])
        title = INGREDIENT if lineage[0].parent is None else LATER
        ingredient = Ingredient(source, _media_type(source), title)
        sign_file(unsigned, signed, manifest, ingredient, identity)

    def _lineage(self, entry: LogEntry) -> list[LogEntry]:
        """The edits from the upload to `entry`, oldest first, as far as their files are here."""
        steps = [entry]
        while steps[-1].parent is not None and len(steps) < MOST_STEPS:
            try:
                parent = self._store.entry(steps[-1].parent)
            except UnknownItem:
                break
            if steps[-1].inputs.source not in {result.sha256 for result in parent.results}:
                break
            if not self._has_inputs(parent):  # a limit or an emptied trash took them
                break
            steps.append(parent)
        return steps[::-1]

    def _has_inputs(self, entry: LogEntry) -> bool:
        """Whether source and mask of an edit are still in the data folder."""
        try:
            self._store.source_path(entry.inputs.source)
            if entry.inputs.mask is not None:
                self._store.mask_path(entry.inputs.mask)
        except UnknownItem:
            return False
        return entry.plan is not None

    def _step(self, entry: LogEntry) -> Step:
        if entry.plan is None:
            raise RefusedInput(f"Entry {entry.id} has no result that could be signed.")
        size = source_size(entry.request, entry.plan.canvas)
        painted = None
        if entry.inputs.mask is not None:
            box = mask_box(decode_mask(self._store.mask_path(entry.inputs.mask), self._limits))
            grow = max(0, entry.request.mask.grow)
            painted = None if box is None else box.padded(grow).within(size)
        return Step(entry=entry, size=size, painted=painted)


def _write_layers(file: BinaryIO, layers: Layers, form: Format, record: Record | None) -> Notes:
    if form is Format.ORA:
        return write_openraster(file, layers, {} if record is None else record.png_texts())
    return write_photoshop(file, layers, None if record is None else record.packet())


def _media_type(path: Path) -> str:
    with open_bytes(path) as file:
        return SOURCE_TYPES[recognise(file.read(HEAD_BYTES))]
