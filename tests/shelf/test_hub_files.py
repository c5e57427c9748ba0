"""One file of a hub repository is added: recognised by its first bytes, and fetched alone."""

import json
import time
from pathlib import Path

import gguf
import numpy as np
import pytest

from genimg_ui.errors import ModelUnavailable, RefusedInput
from genimg_ui.shelf.fetches import State
from genimg_ui.shelf.shelf import ModelShelf
from genimg_ui.weights.folders import cached_snapshot
from tests.hub_models import pipeline, safetensors
from tests.hub_server import Hub, Trouble
from tests.shelf.conftest import MakeShelf

SIZE = 500_000  # bytes of tensors
WHOLE = {
    "model.diffusion_model.input_blocks.0.0.weight": [8, 4, 3, 3],
    "first_stage_model.decoder.conv_in.weight": [8],
}
FLUX = {"double_blocks.0.img_attn.norm.key_norm.scale": [4], "img_in.weight": [8, 64]}


def tensors(shapes: dict[str, list[int]], *, filler: int = 0) -> bytes:
    """A safetensors file; `filler` more tensors make its header longer."""
    names = shapes | {
        f"model.diffusion_model.filler.{index}.weight": [1] for index in range(filler)
    }
    header = {
        name: {"dtype": "U8", "shape": shape, "data_offsets": [0, SIZE]}
        for name, shape in names.items()
    }
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(SIZE)


@pytest.fixture
def files(hub: Hub) -> Hub:
    """A repository of files, and the one whose configuration they share."""
    hub.models["a/files"] = {
        "README.md": b"# words",
        "photo.safetensors": tensors(WHOLE),
        "deep/long.safetensors": tensors(WHOLE, filler=6000),
        "ink.safetensors": tensors({"lora_unet_down.weight": [4]}),
        "flux.safetensors": tensors(FLUX),
        "old.ckpt": b"pickle",
    }
    hub.cards["a/files"] = {"license": "cc-by-nc-4.0"}
    hub.models["stable-diffusion-v1-5/stable-diffusion-v1-5"] = pipeline()
    hub.asked.clear()
    return hub


def fetched(shelf: ModelShelf, model: str) -> State:
    shelf.accept(model)
    shelf.fetch(model)
    until = time.monotonic() + 60
    while shelf.downloads.all()[(model, "")].state.active:
        assert time.monotonic() < until
        time.sleep(0.02)
    return shelf.downloads.all()[(model, "")].state


@pytest.mark.parametrize("takes_ranges", [True, False])
def test_a_file_is_recognised_before_it_is_fetched_and_fetched_alone(
    files: Hub, make: MakeShelf, takes_ranges: bool
) -> None:
    files.takes_ranges = takes_ranges
    shelf = make()
    spec = shelf.add("a/files/photo.safetensors")
    assert (spec.id, spec.family, spec.source, spec.file) == (
        "photo", "sd15", "a/files", "photo.safetensors",
    )  # fmt: skip
    assert spec.licence == "cc-by-nc-4.0" and spec.non_commercial
    [(name, asked)] = files.asked
    assert name == "photo.safetensors" and asked.startswith("bytes=0-")
    assert int(asked.partition("-")[2]) < SIZE
    assert cached_snapshot("a/files") is None
    assert fetched(shelf, "photo") is State.DONE
    snapshot = cached_snapshot("a/files")
    assert snapshot is not None and [p.name for p in snapshot.iterdir()] == ["photo.safetensors"]
    config = cached_snapshot("stable-diffusion-v1-5/stable-diffusion-v1-5")
    assert config is not None and not [*config.rglob("*.safetensors")]
    [row] = [row for row in shelf.rows() if row.spec.id == "photo"]
    assert row.parts[0].lack == ""


def test_addresses_of_a_file_are_understood(files: Hub, make: MakeShelf) -> None:
    shelf = make()
    addresses = (
        f"{files.url}/a/files/blob/main/deep/long.safetensors",
        "https://huggingface.co/a/files/resolve/main/deep/long.safetensors?download=true",
    )
    for address in addresses:  # its header is longer than what is read first
        spec = shelf.add(address)
        assert (spec.source, spec.file, spec.family) == ("a/files", "deep/long.safetensors", "sd15")
    assert shelf.add("https://hf.co/a/files/blob/v2/photo.safetensors").revision == "v2"
    with pytest.raises(RefusedInput, match="a file of the hub such as owner/name/file"):
        shelf.add("https://elsewhere.example/a/files/blob/main/photo.safetensors")


@pytest.mark.usefixtures("files")
def test_a_denoiser_alone_says_what_it_takes_from_elsewhere(make: MakeShelf) -> None:
    spec = make().add("a/files/flux.safetensors")
    assert spec.family == "flux"
    assert spec.note == (
        "The denoiser alone: encoders and autoencoder are those of "
        "black-forest-labs/FLUX.1-schnell."
    )


def test_of_the_model_beside_a_denoiser_its_own_is_not_fetched(files: Hub, make: MakeShelf) -> None:
    parts = {
        "_class_name": "FluxPipeline",
        "transformer": ["diffusers", "FluxTransformer2DModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
    }
    files.models["black-forest-labs/FLUX.1-schnell"] = {
        "model_index.json": json.dumps(parts).encode(),
        "scheduler/scheduler_config.json": b"{}",
        "vae/config.json": b"{}",
        "vae/diffusion_pytorch_model.safetensors": safetensors(1000),
        "transformer/config.json": b"{}",
        "transformer/diffusion_pytorch_model.safetensors": safetensors(90_000),
    }
    shelf = make()
    shelf.add("a/files/flux.safetensors")
    assert fetched(shelf, "flux") is State.DONE
    config = cached_snapshot("black-forest-labs/FLUX.1-schnell")
    assert config is not None
    assert [path.parent.name for path in config.rglob("*.safetensors")] == ["vae"]
    assert (config / "transformer" / "config.json").is_file()
    [row] = [row for row in shelf.rows() if row.spec.id == "flux"]
    assert row.parts[0].lack == ""


def test_a_gguf_file_is_recognised_by_its_header(
    files: Hub, make: MakeShelf, tmp_path: Path
) -> None:
    writer = gguf.GGUFWriter(tmp_path / "q.gguf", "flux")
    for name, shape in FLUX.items():
        writer.add_tensor(name, np.zeros(shape, np.float32))
    writer.add_tensor("large", np.zeros(SIZE, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    files.models["a/files"]["q.gguf"] = (tmp_path / "q.gguf").read_bytes()
    spec = make().add("a/files/q.gguf")
    assert (spec.id, spec.family, spec.file) == ("q", "flux", "q.gguf")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("ink.safetensors", "ink.safetensors holds a LoRA, no model"),
        ("old.ckpt", "Only .safetensors and .gguf files are loaded, got old.ckpt"),
        ("none.safetensors", "a/files has no file none.safetensors; it has photo.safetensors, dee"),
        ("broken.safetensors", "broken.safetensors of a/files is no safetensors file"),
        ("cut.safetensors", "cut.safetensors of a/files is broken on the hub itself"),
        ("broken.gguf", "broken.gguf of a/files is no GGUF file"),
    ],
)
def test_what_is_no_model_is_refused_before_any_download(
    files: Hub, make: MakeShelf, name: str, sentence: str
) -> None:
    files.models["a/files"]["broken.safetensors"] = b"\xff" * 100
    files.models["a/files"]["broken.gguf"] = b"GGUF" + b"\xff" * 100
    files.models["a/files"]["cut.safetensors"] = tensors(WHOLE)[:-5]
    shelf = make()
    with pytest.raises((RefusedInput, ModelUnavailable), match=sentence):
        shelf.add(f"a/files/{name}")
    assert not shelf.registry.own.exists()


def test_a_hub_that_refuses_is_told(files: Hub, make: MakeShelf) -> None:
    files.trouble = Trouble("gated", only="photo.safetensors")
    with pytest.raises(ModelUnavailable, match="a/files is gated: accept its terms"):
        make().add("a/files/photo.safetensors")


def test_a_file_that_arrives_wrong_is_not_kept(files: Hub, make: MakeShelf) -> None:
    shelf = make()
    shelf.add("a/files/photo.safetensors")
    files.trouble = Trouble("wrong", only="photo.safetensors")
    assert fetched(shelf, "photo") is State.FAILED
    assert cached_snapshot("a/files") is None
