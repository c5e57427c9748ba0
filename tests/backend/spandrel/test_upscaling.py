"""Upscalers: tiles that nobody sees, the right size and factor, and files that are refused."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from genimg_ui.backend.base import BackendJob, CancelToken, Preview, Progress
from genimg_ui.core.request import EditRequest, FillMode, Region, ResolvedRequest
from genimg_ui.core.tasks import MASKED
from genimg_ui.errors import Cancelled, ModelUnavailable
from genimg_ui.history.record import EntryState
from genimg_ui.registry import ModelSpec, availability, load_registry
from genimg_ui.replay import Subject, Verdict, replay
from tests.editing import Desk, noise, photograph, png, request

pytestmark = pytest.mark.torch
COMPACT = "upscaler"


@pytest.fixture(scope="module")
def networks() -> ModuleType:
    builders = "tests.backend.spandrel.tiny_networks"
    tiny = pytest.importorskip(builders, reason="torch and spandrel are not installed")
    tiny.torch.set_num_threads(1)
    return tiny


@pytest.fixture(scope="module")
def folder(networks: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("networks")
    networks.make_compact(root / "compact.safetensors")
    networks.make_esrgan(root / "esrgan.safetensors")
    return root


@pytest.fixture(scope="module")
def desk(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    opened = Desk(tmp_path_factory.mktemp("desk"), upscaler(folder, "compact"))
    yield opened
    opened.close()


def upscaler(folder: Path, name: str, **parts: object) -> ModelSpec:
    (folder / "models.yaml").write_text(
        f"models:\n  {COMPACT}:\n    engine: spandrel\n    source: ./{name}.safetensors\n"
    )
    return replace(load_registry(folder / "models.yaml").get(COMPACT), **parts)


def enlarge(factor: int) -> EditRequest:
    return request(COMPACT, region=Region.WHOLE, upscale=factor)


def job_of(spec: ModelSpec, source: np.ndarray, factor: int) -> BackendJob:
    resolved = ResolvedRequest(
        request=enlarge(factor), seeds=(0,), scheduler="", fill_mode=FillMode.REMOVE
    )
    canvas = np.zeros((source.shape[0] * factor, source.shape[1] * factor, 3), np.uint8)
    mask = np.full(canvas.shape[:2], 255, np.uint8)
    return BackendJob(
        resolved=resolved, spec=spec, image=canvas, filled=canvas, mask=mask, source=source
    )


@pytest.mark.parametrize(("name", "scale"), [("compact", 4), ("esrgan", 2)])
def test_tiles_are_the_whole_picture(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, scale: int
) -> None:
    engine = pytest.importorskip("genimg_ui.backend.spandrel.engine")
    tiled = pytest.importorskip("genimg_ui.backend.spandrel.tiled")
    source = np.asarray(photograph(150, 131))
    job = job_of(upscaler(folder, name), source, scale)
    backend = engine.SpandrelBackend()
    [at_once] = backend.generate(job, lambda _: None, CancelToken()).patches
    monkeypatch.setattr(tiled, "TILE", 100)
    events: list[Progress | Preview] = []
    [in_tiles] = backend.generate(job, events.append, CancelToken()).patches
    assert sum(isinstance(event, Progress) for event in events) >= 4
    assert at_once.std() > 5
    assert np.abs(at_once.astype(int) - in_tiles).max() <= 1


def test_an_enlargement_is_an_edit_like_any_other(desk: Desk) -> None:
    entry = desk.edit(enlarge(4), png(photograph(31, 20)))
    assert entry.state is EntryState.DONE, entry.error
    assert desk.result(entry).size == (124, 80)
    assert entry.model is not None
    assert entry.model.family == "Compact" and entry.model.files[0].name == "compact.safetensors"
    assert entry.facts["scale"] == "4" and entry.facts["tile"]
    assert entry.results[0].report.pixels_outside == 0
    again = replay(desk.editor, Subject(entry=entry, store=desk.store))
    assert again.verdict is Verdict.IDENTICAL


def test_a_network_for_four_times_serves_two_by_reduction(desk: Desk) -> None:
    entry = desk.edit(enlarge(2), png(photograph(31, 20)))
    assert entry.state is EntryState.DONE, entry.error
    assert desk.result(entry).size == (62, 40) and entry.facts["scale"] == "4"
    larger = desk.result(desk.edit(enlarge(4), png(photograph(31, 20))))
    reduced = np.asarray(larger.resize((62, 40)), int)
    assert np.abs(reduced - np.asarray(desk.result(entry), int)).mean() < 6


@pytest.mark.parametrize(("mode", "said"), [("RGBA", "transparency"), ("I;16", "8 bits")])
def test_alpha_and_depth_are_kept_and_told(desk: Desk, mode: str, said: str) -> None:
    source = noise(21, 18, mode)
    entry = desk.edit(enlarge(4), png(source))
    assert entry.state is EntryState.DONE, entry.error
    assert desk.result(entry).mode == source.mode
    assert any(said in text for text in entry.warnings)


def test_more_than_the_network_enlarges_is_refused(folder: Path) -> None:
    own = Desk(folder / "own", upscaler(folder, "esrgan"))
    entry = own.edit(enlarge(4), png(photograph(20, 20)))
    own.close()
    assert entry.refused and "enlarges 2 times at most, got 4" in entry.error


def test_cancel_between_two_tiles(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = pytest.importorskip("genimg_ui.backend.spandrel.engine")
    tiled = pytest.importorskip("genimg_ui.backend.spandrel.tiled")
    monkeypatch.setattr(tiled, "TILE", 100)
    job = job_of(upscaler(folder, "compact"), np.asarray(photograph(150, 131)), 4)
    token, seen = CancelToken(), []

    def on_event(event: Progress | Preview) -> None:
        if isinstance(event, Progress) and event.fraction > 0:
            seen.append(event)
            token.cancel()

    with pytest.raises(Cancelled):
        engine.SpandrelBackend().generate(job, on_event, token)
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"tasks": MASKED}, "tasks of upscaler in models.yaml are inpaint, outpaint, but the file"),
        ({"scale": 2}, "scale of upscaler in models.yaml is 2, but the network enlarges 4 times"),
    ],
)
def test_an_entry_that_contradicts_its_file_is_refused(
    folder: Path, parts: dict[str, object], said: str
) -> None:
    engine = pytest.importorskip("genimg_ui.backend.spandrel.engine")
    job = job_of(upscaler(folder, "compact", **parts), np.asarray(photograph(16, 16)), 2)
    with pytest.raises(ModelUnavailable, match=said):
        engine.SpandrelBackend().generate(job, lambda _: None, CancelToken())


def test_pickles_are_read_only_where_the_entry_says_so(folder: Path, networks: ModuleType) -> None:
    engine = pytest.importorskip("genimg_ui.backend.spandrel.engine")
    state = networks.load_file(folder / "compact.safetensors")
    networks.torch.save(state, folder / "compact.pth")
    networks.torch.save(state, folder / "compact.pt")
    spec = upscaler(folder, "compact", source=str(folder / "compact.pth"))
    job = job_of(spec, np.asarray(photograph(16, 16)), 4)
    with pytest.raises(ModelUnavailable, match=r"only \.safetensors are read.*got compact\.pth"):
        engine.SpandrelBackend().generate(job, lambda _: None, CancelToken())
    allowed = replace(job, spec=replace(spec, allow_pickle=True))
    made = engine.SpandrelBackend().generate(allowed, lambda _: None, CancelToken())
    assert made.patches[0].shape == (64, 64, 3)
    script = replace(spec, allow_pickle=True, source=str(folder / "compact.pt"))
    with pytest.raises(ModelUnavailable, match=r"got compact\.pt"):
        engine.SpandrelBackend().generate(replace(job, spec=script), lambda _: None, CancelToken())


def test_a_file_that_is_cut_short_or_strange_is_refused(folder: Path, networks: ModuleType) -> None:
    engine = pytest.importorskip("genimg_ui.backend.spandrel.engine")
    whole = (folder / "compact.safetensors").read_bytes()
    (folder / "short.safetensors").write_bytes(whole[: len(whole) // 2])
    networks.save_file({"a": networks.torch.zeros(2)}, folder / "strange.safetensors")
    for name, said in (("short", "damaged or not whole"), ("strange", "no network that spandrel")):
        spec = upscaler(folder, name)
        with pytest.raises(ModelUnavailable, match=said):
            engine.SpandrelBackend().generate(
                job_of(spec, np.asarray(photograph(16, 16)), 4), lambda _: None, CancelToken()
            )


def test_a_file_that_is_not_there_is_said_before_anything_runs(folder: Path) -> None:
    lack = availability(upscaler(folder, "absent"))
    assert lack is not None and "absent.safetensors does not exist" in lack
