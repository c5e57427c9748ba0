"""Whole edits with what is added to their model: each field acts, is recorded, and replays."""

import importlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from genimg_ui.bundle import pack
from genimg_ui.core.request import EditRequest, LoraUnit, ReferenceUnit
from genimg_ui.history.names import session_id
from genimg_ui.history.ownership import owns
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.registry import load_registry
from genimg_ui.replay import Subject, Verdict, opened, replay
from tests.editing import Desk, painted, photograph, png, request

pytestmark = pytest.mark.torch

MODELS = """
models:
  native:
    source: {root}/inpaint
    family: sd15
    native_size: 64
    loras: {{ink: {root}/ink, oil: {root}/oil}}
    embeddings: {{<toy>: {root}/toy.safetensors}}
    references: {{ip_adapter: {{source: {root}/adapter, file: adapter.safetensors}}}}
"""
SIZE = (53, 37)
MASK = painted(*SIZE, (20, 10, 31, 20))
SESSION = session_id("b" * 32)
READ = ["reference ip_adapter", "image_encoder ip_adapter"]  # parts of an edit with references


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    tiny = pytest.importorskip("tests.backend.tiny_models", reason="torch is not installed")
    more = importlib.import_module("tests.backend.tiny_additions")
    tiny.torch.set_num_threads(1)
    root: Path = tmp_path_factory.mktemp("tiny")
    unet = tiny.make_sd15_inpaint(root / "inpaint") / "unet"
    more.make_lora(unet, root / "ink", seed=1)
    more.make_lora(unet, root / "oil", seed=2)
    more.make_embedding(root / "toy.safetensors")
    more.make_ip_adapter(unet, root / "adapter")
    (root / "models.yaml").write_text(MODELS.format(root=root), encoding="utf-8")
    made = Desk(root / "data", *load_registry(root / "models.yaml").all())
    yield made
    made.pool.release()
    made.close()


def asked(**parts: object) -> EditRequest:
    return request("native", num_inference_steps=2, **({"prompt": "a red house"} | parts))


def edit(desk: Desk, **parts: object) -> LogEntry:
    entry = desk.edit(asked(**parts), png(photograph(*SIZE)), MASK)
    assert entry.state is EntryState.DONE, entry.error
    return entry


def kept(desk: Desk, colour: tuple[int, int, int]) -> str:
    return desk.store.put_source(png(Image.new("RGB", (70, 30), colour)))


def test_every_field_acts_and_is_recorded(desk: Desk) -> None:
    blue, red = kept(desk, (10, 20, 250)), kept(desk, (250, 20, 10))
    cases: list[tuple[dict[str, object], list[str]]] = [
        ({}, []),
        ({"loras": (LoraUnit(name="ink"),)}, ["lora ink:1"]),
        ({"loras": (LoraUnit(name="ink", scale=0.5),)}, ["lora ink:0.5"]),
        ({"loras": (LoraUnit(name="oil"),)}, ["lora oil:1"]),
        ({"references": (ReferenceUnit(picture=blue),)}, READ),
        ({"references": (ReferenceUnit(picture=red),)}, READ),
        ({"references": (ReferenceUnit(picture=red, scale=0.5),)}, READ),
        ({"references": (ReferenceUnit(picture=red, end=0.5),)}, READ),
        ({"references": (ReferenceUnit(picture=red, start=0.5),)}, READ),
        ({"prompt": "a (red)1.6 house", "prompt_weighting": True}, []),
        ({"prompt": "a (red)1.6 house"}, []),
        ({"prompt": "a red <toy>"}, ["embedding <toy>"]),
    ]
    seen = {}
    for parts, expected in cases:
        entry = edit(desk, **parts)
        assert [f"{part.role} {part.name}" for part in entry.model.parts] == expected
        seen[entry.results[0].pixels_sha256] = parts
    assert len(seen) == len(cases)
    assert edit(desk).results[0].pixels_sha256 == next(iter(seen))  # nothing has stayed


def everything(desk: Desk) -> LogEntry:
    return edit(
        desk,
        prompt="a (red)1.3 <toy>",
        prompt_weighting=True,
        loras=(LoraUnit(name="oil", scale=0.7), LoraUnit(name="ink", scale=-0.4)),
        references=(
            ReferenceUnit(picture=kept(desk, (10, 20, 250))),
            ReferenceUnit(picture=kept(desk, (250, 20, 10)), scale=0.6, end=0.5),
        ),
    )


def test_a_replay_and_a_bundle_bring_all_of_it(desk: Desk, tmp_path: Path) -> None:
    entry = everything(desk)
    assert replay(desk.editor, Subject(entry=entry, store=desk.store)).verdict is Verdict.IDENTICAL
    path = tmp_path / "edit.zip"
    with path.open("wb") as file:
        pack(desk.store, entry, file)
    with zipfile.ZipFile(path) as archive:
        ready = [name for name in archive.namelist() if name.startswith("maps/ready-")]
        assert len(ready) == 2
        assert "a reference picture" in archive.read("README.txt").decode()
    with opened(desk.store, str(path)) as subject:
        assert replay(desk.editor, subject).verdict is Verdict.IDENTICAL


def test_a_session_owns_the_references_that_its_entries_name(desk: Desk) -> None:
    sha256 = kept(desk, (1, 2, 3))
    entry = edit(desk, references=(ReferenceUnit(picture=sha256),))
    desk.store.record(SESSION, entry)
    assert owns(desk.store.database, SESSION, sha256)


def test_what_is_not_here_is_refused(desk: Desk) -> None:
    for parts, sentence in (
        ({"references": (ReferenceUnit(picture="0" * 64),)}, "0000"),
        ({"loras": (LoraUnit(name="gouache"),)}, "has these LoRAs: ink, oil; got 'gouache'"),
    ):
        entry = desk.edit(asked(**parts), png(photograph(*SIZE)), MASK)
        assert entry.state is EntryState.FAILED
        assert sentence in entry.error
