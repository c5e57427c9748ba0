"""A model in one file, with the configuration of another that lies beside it."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sampling_support import generate, job, patch, spec
from single_file import write_single_file

from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.errors import ModelUnavailable
from genimg_ui.registry import ModelSpec, availability, load_registry

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def root(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Single files, and configurations without any weights."""
    folder = tmp_path_factory.mktemp("single")
    for name in ("sd15", "sd15_inpaint"):
        write_single_file(models / name, folder / f"{name}.safetensors")
        shutil.copytree(
            models / name,
            folder / f"{name}_config",
            ignore=shutil.ignore_patterns("*.safetensors"),
        )
    return folder


def single(models: Path, root: Path, name: str) -> ModelSpec:
    own = {"source": str(root / f"{name}.safetensors"), "config": str(root / f"{name}_config")}
    return replace(spec(models / name), **own)


@pytest.mark.parametrize("name", ["sd15", "sd15_inpaint"])
def test_a_single_file_paints_the_pixels_of_its_folder(models, root, name):
    model = single(models, root, name)
    assert availability(model) is None
    result = generate(DiffusersBackend(), job(model))
    wanted = generate(DiffusersBackend(), job(spec(models / name)))
    np.testing.assert_array_equal(result.patches[0], wanted.patches[0])
    assert [file.name for file in result.model.files] == [f"{name}.safetensors"]
    [config] = result.model.parts
    assert (config.role, config.source, config.files) == ("config", f"{name}_config", ())
    assert result.fallbacks == ()


def test_the_registry_tells_family_and_place(root, tmp_path):
    shutil.copy(root / "sd15.safetensors", tmp_path / "own.safetensors")
    text = f"models:\n  own:\n    source: ./own.safetensors\n    config: {root / 'sd15_config'}\n"
    (tmp_path / "models.yaml").write_text(text, encoding="utf-8")
    model = load_registry(tmp_path / "models.yaml").get("own")
    assert (model.family, model.source) == ("sd15", str(tmp_path / "own.safetensors"))
    assert availability(model) is None


def test_a_file_in_a_hub_repository_is_found_in_the_cache(no_hub, models, root):
    for hub_id, place in (("owner/files", "files"), ("owner/config", "config")):
        snapshot = no_hub / f"models--{hub_id.replace('/', '--')}" / "snapshots" / "v1"
        snapshot.parent.mkdir(parents=True)
        if place == "files":
            snapshot.mkdir()
            shutil.copy(root / "sd15.safetensors", snapshot / "own.safetensors")
        else:
            shutil.copytree(root / "sd15_config", snapshot)
            (snapshot.parent.parent / "refs").mkdir()
            (snapshot.parent.parent / "refs" / "main").write_text("v1")
    model = replace(
        spec(models / "sd15"),
        source="owner/files",
        revision="v1",
        file="own.safetensors",
        config="owner/config",
    )
    assert availability(model) is None
    np.testing.assert_array_equal(
        patch(DiffusersBackend(), model), patch(DiffusersBackend(), spec(models / "sd15"))
    )


def test_a_denoiser_alone_takes_the_rest_from_its_configurations_model(models, tmp_path):
    path = write_single_file(models / "sd15", tmp_path / "unet.safetensors", only_unet=True)
    model = replace(spec(models / "sd15"), source=str(path), config=str(models / "sd15"))
    result = generate(DiffusersBackend(), job(model))
    wanted = patch(DiffusersBackend(), spec(models / "sd15"))
    np.testing.assert_array_equal(result.patches[0], wanted)
    [config] = result.model.parts
    assert {file.name.split("/")[0] for file in config.files} == {"vae", "text_encoder"}


def test_pickles_need_the_entrys_word(models, root, tmp_path):
    path = tmp_path / "own.ckpt"
    torch.save({"state_dict": load_file(root / "sd15.safetensors")}, path)
    model = replace(single(models, root, "sd15"), source=str(path))
    assert "only .safetensors and .gguf files are loaded, got own.ckpt" in str(availability(model))
    trusted = patch(DiffusersBackend(), replace(model, allow_pickle=True))
    np.testing.assert_array_equal(trusted, patch(DiffusersBackend(), spec(models / "sd15")))


@pytest.mark.usefixtures("no_hub")
def test_what_does_not_fit_is_said_in_one_sentence(models, root, tmp_path):
    model = single(models, root, "sd15")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes((root / "sd15.safetensors").read_bytes()[:-100])
    cases = {
        r"cut.safetensors has only [\d,]+ of [\d,]+ bytes": {"source": str(cut)},
        "none.safetensors does not exist": {"source": str(tmp_path / "none.safetensors")},
        "family of tiny in models.yaml is sdxl, but sd15.safetensors is sd15": {"family": "sdxl"},
        "configuration stable-diffusion-v1-5/stable-diffusion-v1-5 is not": {"config": ""},
        "nowhere is not on this machine; `config` may name": {"config": str(tmp_path / "nowhere")},
        "lacks tokenizer/": {"config": str(without(root, tmp_path, "tokenizer"))},
    }
    for sentence, changes in cases.items():
        with pytest.raises(ModelUnavailable, match=sentence):
            patch(DiffusersBackend(), replace(model, **changes))


def without(root: Path, folder: Path, part: str) -> Path:
    copy = Path(shutil.copytree(root / "sd15_config", folder / "config"))
    shutil.rmtree(copy / part)
    return copy
