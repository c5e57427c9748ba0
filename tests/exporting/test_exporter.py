"""From a stored result to a file: whole or not there, signed where that is wanted."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genimg_ui.backend.base import CancelToken
from genimg_ui.core.geometry import Sides
from genimg_ui.core.image import Limits, decode
from genimg_ui.credentials.identity import load_identity
from genimg_ui.credentials.manifest import LATER
from genimg_ui.credentials.reading import CredentialState, verify
from genimg_ui.errors import RefusedInput, StorageError, UnknownItem
from genimg_ui.exporting.exporter import Exporter
from genimg_ui.exporting.formats import ExportOptions, ExportPolicy, Format
from genimg_ui.history.metadata import NoEntry, entry_from_file
from genimg_ui.history.names import session_id
from genimg_ui.history.record import LogEntry
from genimg_ui.masks import mask_png
from tests.editing import Desk, noise, painted, photograph, png, request, saved

MASK = painted(48, 36, (14, 12, 26, 22))
SESSION = session_id("a" * 32)
SIGNING = ExportPolicy(credentials=True)
NEVER = CancelToken()
SIGNABLE = [form for form in Format if not form.layered]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path / "desk")
    yield opened
    opened.close()


@pytest.fixture
def done(desk: Desk) -> LogEntry:
    asked = request("plain", grow=2, variants=2, border=Sides(4, 0, 0, 0), prompt="a red door")
    entry = desk.edit(asked, png(photograph(48, 36)), MASK)
    desk.store.record(SESSION, entry)
    return entry


def exporter(desk: Desk, policy: ExportPolicy | None = None) -> Exporter:
    return Exporter(desk.store, Limits(), policy or ExportPolicy())


def options(form: Format = Format.PNG, **more: object) -> ExportOptions:
    return ExportOptions(format=form, **more)


def test_a_png_with_its_record_is_the_stored_file(
    desk: Desk, done: LogEntry, tmp_path: Path
) -> None:
    made = exporter(desk).export(done, 1, options(), tmp_path / "out.png")
    stored = desk.store.result_path(done.results[1].sha256)
    assert made.path.read_bytes() == stored.read_bytes()
    assert (made.notes, made.verdict) == ((), None)


@pytest.mark.parametrize("form", Format)
def test_every_format_is_written_whole(
    desk: Desk, done: LogEntry, tmp_path: Path, form: Format
) -> None:
    path = tmp_path / f"out{form.suffix}"
    exporter(desk).export(done, 0, options(form), path)
    assert path.stat().st_size > 500
    assert [p.name for p in tmp_path.glob("*out*")] + [*tmp_path.glob("*.part")] == [path.name]


@pytest.mark.parametrize("form", Format)
def test_the_record_can_be_left_out(
    desk: Desk, done: LogEntry, tmp_path: Path, form: Format
) -> None:
    path = tmp_path / f"out{form.suffix}"
    exporter(desk).export(done, 0, options(form, record=False), path)
    data = path.read_bytes()
    assert b"a red door" not in data and b"parameters" not in data and b"genimg_ui" not in data
    if not form.layered:
        with pytest.raises(NoEntry):
            entry_from_file(path)


@pytest.mark.parametrize("form", [Format.WEBP, Format.TIFF])
def test_a_lossless_file_has_the_results_pixels_and_entry(
    desk: Desk, done: LogEntry, tmp_path: Path, form: Format
) -> None:
    path = tmp_path / "out"
    exporter(desk).export(done, 1, options(form), path)
    assert decode(path).pixels_sha256() == done.results[1].pixels_sha256
    assert entry_from_file(path).results[0].seed == done.results[1].seed


@pytest.mark.parametrize("form", SIGNABLE)
def test_what_is_signed_keeps_record_and_pixels(
    desk: Desk, done: LogEntry, tmp_path: Path, form: Format
) -> None:
    path = tmp_path / "out"
    made = exporter(desk, SIGNING).export(done, 0, options(form), path)
    assert made.verdict == verify(path)
    assert made.verdict.state is CredentialState.VALID
    assert len(made.verdict.edits) == 2
    assert entry_from_file(path).id == done.id
    if form is not Format.JPEG:
        assert decode(path).pixels_sha256() == done.results[0].pixels_sha256


def test_a_file_is_signed_where_it_is_asked_for_or_the_rule(
    desk: Desk, done: LogEntry, tmp_path: Path
) -> None:
    path = tmp_path / "out.png"
    for policy, asked, wanted in (
        (ExportPolicy(), None, False),
        (ExportPolicy(), True, True),
        (SIGNING, None, True),
        (SIGNING, False, False),
    ):
        exporter(desk, policy).export(done, 0, options(credentials=asked), path)
        assert (verify(path).state is CredentialState.VALID) is wanted


def test_layers_are_not_signed_and_that_is_said(desk: Desk, done: LogEntry, tmp_path: Path) -> None:
    path = tmp_path / "out.psd"
    with pytest.raises(RefusedInput, match="carries no content credentials"):
        exporter(desk).export(done, 0, options(Format.PSD, credentials=True), path)
    assert not path.exists()
    made = exporter(desk, SIGNING).export(done, 0, options(Format.PSD), path)
    assert "carries no content credentials" in made.notes[-1]


def test_every_edit_since_the_upload_is_told(desk: Desk, tmp_path: Path) -> None:
    """The upload is the ingredient, with its own credentials; each edit is an action."""
    upload = desk.edit(request("plain"), png(noise(48, 36)), MASK)
    desk.store.record(SESSION, upload)
    camera = tmp_path / "camera.png"
    exporter(desk, SIGNING).export(upload, 0, options(), camera)

    first = desk.edit(request("plain"), camera.read_bytes(), MASK)
    desk.store.record(SESSION, first)
    inputs = replace(first.inputs, source=first.results[0].sha256)
    second = desk.editor.apply(
        request("exemplar"), inputs, parent=first.id, on_event=lambda _: None, cancel=NEVER
    )
    desk.store.record(SESSION, second)
    made = exporter(desk, SIGNING).export(second, 0, options(), tmp_path / "out.png")
    assert made.verdict is not None
    assert [line.split(",")[0] for line in made.verdict.edits] == ["opened", "edited", "edited"]
    assert "trained model" in made.verdict.edits[1]
    assert "non-generative tools" in made.verdict.edits[2]
    assert made.verdict.ingredients == ("source (image/png), with credentials of its own",)


def test_a_result_is_signed_where_the_earlier_picture_has_gone(desk: Desk, tmp_path: Path) -> None:
    """Emptying the trash takes upload and mask of an edit whose result others were made from."""
    first = desk.edit(request("plain"), png(noise(48, 36)), MASK)
    desk.store.record(SESSION, first)
    mask = desk.store.put_mask(mask_png(painted(48, 36, (2, 3, 9, 11))))
    inputs = replace(first.inputs, source=first.results[0].sha256, mask=mask)
    second = desk.editor.apply(
        request("plain"), inputs, parent=first.id, on_event=lambda _: None, cancel=NEVER
    )
    desk.store.record(SESSION, second)
    desk.store.delete(SESSION, first.id, 0)
    desk.store.purge(SESSION)
    with pytest.raises(UnknownItem):
        desk.store.mask_path(first.inputs.mask or "")
    made = exporter(desk, SIGNING).export(second, 0, options(), tmp_path / "out.png")
    assert made.verdict is not None and made.verdict.state is CredentialState.VALID
    assert [line.split(",")[0] for line in made.verdict.edits] == ["opened", "edited"]
    [ingredient] = made.verdict.ingredients
    assert ingredient.startswith(f"{LATER} (image/png)")


@pytest.mark.parametrize("kind", ["BMP", "JPEG", "TIFF", "WEBP"])
def test_a_source_of_any_kind_is_named(desk: Desk, tmp_path: Path, kind: str) -> None:
    entry = desk.edit(request("plain"), saved(noise(48, 36), kind), MASK)
    made = exporter(desk, SIGNING).export(entry, 0, options(), tmp_path / "out.png")
    assert made.verdict is not None and made.verdict.state is CredentialState.VALID


def test_without_its_source_a_result_cannot_be_signed(
    desk: Desk, done: LogEntry, tmp_path: Path
) -> None:
    desk.store.source_path(done.inputs.source).unlink()
    with pytest.raises(RefusedInput, match="no longer in the data folder"):
        exporter(desk, SIGNING).export(done, 0, options(), tmp_path / "out.png")
    assert not [*tmp_path.glob("*out*")]
    exporter(desk).export(done, 0, options(), tmp_path / "out.png")


def test_a_folder_that_is_not_there_is_told(desk: Desk, done: LogEntry, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="could not be written: No such file"):
        exporter(desk).export(done, 0, options(), tmp_path / "nowhere" / "out.png")


def test_signing_takes_the_test_certificate_of_the_data_folder(
    desk: Desk, done: LogEntry, tmp_path: Path
) -> None:
    made = exporter(desk, SIGNING).export(done, 0, options(), tmp_path / "out.png")
    identity = load_identity(desk.store.data_dir, None)
    assert made.verdict is not None and made.verdict.test and identity.test


def test_a_result_of_16_bits_stays_so_in_tiff(desk: Desk, tmp_path: Path) -> None:
    entry = desk.edit(request("plain"), png(noise(48, 36, "I;16")), MASK)
    path = tmp_path / "out.tif"
    assert exporter(desk).export(entry, 0, options(Format.TIFF), path).notes == ()
    with Image.open(path) as image:
        stored = Image.open(desk.store.result_path(entry.results[0].sha256))
        assert image.mode.startswith("I;16")
        assert np.array_equal(np.asarray(image), np.asarray(stored))
