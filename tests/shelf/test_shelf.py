"""The shelf: background downloads, licences, added models, removal, and what a public page may."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from genimg_ui.errors import RefusedInput
from genimg_ui.shelf.fetches import Download, State
from genimg_ui.shelf.shelf import ModelRow, ModelShelf, PartRow
from genimg_ui.weights.folders import cached_snapshot
from tests.hub_models import pipeline, safetensors
from tests.hub_server import Hub, Trouble
from tests.shelf.conftest import MakeShelf

ROOT = Path(__file__).parents[2]


def ended(shelf: ModelShelf, model: str, part: str = "") -> Download:
    until = time.monotonic() + 30
    while shelf.downloads.all()[(model, part)].state.active:
        assert time.monotonic() < until
        time.sleep(0.02)
    return shelf.downloads.all()[(model, part)]


def row(shelf: ModelShelf, model: str) -> ModelRow:
    return next(row for row in shelf.rows() if row.spec.id == model)


def part(shelf: ModelShelf, model: str, key: str = "") -> PartRow:
    return next(part for part in row(shelf, model).parts if part.part.key == key)


def test_a_listed_model_is_fetched_in_the_background(hub: Hub, make: MakeShelf) -> None:
    del hub
    shelf = make()
    before = part(shelf, "tiny")
    assert before.fetchable and before.bytes == 0 and before.lack
    shelf.fetch("tiny")
    done = ended(shelf, "tiny")
    assert done.state is State.DONE and done.done == done.total > 700_000
    after = part(shelf, "tiny")
    assert (
        after.lack == "" and after.bytes > 700_000 and after.place == cached_snapshot("tiny/model")
    )
    assert part(shelf, "twin").lack == ""  # the same files
    assert part(shelf, "tiny", "canny, depth").lack


def test_a_control_of_a_model_is_fetched_by_its_name(hub: Hub, make: MakeShelf) -> None:
    hub.models["tiny/control"] = {
        "config.json": b"{}",
        "diffusion_pytorch_model.safetensors": safetensors(10),
    }
    shelf = make()
    shelf.fetch("tiny", "canny, depth")
    assert ended(shelf, "tiny", "canny, depth").state is State.DONE
    assert part(shelf, "tiny", "canny, depth").lack == "" and part(shelf, "tiny").lack
    with pytest.raises(RefusedInput, match="A part of tiny must be one of canny, depth, got 'x'"):
        shelf.fetch("tiny", "x")


def test_what_was_stopped_is_no_model_and_goes_on(hub: Hub, make: MakeShelf) -> None:
    shelf = make()
    hub.slow = 0.05
    shelf.fetch("tiny")
    until = time.monotonic() + 30
    while shelf.downloads.all()[("tiny", "")].done < 200_000:
        assert time.monotonic() < until
        time.sleep(0.01)
    shelf.stop("tiny")
    stopped = ended(shelf, "tiny")
    assert stopped.state is State.STOPPED and stopped.done < stopped.total
    assert part(shelf, "tiny").lack and cached_snapshot("tiny/model") is None
    hub.slow = 0.0
    hub.asked.clear()
    shelf.fetch("tiny")
    assert ended(shelf, "tiny").state is State.DONE
    assert any(asked.startswith("bytes=") for _, asked in hub.asked)


def test_a_closed_program_shows_its_download_as_interrupted(hub: Hub, make: MakeShelf) -> None:
    shelf = make()
    hub.slow = 0.05
    shelf.fetch("tiny")
    shelf.fetch("twin")  # waits
    while shelf.downloads.all()[("tiny", "")].done < 100_000:
        time.sleep(0.01)
    shelf.close()
    states = {model: one.state for (model, _), one in make().downloads.all().items()}
    assert states == {"tiny": State.INTERRUPTED, "twin": State.INTERRUPTED}


def test_a_failed_download_keeps_its_sentence(hub: Hub, make: MakeShelf) -> None:
    hub.trouble = Trouble("gated")
    shelf = make()
    shelf.fetch("tiny")
    failed = ended(shelf, "tiny")
    assert failed.state is State.FAILED and "is gated: accept its terms" in failed.error
    assert make().downloads.all()[("tiny", "")].error == failed.error


def test_a_non_commercial_licence_is_accepted_once(hub: Hub, make: MakeShelf) -> None:
    del hub
    shelf = make()
    assert not row(shelf, "gift").accepted
    with pytest.raises(RefusedInput, match="Gift is for non-commercial use only .NC-1.: accept"):
        shelf.fetch("gift")
    shelf.accept("gift")
    assert row(make(), "gift").accepted
    shelf.fetch("gift")
    assert ended(shelf, "gift").state is State.DONE
    models = shelf.registry.models
    models.write_text(models.read_text().replace("NC-1", "NC-2"))
    assert not row(shelf, "gift").accepted  # other terms are asked for anew


def test_a_hub_model_is_added_as_one_entry(hub: Hub, make: MakeShelf) -> None:
    hub.cards["tiny/other"] = {"license": "cc-by-nc-4.0"}
    hub.models["tiny/other"]["unet/diffusion_pytorch_model.fp16.safetensors"] = safetensors(99)
    shelf = make()
    program = shelf.registry.models.read_text()
    spec = shelf.add(" tiny/other ")
    assert (spec.id, spec.family, spec.variant) == ("other", "sd15", "fp16")
    assert spec.licence == "cc-by-nc-4.0" and spec.non_commercial
    assert row(shelf, "other").added and not row(shelf, "tiny").added
    assert shelf.registry.models.read_text() == program
    kept = yaml.safe_load(shelf.registry.own.read_text())
    assert kept["models"]["other"]["source"] == "tiny/other"
    assert shelf.add("tiny/other").id == "other-2"
    with pytest.raises(RefusedInput, match="There is a model tiny already"):
        shelf.add("tiny/other", "tiny")
    with pytest.raises(RefusedInput, match="must be of small letters"):
        shelf.add("tiny/other", "no spaces please")


def test_a_folder_is_added_and_its_files_are_never_removed(
    hub: Hub, make: MakeShelf, tmp_path: Path
) -> None:
    del hub
    folder = tmp_path / "My Model"
    for name, content in pipeline().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    shelf = make()
    spec = shelf.add(str(folder))
    assert spec.id == "my-model" and part(shelf, "my-model").lack == ""
    assert shelf.removal("my-model").sentence == "its entry in the list"
    shelf.remove("my-model")
    assert "my-model" not in [row.spec.id for row in shelf.rows()]
    assert (folder / "model_index.json").is_file()
    (folder / "vae" / "config.json").unlink()
    with pytest.raises(RefusedInput, match=r"lacks vae/config.json. Download or copy it again"):
        shelf.add(str(folder))
    shutil.rmtree(folder)
    with pytest.raises(RefusedInput, match="There is no folder and no file"):
        shelf.add(str(folder))


def test_a_single_file_is_recognised_by_its_weights(make: MakeShelf, tmp_path: Path) -> None:
    shelf = make()
    file = tmp_path / "photo.safetensors"
    names = {
        "model.diffusion_model.input_blocks.0.0.weight": [8, 4, 3, 3],
        "first_stage_model.decoder.conv_in.weight": [8],
    }
    _write_tensors(file, names)
    assert shelf.add(str(file)).family == "sd15"
    _write_tensors(file, {"lora_unet_down.weight": [4]})
    with pytest.raises(RefusedInput, match="holds a LoRA, no model"):
        shelf.add(str(file))
    _write_tensors(file, {"nothing.known": [4]})
    with pytest.raises(RefusedInput, match="belong to no family that is known here"):
        shelf.add(str(file))
    other = tmp_path / "photo.ckpt"
    other.write_bytes(b"pickle")
    with pytest.raises(RefusedInput, match=r"Only .safetensors and .gguf files are loaded, got ph"):
        shelf.add(str(other))


def _write_tensors(path: Path, shapes: dict[str, list[int]]) -> None:
    size = 4096
    header = {
        name: {"dtype": "U8", "shape": shape, "data_offsets": [0, size]}
        for name, shape in shapes.items()
    }
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(size))


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("nonsense", "must be a hub id such as owner/name"),
        ("tiny/strange", "holds a WonderPipeline, which no family here reads"),
        ("../tiny", "There is no folder and no file"),
    ],
)
def test_what_cannot_be_added_is_told(
    hub: Hub, make: MakeShelf, source: str, sentence: str
) -> None:
    files = pipeline()
    files["model_index.json"] = b'{"_class_name": "WonderPipeline"}'
    hub.models["tiny/strange"] = files
    shelf = make()
    with pytest.raises(RefusedInput, match=sentence):
        shelf.add(source)
    assert not shelf.registry.own.exists()


def test_removal_takes_the_models_files_and_nothing_else(
    hub: Hub, make: MakeShelf, tmp_path: Path
) -> None:
    del hub
    shelf = make()
    shelf.accept("gift")
    for model in ("tiny", "gift"):
        shelf.fetch(model)
        ended(shelf, model)
    going = shelf.removal("tiny")
    assert going.files == "tiny/model" and not going.entry and going.also == ("Twin",)
    assert "used by Twin too" in going.sentence
    shelf.remove("tiny")
    assert cached_snapshot("tiny/model") is None and cached_snapshot("tiny/gift") is not None
    assert {path.name for path in (tmp_path / "hub").iterdir()} == {".locks", "models--tiny--gift"}
    with pytest.raises(RefusedInput, match="Nothing of Tiny can be removed"):
        shelf.remove("tiny")
    with pytest.raises(RefusedInput, match="Nothing of Exemplar can be removed"):
        shelf.removal("exemplar")


def test_a_link_in_the_cache_is_not_followed(hub: Hub, make: MakeShelf, tmp_path: Path) -> None:
    del hub
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "blobs").mkdir(parents=True)
    (elsewhere / "blobs" / "kept").write_bytes(b"mine")
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "models--tiny--model").symlink_to(elsewhere)
    with pytest.raises(Exception, match="There is nothing of tiny/model"):
        make().remove("tiny")
    assert (elsewhere / "blobs" / "kept").read_bytes() == b"mine"


def test_a_model_that_is_being_downloaded_is_not_removed(hub: Hub, make: MakeShelf) -> None:
    shelf = make()
    hub.slow = 0.05
    shelf.fetch("tiny")
    while shelf.downloads.all()[("tiny", "")].done < 100_000:
        time.sleep(0.01)
    with pytest.raises(RefusedInput, match="tiny is being downloaded: stop that first"):
        shelf.remove("tiny")
    shelf.stop("tiny")


def test_a_public_page_changes_nothing(hub: Hub, make: MakeShelf) -> None:
    shelf = make(public=True)
    for act in (
        lambda: shelf.fetch("tiny"),
        lambda: shelf.stop("tiny"),
        lambda: shelf.add("tiny/other"),
        lambda: shelf.remove("tiny"),
        lambda: shelf.accept("gift"),
    ):
        with pytest.raises(RefusedInput, match="This page is open to everyone"):
            act()
    assert [row.spec.id for row in shelf.rows()] == ["exemplar", "tiny", "twin", "gift"]
    assert not hub.asked


def test_a_killed_command_goes_on_from_its_last_byte(hub: Hub, make: MakeShelf) -> None:
    hub.slow = 0.2
    shelf = make()
    data = shelf.registry.own.parent
    command = [sys.executable, "-m", "genimg_ui", "models", "fetch", "tiny"]
    command += ["--data-dir", str(data), "--models", str(shelf.registry.models)]
    place = {"HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(data.parent / "hub")}
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | place)
    blobs = data.parent / "hub" / "models--tiny--model" / "blobs"
    until = time.monotonic() + 60
    while sum(path.stat().st_size for path in blobs.glob("*.incomplete")) < 150_000:
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    hub.slow = 0.0
    hub.asked.clear()
    done = subprocess.run(command, cwd=ROOT, env=os.environ | place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Tiny is in" in done.stdout
    assert any(asked.startswith("bytes=") for _, asked in hub.asked)
    assert part(shelf, "tiny").lack == ""
