"""Replay: the same pixels again, or what differs; a PNG in hand is held to its own pixels."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genimg_ui.bundle import pack
from genimg_ui.core.difference import Difference
from genimg_ui.core.geometry import Box, Sides
from genimg_ui.core.image import decode
from genimg_ui.core.provenance import FileRecord, ModelRecord, PartRecord, RuntimeRecord
from genimg_ui.core.request import InpaintParams
from genimg_ui.editor import Editor
from genimg_ui.errors import BackendError, RefusedInput, UnknownItem
from genimg_ui.history.metadata import encode_result, entry_from_file
from genimg_ui.history.names import session_id
from genimg_ui.history.record import LogEntry
from genimg_ui.history.seed_log import entry_line
from genimg_ui.registry import Registry
from genimg_ui.replay import Replayed, Subject, Verdict, log_lines, opened, replay, worst
from genimg_ui.replay.changes import changes, weight_changes
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


def again(desk: Desk, name: str | Path, **options: Any) -> Replayed:
    with opened(desk.store, str(name)) as subject:
        return replay(desk.editor, subject, **options)


def keeper(folder: Path) -> Callable[[str, bytes], Path]:
    """Keeps heat maps in a folder."""

    def keep(name: str, data: bytes) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return keep


def of_entry(desk: Desk, entry: LogEntry) -> Replayed:
    return replay(desk.editor, Subject(entry=entry, store=desk.store))


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
    outcome = again(desk, entry.id)
    assert outcome.verdict is Verdict.IDENTICAL and outcome.changes == ()
    assert [result.seed for result in outcome.results] == [r.seed for r in entry.results]
    assert all(result.identical for result in outcome.results)
    assert outcome.results[0].sentence == f"seed {entry.results[0].seed}: identical"


def test_the_png_of_one_variant_replays_alone(desk: Desk, tmp_path: Path) -> None:
    entry = done(desk, "square", variants=3)
    handed_on = tmp_path / "sent by mail.png"
    handed_on.write_bytes(desk.store.result_path(entry.results[2].sha256).read_bytes())
    [outcome] = again(desk, handed_on).results
    assert outcome.identical and outcome.seed == entry.results[2].seed


def test_a_changed_pixel_in_the_file_is_told(desk: Desk, tmp_path: Path) -> None:
    path = written(desk, done(desk), tmp_path / "touched.png", touch=True)
    [outcome] = again(desk, path).results
    assert not outcome.identical
    assert "largest difference 3, in 1 of 1728 pixels, from 2,1 to 2,1" in outcome.sentence
    assert "changed after the edit" in outcome.sentence


def test_a_changed_pixel_in_the_store_is_told(desk: Desk) -> None:
    entry = done(desk, seed=99)
    path = desk.store.result_path(entry.results[0].sha256)
    pixels = np.asarray(Image.open(path)).copy()
    pixels[0, 0] ^= 255
    path.chmod(0o600)
    Image.fromarray(pixels).save(path)
    [outcome] = again(desk, entry.id).results
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
    [outcome] = again(desk, written(desk, forged, tmp_path / "forged.png")).results
    assert not outcome.identical
    assert sentence in outcome.sentence


def test_a_changed_model_is_told(desk: Desk) -> None:
    entry = done(desk, "square")
    models = [
        replace(spec, native_size=32) if spec.id == "square" else spec
        for spec in desk.registry.all()
    ]
    try:
        desk.editor._registry = lambda: Registry(tuple(models), "exemplar")
        [outcome] = again(desk, entry.id).results
    finally:
        desk.editor._registry = lambda: desk.registry
    assert "the context box or the working size differs" in outcome.sentence


def test_other_versions_are_named(desk: Desk) -> None:
    entry = done(desk, seed=21)
    old = replace(entry, facts={**entry.facts, "engine": "fake 0"})
    desk.fake.colour = (1, 2, 3)
    try:
        [outcome] = of_entry(desk, old).results
    finally:
        desk.fake.colour = None
    assert "engine was fake 0, is fake 1" in outcome.sentence
    assert "genimg_ui was" not in outcome.sentence


def test_nothing_recorded_differs_and_yet_the_pixels_do(desk: Desk) -> None:
    entry = done(desk, seed=22)
    desk.fake.colour = (1, 2, 3)
    try:
        [outcome] = again(desk, entry.id).results
    finally:
        desk.fake.colour = None
    assert outcome.sentence.endswith("nothing that the entry records differs")


def test_a_result_that_is_gone_is_compared_by_its_digest(desk: Desk) -> None:
    entry = done(desk, seed=31)
    desk.store.result_path(entry.results[0].sha256).unlink()
    [outcome] = again(desk, entry.id).results
    assert outcome.identical and "the result itself is not here" in outcome.sentence
    desk.fake.colour = (1, 2, 3)
    try:
        [other] = again(desk, entry.id).results
    finally:
        desk.fake.colour = None
    assert not other.identical and "the result is not here" in other.sentence


@pytest.mark.parametrize("damage", [b"", b"no picture", None])
def test_a_damaged_result_is_told_and_never_identical(desk: Desk, damage: bytes | None) -> None:
    entry = done(desk, seed=41)
    path = desk.store.result_path(entry.results[0].sha256)
    whole = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    outcome = again(desk, entry.id)
    path.unlink()
    assert outcome.verdict is Verdict.DIFFERS
    assert "the result's file is damaged: " in outcome.results[0].sentence
    assert outcome.results[0].sentence.endswith("the edit itself comes out as it was")


def test_a_damaged_file_in_hand_is_told(desk: Desk, tmp_path: Path) -> None:
    whole = written(desk, done(desk, seed=42), tmp_path / "whole.png").read_bytes()
    pixels = whole.index(b"IDAT") + 20
    cut = tmp_path / "cut.png"
    cut.write_bytes(whole[:pixels] + bytes(8) + whole[pixels + 8 :])
    [outcome] = again(desk, cut).results
    assert not outcome.identical and "the result's file is damaged" in outcome.sentence


def test_each_result_runs_with_its_own_seed(desk: Desk) -> None:
    entry = done(desk, "square", seed=5, variants=4)
    first, _, third, fourth = entry.results
    outcome = of_entry(desk, replace(entry, results=(fourth, first, third)))
    assert outcome.sentences() == [f"seed {seed}: identical" for seed in (8, 5, 7)]


def test_seeds_that_wrap_around_run_together(desk: Desk) -> None:
    entry = done(desk, "square", seed=2**32 - 1, variants=2)
    assert [result.seed for result in again(desk, entry.id).results] == [2**32 - 1, 0]
    assert again(desk, entry.id).verdict is Verdict.IDENTICAL


def test_a_source_that_is_gone_is_refused(desk: Desk) -> None:
    entry = desk.edit(request(), png(noise(48, 36, seed=77)), MASK)
    desk.store.source_path(entry.inputs.source).unlink()
    outcome = of_entry(desk, entry)
    assert outcome.verdict is Verdict.REFUSED and entry.inputs.source[:8] in outcome.reason
    assert outcome.sentences() == [f"cannot run: {outcome.reason}"]


def test_a_model_that_is_not_here_is_named(desk: Desk) -> None:
    entry = done(desk)
    away = replace(entry, request=replace(entry.request, model="magic"))
    outcome = of_entry(desk, away)
    assert outcome.verdict is Verdict.REFUSED and 'got "magic"' in outcome.reason


def test_an_engine_that_fails_is_a_reason(desk: Desk) -> None:
    entry = done(desk)
    desk.fake.error = BackendError("There is no room on the device.")
    try:
        outcome = of_entry(desk, entry)
    finally:
        desk.fake.error = None
    assert outcome.sentences() == ["cannot run: There is no room on the device."]


def test_what_has_no_result_or_entry_is_refused(desk: Desk, tmp_path: Path) -> None:
    failed = desk.edit(request(strength=2.0), png(noise(48, 36)), MASK)
    assert "ended as failed: it has no result" in of_entry(desk, failed).reason
    plain = tmp_path / "plain.png"
    noise(8, 8).save(plain)
    with pytest.raises(RefusedInput, match="must carry the entry"):
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
    assert entry_from_file(path).inputs.source.startswith("../")
    assert "64 hex digits" in again(desk, path).reason


def test_a_heat_map_has_a_name_without_folders(desk: Desk, tmp_path: Path) -> None:
    entry = replace(done(desk, seed=51), id="../../tmp/evil")
    names: list[str] = []

    def keep(name: str, _: bytes) -> Path:
        names.append(name)
        return tmp_path / name

    desk.fake.colour = (1, 2, 3)
    try:
        replay(desk.editor, Subject(entry=entry, store=desk.store), keep_heat_map=keep)
    finally:
        desk.fake.colour = None
    assert names == ["______tmp_evil-seed-51.png"]


def test_a_heat_map_shows_where_pixels_differ(desk: Desk, tmp_path: Path) -> None:
    path = written(desk, done(desk), tmp_path / "touched.png", touch=True)
    outcome = again(desk, path, keep_heat_map=keeper(tmp_path))
    [result] = outcome.results
    assert result.difference == Difference(
        largest=3, mean=1.0, pixels=1, of=48 * 36, box=Box(2, 1, 3, 2)
    )
    shown = np.asarray(Image.open(result.heat_map)).astype(int)
    assert Path(result.heat_map).parent == tmp_path and shown.shape == (36, 48, 3)
    assert shown[1, 2].tolist() == [255, 255, 255]
    assert shown[20:, 20:].max() <= 0.35 * 255
    same = again(desk, done(desk).id, keep_heat_map=keeper(tmp_path))
    assert same.results[0].heat_map == "" and len(list(tmp_path.iterdir())) == 2


def test_a_bundle_replays_without_the_data_folder(desk: Desk, tmp_path: Path) -> None:
    entry = done(desk, "exemplar", seed=5, variants=2, grow=2)
    path = tmp_path / "sent.zip"
    with path.open("wb") as file:
        pack(desk.store, entry, file)
    other = Desk(tmp_path / "elsewhere")
    try:
        with opened(other.store, str(path)) as subject:
            assert subject.store.data_dir != other.store.data_dir
            outcome = replay(Editor(subject.store, other.registry, other.pool), subject)
        assert outcome.verdict is Verdict.IDENTICAL
        assert [result.sentence for result in outcome.results] == [
            f"seed {record.seed}: identical" for record in entry.results
        ]
        assert list(other.store.entries()) == []
        assert list((other.store.data_dir / "cache" / "bundles").iterdir()) == []
    finally:
        other.close()


def test_a_log_is_read_line_by_line(desk: Desk, tmp_path: Path) -> None:
    entries = [done(desk, seed=seed) for seed in (61, 62)]
    path = tmp_path / "log.jsonl"
    path.write_text(f"{entry_line(entries[0])}\n\n{{broken\n{entry_line(entries[1])}\n")
    lines = list(log_lines(desk.store, str(path)))
    assert [line.entry and line.entry.id for line in lines] == [entries[0].id, None, entries[1].id]
    assert lines[1].problem.startswith("line 3 is no entry")
    kept = [line.entry for line in log_lines(desk.store, SESSION)]
    assert entries[0] in kept and entries[1] in kept
    with pytest.raises(RefusedInput, match=r"no log .*none\.jsonl"):
        list(log_lines(desk.store, str(tmp_path / "none.jsonl")))


WEIGHTS = FileRecord(name="unet/model.safetensors", bytes=3, sha256="a" * 64)


def test_everything_that_differs_is_named(desk: Desk) -> None:
    entry = replace(
        done(desk),
        model=ModelRecord(
            id="plain",
            engine="fake 1",
            files=(WEIGHTS,),
            parts=(PartRecord(role="controlnet", name="canny", source="a/b", revision="1"),),
        ),
        runtime=RuntimeRecord(device="cpu", dtype="float32", attention="sdpa", threads=2, cpu="X"),
        environment={"torch": "2.1", "numpy": "1"},
    )
    assert entry.model is not None
    [part] = entry.model.parts
    now = replace(
        entry,
        painted_sha256="b" * 64,
        model=replace(
            entry.model,
            files=(replace(WEIGHTS, sha256="c" * 64),),
            parts=(replace(part, revision="2"),),
        ),
        runtime=RuntimeRecord(device="cuda", dtype="float16", attention="xf", threads=4, cpu="Y"),
        environment={"torch": "2.2", "numpy": "1"},
    )
    told = list(changes(replace(entry, painted_sha256="a" * 64), now))
    assert told[0] == "the painted mask differs"
    assert set(told[1:]) == {
        "attention was sdpa, is xf",
        "controlnet canny was a/b 1, is a/b 2",
        "cpu was X, is Y",
        "device was cpu, is cuda",
        "dtype was float32, is float16",
        "threads was 2, is 4",
        "torch was 2.1, is 2.2",
        f"the file unet/model.safetensors of plain was {'a' * 12}, is {'c' * 12} (SHA-256)",
    }
    assert list(changes(entry, entry)) == []


def test_what_only_one_side_has_is_named(desk: Desk) -> None:
    plain = replace(done(desk), runtime=RuntimeRecord(device="cpu"))
    assert plain.model is not None
    lora = PartRecord(role="lora", name="0.8", source="a/style", files=(WEIGHTS,))
    bare = PartRecord(role="annotator", name="canny", source="")
    full = replace(
        plain,
        model=replace(plain.model, parts=(lora, bare)),
        runtime=RuntimeRecord(device="cpu", attention="xformers", determinism={"cudnn": "on"}),
        environment={**plain.environment, "xformers": "0.1", "gradio": "6"},
    )
    names = {"annotator canny": "there", "attention": "xformers", "determinism.cudnn": "on"}
    names |= {"lora 0.8": "a/style", "xformers": "0.1"}
    assert sorted(changes(full, plain)) == sorted(
        f"{n} was {v}, is absent" for n, v in names.items()
    )
    assert sorted(changes(plain, full)) == sorted(
        f"{n} was absent, is {v}" for n, v in names.items()
    )
    assert list(weight_changes(full, plain)) == ["lora 0.8 was a/style, is absent"]
    assert list(weight_changes(plain, full)) == ["lora 0.8 was absent, is a/style"]


@pytest.mark.parametrize(
    "role", ["controlnet", "embedding", "lora", "prior", "reference", "refiner", "t2i_adapter"]
)
def test_weights_of_every_role_count_where_one_side_lacks_them(desk: Desk, role: str) -> None:
    plain = done(desk)
    assert plain.model is not None
    part = PartRecord(role=role, name="x", source="a/b")
    full = replace(plain, model=replace(plain.model, parts=(part,)))
    assert list(weight_changes(plain, full)) == [f"{role} x was absent, is a/b"]
    assert list(weight_changes(full, plain)) == [f"{role} x was a/b, is absent"]


def test_another_image_encoder_is_told_and_none_is_passed_over(desk: Desk) -> None:
    """Entries were written before encoders were recorded."""
    entry = done(desk)
    assert entry.model is not None
    parts = [
        PartRecord(role="image_encoder", name="ip_adapter", source=source, files=files)
        for source, files in (
            ("a/b", (WEIGHTS,)),
            ("a/b", (replace(WEIGHTS, sha256="c" * 64),)),
        )
    ]
    one, two = (replace(entry, model=replace(entry.model, parts=(part,))) for part in parts)
    [told] = weight_changes(one, two)
    assert told.startswith(f"the file {WEIGHTS.name} of image_encoder ip_adapter was aaaaaaaaaaaa")
    assert list(weight_changes(entry, two)) == list(changes(entry, two)) == []
    assert list(weight_changes(one, entry)) == ["image_encoder ip_adapter was a/b, is absent"]


def test_what_the_first_schema_did_not_tell_is_passed_over(desk: Desk) -> None:
    now = done(desk)
    assert now.model is not None
    part = PartRecord(role="controlnet", name="canny", source="a/b")
    now = replace(now, model=replace(now.model, parts=(part,)))
    old = replace(
        now,
        model=replace(now.model, parts=()),
        runtime=None,
        environment={"genimg_ui": now.environment["genimg_ui"]},
    )
    assert list(changes(old, now)) == []
    assert list(changes(replace(old, environment={"torch": "1"}), now)) == [
        "torch was 1, is absent"
    ]


def test_other_pixels_without_the_lora_are_another_model(desk: Desk) -> None:
    entry = done(desk, seed=52)
    assert entry.model is not None
    lora = PartRecord(role="lora", name="1", source="a/style")
    styled = replace(entry, model=replace(entry.model, parts=(lora,)))
    assert of_entry(desk, styled).sentences()[-1] == "although lora 1 was a/style, is absent"
    desk.fake.colour = (1, 2, 3)
    try:
        outcome = of_entry(desk, styled)
    finally:
        desk.fake.colour = None
    assert outcome.verdict is Verdict.REFUSED
    assert "weights here are not those of the edit: lora 1 was a/style" in outcome.reason


def test_a_session_that_cannot_be_read_to_its_end_is_told(tmp_path: Path) -> None:
    own = Desk(tmp_path)
    first, second = done(own, seed=1), done(own, seed=2)
    with own.store.database.writing() as connection:
        connection.execute("UPDATE entries SET line = '{}' WHERE id = ?", (second.id,))
    lines = list(log_lines(own.store, SESSION))
    own.close()
    assert [line.entry for line in lines] == [first, None]
    assert second.id in lines[1].problem and "was not read" in lines[1].problem


def test_a_difference_outweighs_what_cannot_run() -> None:
    same, other, none = Verdict.IDENTICAL, Verdict.DIFFERS, Verdict.REFUSED
    assert worst([]) is none and worst([same, same]) is same
    assert worst([same, none]) is none and worst([none, other, same]) is other
