"""Whole checkpoints of sdxl and sd3 in the published names paint the pixels of their folders."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from diffusers.loaders import single_file_model
from sampling_support import flow_spec, generate, job, patch, spec
from tiny_flow_models import make_sd3
from tiny_models import make_sdxl
from whole_files import (
    SECOND_WIDTH,
    make_first_projection_plain,
    write_flux,
    write_sd3,
    write_sdxl,
)

from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.core.geometry import Size
from genimg_ui.registry import availability
from genimg_ui.registry.memory import needs_of
from genimg_ui.weights.recognise import recognise_file

pytestmark = pytest.mark.torch
WRAP = "model.diffusion_model."


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders, the same in one file, and configurations without weights."""
    root = tmp_path_factory.mktemp("whole")
    make_sdxl(root / "sdxl", second_width=SECOND_WIDTH)
    make_sd3(root / "sd3", second_width=SECOND_WIDTH)
    make_first_projection_plain(root / "sd3")
    write_sdxl(root / "sdxl", root / "sdxl.safetensors")
    write_sd3(root / "sd3", root / "sd3.safetensors")
    for name in ("sdxl", "sd3"):
        bare = shutil.ignore_patterns("*.safetensors")
        shutil.copytree(root / name, root / f"{name}_config", ignore=bare)
    return root


@pytest.mark.parametrize("name", ["sdxl", "sd3"])
def test_a_whole_file_paints_the_pixels_of_its_folder(root, name):
    folder = spec(root / name) if name == "sdxl" else flow_spec(root / name)
    own = {"source": str(root / f"{name}.safetensors"), "config": str(root / f"{name}_config")}
    model = replace(folder, **own)
    found = recognise_file(root / f"{name}.safetensors")
    assert (found.family, found.whole, found.absent) == (name, True, ())
    assert availability(model) is None
    result = generate(DiffusersBackend(), job(model))
    np.testing.assert_array_equal(result.patches[0], patch(DiffusersBackend(), folder))
    [config] = result.model.parts
    assert (config.role, config.files) == ("config", ())
    one, all_of_it = (
        needs_of(each, Size(64, 64), guided=True, number=4) for each in (model, folder)
    )
    assert sum(one.weights.values()) == pytest.approx(sum(all_of_it.weights.values()), rel=0.05)
    assert (one.sampling, one.decoding) == (all_of_it.sampling, all_of_it.decoding)


def test_a_whole_file_of_flux_brings_its_encoders(flow_models, tmp_path, monkeypatch):
    """Only what renames the transformer's tensors is ours: see `write_flux`."""
    folder = flow_spec(flow_models / "flux")
    path = write_flux(flow_models / "flux", tmp_path / "whole.safetensors")
    bare = shutil.ignore_patterns("*.safetensors")
    config = shutil.copytree(flow_models / "flux", tmp_path / "config", ignore=bare)
    monkeypatch.setitem(
        single_file_model.SINGLE_FILE_LOADABLE_CLASSES["FluxTransformer2DModel"],
        "checkpoint_mapping_fn",
        lambda checkpoint, **_: {
            name.removeprefix(WRAP): value
            for name, value in checkpoint.items()
            if name.startswith(WRAP)
        },
    )
    found = recognise_file(path)
    assert (found.family, found.whole, found.absent) == ("flux", True, ())
    model = replace(folder, source=str(path), config=str(config))
    np.testing.assert_array_equal(
        patch(DiffusersBackend(), model), patch(DiffusersBackend(), folder)
    )


def test_what_a_whole_file_lacks_is_read_beside_its_configuration(root, tmp_path):
    """Stable Diffusion 3 is also published without its third text encoder."""
    path = write_sd3(root / "sd3", tmp_path / "clips.safetensors", without="text_encoders.t5xxl.")
    assert recognise_file(path).absent == ("text_encoder_3",)
    folder = flow_spec(root / "sd3")
    bare = replace(folder, source=str(path), config=str(root / "sd3_config"))
    assert "lacks text_encoder_3/*.safetensors" in str(availability(bare))
    model = replace(bare, config=str(root / "sd3"))
    result = generate(DiffusersBackend(), job(model))
    np.testing.assert_array_equal(result.patches[0], patch(DiffusersBackend(), folder))
    [config] = result.model.parts
    assert {file.name.split("/")[0] for file in config.files} == {"text_encoder_3"}


def test_a_whole_file_is_not_quantised(root, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    model = replace(
        spec(root / "sdxl"),
        source=str(root / "sdxl.safetensors"),
        config=str(root / "sdxl"),
        quantisation=(("unet", "int8"),),
    )
    assert "quantisation needs a folder, or a file with the denoiser alone" in str(
        availability(model)
    )
