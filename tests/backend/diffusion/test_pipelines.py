"""Loading: folders as they are on disk, whole and broken, and models that are not here."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sampling_support import Events, job, spec

from genimg_ui.backend.base import CancelToken
from genimg_ui.backend.diffusion import sources
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.core.request import ControlUnit
from genimg_ui.errors import ModelUnavailable, RefusedInput
from genimg_ui.registry import ModelSpec, availability
from genimg_ui.weights import folders
from genimg_ui.weights.fetch import Fetching, OnFetching, Wanted

pytestmark = pytest.mark.torch


@pytest.fixture
def copy(models: Path, tmp_path: Path) -> Path:
    """A model that a test may damage."""
    shutil.copytree(models / "sd15_control", tmp_path / "sd15_control")
    return Path(shutil.copytree(models / "sd15", tmp_path / "sd15"))


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


def test_a_hub_model_is_fetched_at_its_first_use(no_hub, models, monkeypatch):
    asked: list[Wanted] = []

    def fetch(wanted: Wanted, watch: OnFetching) -> Path:
        asked.append(wanted)
        watch.tell(Fetching(done=1, total=2, text="half of it"))
        root = folders.repository(wanted.hub_id)
        shutil.copytree(models / "sd15", root / "snapshots" / "v1")
        return root

    monkeypatch.setattr(folders, "hub_reachable", lambda: True)
    monkeypatch.setattr(sources, "fetch", fetch)
    model = replace(spec(models / "sd15"), source="owner/model", revision="v1", download_gib=2.0)
    events = Events()
    DiffusersBackend().generate(job(model, num_inference_steps=1), events.append, CancelToken())
    assert events.texts()[0] == "downloading Tiny (about 2 GB)"
    assert "half of it" in events.texts()[1]
    assert asked == [Wanted(hub_id="owner/model", revision="v1")]
    assert no_hub.exists()


def test_a_fetch_that_does_not_help_is_not_repeated(no_hub, models, monkeypatch):
    calls: list[Wanted] = []
    monkeypatch.setattr(folders, "hub_reachable", lambda: True)
    monkeypatch.setattr(sources, "fetch", lambda wanted, _watch: calls.append(wanted))
    with pytest.raises(ModelUnavailable, match="Tiny cannot be used: its weights are not on this"):
        generate(replace(spec(models / "sd15"), source="owner/model"))
    assert len(calls) == 1
    assert not no_hub.exists()


def test_code_in_a_model_is_never_run(copy):
    """An index that names a class of its own, and the module that would bring it."""
    marker = copy / "ran"
    code = (
        f"open({str(marker)!r}, 'w').close()\nfrom diffusers import UNet2DConditionModel as Own\n"
    )
    (copy / "unet" / "own_unet.py").write_text(code)
    (copy / "pipeline.py").write_text(code)
    index = json.loads((copy / "model_index.json").read_text())
    index |= {"unet": ["own_unet", "Own"]}
    (copy / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(ModelUnavailable, match="Tiny could not be loaded from"):
        generate(spec(copy))
    assert not marker.exists()


def test_pickles_are_read_only_where_the_entry_says_so(copy, models):
    for part in ("unet", "vae", "text_encoder"):
        [path] = (copy / part).glob("*.safetensors")
        stem = "pytorch_model" if part == "text_encoder" else path.stem
        torch.save(load_file(path), copy / part / f"{stem}.bin")
        path.unlink()
    with pytest.raises(ModelUnavailable, match="only safetensors are loaded"):
        generate(spec(copy))
    trusted = generate(replace(spec(copy), allow_pickle=True))
    np.testing.assert_array_equal(trusted.patches[0], generate(spec(models / "sd15")).patches[0])
    assert {file.name.rsplit(".", 1)[1] for file in trusted.model.files} == {"bin"}


def test_a_pickle_that_holds_code_is_refused_even_so(copy):
    class Evil:
        def __reduce__(self) -> Any:
            return (Path(copy / "ran").touch, ())

    [path] = (copy / "unet").glob("*.safetensors")
    torch.save({"conv_in.weight": Evil()}, copy / "unet" / f"{path.stem}.bin")
    path.unlink()
    with pytest.raises(ModelUnavailable, match="could not be loaded"):
        generate(replace(spec(copy), allow_pickle=True))
    assert not (copy / "ran").exists()


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
