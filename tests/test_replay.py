"""Replay: the same pixels again, or what differs; a PNG in hand is held to its own pixels."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genimg_ui.core.geometry import Sides
from genimg_ui.core.image import decode
from genimg_ui.core.request import InpaintParams
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.history.metadata import encode_result, entry_from_png
from genimg_ui.history.names import session_id
from genimg_ui.history.record import LogEntry
from genimg_ui.registry import Registry
from genimg_ui.replay import Named, Replayed, entry_named, replay
from tests.editing import Desk, noise, painted, photograph, png, request

SESSION = session_id("a" * 32)
MASK = painted(48, 36, (14, 12, 26, 22))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    opened = Desk(tmp_path_factory.mktemp("desk"))
    yield opened
    opened.close()


def done(desk: Desk, model: str = "plain", **parts: object) -> LogEntry:
    entry = desk.edit(request(model, **parts), png(photograph(48, 36)), MASK)
    desk.store.record(SESSION, entry)
    return entry


def again(desk: Desk, name: str | Path) -> list[Replayed]:
    return replay(desk.editor, desk.store, entry_named(desk.store, str(name)))


def written(desk: Desk, entry: LogEntry, path: Path, *, touch: bool = False) -> Path:
    """The first result's pixels as a PNG of `entry`, with one value moved by 3 where wanted."""
    picture = decode(desk.store.result_path(entry.results[0].sha256))
    if touch:
        pixels = picture.pixels.copy()
        pixels[1, 2, 0] ^= 3
        picture = replace(picture, pixels=pixels)
    with path.open("wb") as file:
        encode_result(file, picture, entry)
    return path


@pytest.mark.parametrize("model", ["plain", "square", "exemplar"])
def test_an_entry_gives_the_very_same_pixels(desk: Desk, model: str) -> None:
    entry = done(desk, model, seed=None, variants=2, grow=3, feather=2, border=Sides(4, 0, 1, 3))
    outcomes = again(desk, entry.id)
    assert [o.seed for o in outcomes] == [r.seed for r in entry.results]
    assert all(outcome.identical for outcome in outcomes)
    assert outcomes[0].sentence == f"seed {entry.results[0].seed}: identical"


def test_the_png_of_one_variant_replays_alone(desk: Desk, tmp_path: Path) -> None:
    entry = done(desk, "square", variants=3)
    handed_on = tmp_path / "sent by mail.png"
    handed_on.write_bytes(desk.store.result_path(entry.results[2].sha256).read_bytes())
    [outcome] = again(desk, handed_on)
    assert outcome.identical and outcome.seed == entry.results[2].seed


def test_a_changed_pixel_in_the_file_is_told(desk: Desk, tmp_path: Path) -> None:
    path = written(desk, done(desk), tmp_path / "touched.png", touch=True)
    [outcome] = again(desk, path)
    assert not outcome.identical
    assert "largest difference 3, in 1 pixels" in outcome.sentence
    assert "changed after the edit" in outcome.sentence


def test_a_changed_pixel_in_the_store_is_told(desk: Desk) -> None:
    entry = done(desk, seed=99)
    path = desk.store.result_path(entry.results[0].sha256)
    pixels = np.asarray(Image.open(path)).copy()
    pixels[0, 0] ^= 255
    path.chmod(0o600)
    Image.fromarray(pixels).save(path)
    [outcome] = again(desk, entry.id)
    assert not outcome.identical and "changed after the edit" in outcome.sentence


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"inpaint": InpaintParams(padding=9)}, "inpaint.padding was 64 when the edit ran, is 9"),
        ({"border": Sides(right=5)}, "53×36"),
    ],
)
def test_a_changed_request_is_told(desk: Desk, tmp_path: Path, change, sentence) -> None:
    entry = done(desk, "square")
    forged = replace(entry, request=replace(entry.request, **change))
    [outcome] = again(desk, written(desk, forged, tmp_path / "forged.png"))
    assert not outcome.identical
    assert sentence in outcome.sentence


def test_a_changed_model_is_told(desk: Desk) -> None:
    entry = done(desk, "square")
    models = [
        replace(spec, native_size=32) if spec.id == "square" else spec
        for spec in desk.registry.all()
    ]
    try:
        desk.editor._registry = Registry(tuple(models), "exemplar")
        [outcome] = again(desk, entry.id)
    finally:
        desk.editor._registry = desk.registry
    assert "the context box or the working size differs" in outcome.sentence


def test_other_versions_are_named(desk: Desk) -> None:
    entry = done(desk, seed=21)
    old = replace(entry, facts={**entry.facts, "engine": "fake 0"})
    desk.fake.colour = (1, 2, 3)
    try:
        [outcome] = replay(desk.editor, desk.store, Named(entry=old))
    finally:
        desk.fake.colour = None
    assert "engine was fake 0, is fake 1" in outcome.sentence
    assert "genimg_ui was" not in outcome.sentence


def test_nothing_recorded_differs_and_yet_the_pixels_do(desk: Desk) -> None:
    entry = done(desk, seed=22)
    desk.fake.colour = (1, 2, 3)
    try:
        [outcome] = again(desk, entry.id)
    finally:
        desk.fake.colour = None
    assert outcome.sentence.endswith("nothing that the entry records differs")


def test_a_result_that_is_gone_is_compared_by_its_digest(desk: Desk) -> None:
    entry = done(desk, seed=31)
    desk.store.result_path(entry.results[0].sha256).unlink()
    [outcome] = again(desk, entry.id)
    assert outcome.identical and "the result itself is not here" in outcome.sentence
    desk.fake.colour = (1, 2, 3)
    try:
        [other] = again(desk, entry.id)
    finally:
        desk.fake.colour = None
    assert not other.identical and "not in this data folder" in other.sentence


def test_a_source_that_is_gone_is_refused(desk: Desk) -> None:
    entry = desk.edit(request(), png(noise(48, 36, seed=77)), MASK)
    desk.store.source_path(entry.inputs.source).unlink()
    with pytest.raises(RefusedInput, match=entry.inputs.source[:8]):
        replay(desk.editor, desk.store, Named(entry=entry))


def test_what_has_no_result_or_entry_is_refused(desk: Desk, tmp_path: Path) -> None:
    failed = desk.edit(request(strength=2.0), png(noise(48, 36)), MASK)
    with pytest.raises(RefusedInput, match="ended as failed: it has no result"):
        replay(desk.editor, desk.store, Named(entry=failed))
    plain = tmp_path / "plain.png"
    noise(8, 8).save(plain)
    with pytest.raises(RefusedInput, match="must carry an entry"):
        again(desk, plain)
    with pytest.raises(RefusedInput, match=r"There is no file .*absent\.png"):
        again(desk, tmp_path / "absent.png")
    with pytest.raises(UnknownItem):
        again(desk, "0" * 16)


def test_a_forged_entry_cannot_name_a_path(desk: Desk, tmp_path: Path) -> None:
    entry = done(desk)
    evil = replace(entry, inputs=replace(entry.inputs, source="../../etc/passwd"))
    path = written(desk, evil, tmp_path / "evil.png")
    assert json.loads(Image.open(path).text["genimg_ui"])["inputs"]["source"].startswith("../")
    assert entry_from_png(path).inputs.source.startswith("../")
    with pytest.raises(RefusedInput, match="64 hex digits"):
        again(desk, path)
