"""Loading: folders as they are on disk, whole and broken, and models that are not here."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sampling_support import Events, job, spec

from genimg_ui.backend.base import CancelToken
from genimg_ui.backend.diffusion import pipelines
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.core.request import ControlUnit
from genimg_ui.errors import ModelUnavailable, RefusedInput
from genimg_ui.registry import ModelSpec, availability
from genimg_ui.weights import folders

pytestmark = pytest.mark.torch


@pytest.fixture
def copy(models: Path, tmp_path: Path) -> Path:
    """A model that a test may damage."""
    shutil.copytree(models / "sd15_control", tmp_path / "sd15_control")
    return Path(shutil.copytree(models / "sd15", tmp_path / "sd15"))


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, and a hub that nobody answers for."""
    monkeypatch.setattr(folders, "hub_reachable", lambda: False)
    monkeypatch.setattr(folders.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def generate(model: ModelSpec, **changes: Any) -> Any:
    work = job(model, num_inference_steps=1, **changes)
    return DiffusersBackend().generate(work, Events().append, CancelToken())


@pytest.mark.parametrize(
    ("lost", "named"),
    [
        ("model_index.json", "lacks model_index.json"),
        ("unet", "lacks unet/"),
        ("unet/config.json", "lacks unet/config.json"),
        ("vae/diffusion_pytorch_model.safetensors", r"lacks vae/\*\.safetensors"),
        ("text_encoder/model.safetensors", r"lacks text_encoder/\*\.safetensors"),
        ("scheduler/scheduler_config.json", "lacks scheduler/scheduler_config.json"),
    ],
)
def test_a_folder_that_lacks_a_file_is_named_with_it(copy, lost, named):
    path = copy / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(ModelUnavailable, match=named):
        generate(spec(copy))
    assert str(copy) in str(availability(spec(copy)))


def test_a_half_downloaded_file_is_measured(copy):
    path = copy / "unet" / "diffusion_pytorch_model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:1_000_000])
    expected = (
        f"has only 1,000,000 of {len(whole):,} bytes of unet/diffusion_pytorch_model.safetensors"
    )
    with pytest.raises(ModelUnavailable, match=expected):
        generate(spec(copy))


def test_weights_that_do_not_fit_their_config_are_unavailable(copy):
    config = json.loads((copy / "unet" / "config.json").read_text())
    (copy / "unet" / "config.json").write_text(
        json.dumps(config | {"block_out_channels": [32, 96]})
    )
    with pytest.raises(ModelUnavailable, match="Tiny could not be loaded from .*sd15: "):
        generate(spec(copy))


def test_pickled_weights_are_not_loaded(copy):
    path = copy / "unet" / "diffusion_pytorch_model.safetensors"
    path.rename(path.with_suffix(".bin"))
    with pytest.raises(ModelUnavailable, match="only safetensors are loaded"):
        generate(spec(copy))


def test_a_unet_with_other_channels_is_unavailable(copy, tiny):
    tiny._unet(5, tiny._attention(tiny.TEXT_WIDTH)).save_pretrained(copy / "unet")
    with pytest.raises(ModelUnavailable, match="must have 4 or 9 input channels, got 5"):
        generate(spec(copy))


def test_a_wrong_family_is_said(models):
    model = replace(spec(models / "sdxl"), family="sd15")
    with pytest.raises(
        ModelUnavailable, match="family of tiny in models.yaml is sd15, but .* sdxl"
    ):
        generate(model)
    with pytest.raises(RefusedInput, match='must be one of sd15, sdxl, .*, got "sd9"'):
        generate(replace(model, family="sd9"))


@pytest.mark.usefixtures("no_hub")
def test_a_hub_model_without_network_says_what_it_would_take():
    model = replace(spec(Path("sdxl")), source="owner/model", title="Big Model", download_gib=7.0)
    with pytest.raises(ModelUnavailable) as error:
        generate(model)
    assert str(error.value) == (
        "Big Model needs a download of about 7 GB from the Hugging Face hub, which cannot be "
        "reached from here (its weights are not on this machine); the embedded engine `exemplar` "
        "works without."
    )


def test_a_hub_model_is_downloaded_without_pickles_and_checker(no_hub, models, monkeypatch):
    asked: dict[str, Any] = {}

    def download(source: str, **options: Any) -> str:
        asked.update(options, source=source)
        return str(models / "sd15")

    monkeypatch.setattr(folders, "hub_reachable", lambda: True)
    monkeypatch.setattr(pipelines.DiffusionPipeline, "download", download)
    model = replace(spec(models / "sd15"), source="owner/model", revision="v1", download_gib=2.0)
    events = Events()
    DiffusersBackend().generate(job(model, num_inference_steps=1), events.append, CancelToken())
    assert events.texts()[0] == "downloading Tiny (about 2 GB)"
    assert (asked["source"], asked["revision"]) == ("owner/model", "v1")
    assert asked["use_safetensors"] is True
    assert asked["safety_checker"] is None
    assert not no_hub.exists()


def test_a_download_that_fails_is_said(no_hub, models, monkeypatch):
    def download(*_: Any, **__: Any) -> str:
        raise OSError("connection reset\nby peer")

    monkeypatch.setattr(folders, "hub_reachable", lambda: True)
    monkeypatch.setattr(pipelines.DiffusionPipeline, "download", download)
    with pytest.raises(ModelUnavailable, match="could not be downloaded .*: connection reset; the"):
        generate(replace(spec(models / "sd15"), source="owner/model"))
    assert not no_hub.exists()


def test_a_hub_model_in_the_cache_needs_no_network(no_hub, models):
    commit = "a" * 40
    root = no_hub / "models--owner--model"
    shutil.copytree(models / "sd15", root / "snapshots" / commit)
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text(commit)
    model = replace(spec(models / "sd15"), source="owner/model")
    assert availability(model) is None
    record = generate(model).model
    assert (record.source, record.revision) == ("owner/model", commit)
    (root / "snapshots" / commit / "unet" / "config.json").unlink()
    with pytest.raises(ModelUnavailable, match="lacks unet/config.json"):
        generate(model)


@pytest.mark.usefixtures("no_hub")
def test_a_missing_control_network_is_unavailable(models):
    model = spec(models / "sd15")
    unit = ControlUnit(kind="canny")
    with pytest.raises(ModelUnavailable, match="ControlNet owner/canny of Tiny cannot be used"):
        generate(replace(model, controls=(("canny", "owner/canny"),)), control=unit)
    with pytest.raises(ModelUnavailable, match="ControlNet /nowhere of Tiny cannot be used: it is"):
        generate(replace(model, controls=(("canny", "/nowhere"),)), control=unit)


def test_a_broken_control_network_names_the_file(copy):
    (copy.parent / "sd15_control" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match=r"it lacks \*\.safetensors"):
        generate(spec(copy), control=ControlUnit(kind="canny"))


def test_half_precision_files_of_a_variant_run_in_full_precision(tiny, models, tmp_path):
    folder = tmp_path / "sd15"
    tiny.make_sd15(folder, variant="fp16")
    assert not (folder / "unet" / "diffusion_pytorch_model.safetensors").exists()
    result = generate(replace(spec(folder), controls=(), variant="fp16"))
    assert result.runtime.dtype == "float32"
    assert all(".fp16.safetensors" in file.name for file in result.model.files)
    assert result.fallbacks == ()
    full = generate(spec(models / "sd15")).patches[0].astype(int)
    assert np.abs(result.patches[0] - full).mean() < 5  # rounding of the weights only


def test_a_variant_that_is_not_there_is_a_fallback(models):
    model = replace(spec(models / "sd15"), variant="fp16")
    result = generate(model, control=ControlUnit(kind="canny"))
    assert [
        sentence.partition(" has no weights of the variant fp16")[0]
        for sentence in (result.fallbacks)
    ] == ["Tiny", "The ControlNet sd15_control"]
    assert all(".fp16." not in file.name for file in result.model.files)
