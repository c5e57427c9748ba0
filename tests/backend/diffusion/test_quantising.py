"""Networks in fewer bits: they paint nearly the same, hold less, and are told of in the record."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import SD3Transformer2DModel
from safetensors.numpy import load_file
from sampling_support import FLOWS, flow_spec, generate, job, painted_change, patch, spec
from tiny_additions import make_lora
from tiny_gguf import write_gguf
from whole_files import sd3_tensors

from genimg_ui.backend.device import Device
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.backend.diffusion.models import Models, expected_bytes
from genimg_ui.core.geometry import Size
from genimg_ui.core.memory import Offload
from genimg_ui.core.request import ControlUnit, LoraUnit
from genimg_ui.errors import ModelUnavailable, RefusedInput
from genimg_ui.registry import ModelSpec, availability, load_registry
from genimg_ui.registry.adapters import LoraSpec
from genimg_ui.registry.memory import needs_of
from genimg_ui.weights.fetch import OnFetching
from genimg_ui.weights.hashes import WeightHashes

pytestmark = pytest.mark.torch
NEAR = 4.0  # grey levels; eight bits of weights are that exact in a few steps of a tiny model
torchao = pytest.mark.skipif(
    importlib.util.find_spec("torchao") is None, reason="torchao is not installed"
)
TRANSFORMERS = ("sd3", "flux", "flux_fill", "qwen", "zimage")


def quantised(model: ModelSpec, **networks: str) -> ModelSpec:
    return replace(model, quantisation=tuple(networks.items()))


def held(model: ModelSpec) -> int:
    """Bytes of the weights once they are in memory."""
    models = Models(Device("cpu", torch.float32), WeightHashes(), safety=False, budget=2**40)
    models.load(model, OnFetching(), Offload.NONE)
    return models.bytes


def transformer_of(folder: Path) -> Any:
    """Its tensors under the names that files of it have."""
    if folder.name == "sd3":  # known by its authors' names alone
        network = SD3Transformer2DModel.from_pretrained(folder / "transformer")
        return {name: value.numpy() for name, value in sd3_tensors(network).items()}
    return load_file(folder / "transformer" / "diffusion_pytorch_model.safetensors")


def assert_near(one: Any, other: Any) -> None:
    assert 0 < painted_change(one, other) < NEAR


@torchao
@pytest.mark.parametrize("method", ["int8", "fp8"])
def test_quantised_networks_paint_nearly_the_same_and_hold_less(backend, flow_models, method):
    plain = flow_spec(flow_models / "flux")
    model = quantised(plain, transformer=method, text_encoder_2=method)
    result = generate(DiffusersBackend(), job(model))
    assert_near(result.patches[0], patch(backend, plain))
    one = generate(DiffusersBackend(), job(quantised(plain, transformer=method))).patches[0]
    assert not np.array_equal(one, result.patches[0])  # each named network is
    assert result.model.quantisation == f"text_encoder_2 {method}, transformer {method}"
    assert "torchao" in result.environment
    assert held(model) < held(plain)
    assert held(model) == pytest.approx(
        expected_bytes(model, Device("cpu", torch.float32)), rel=0.1
    )
    before, after = (
        needs_of(each, Size(64, 64), guided=False, number=4).weights for each in (plain, model)
    )
    assert after["transformer"] < 0.6 * before["transformer"]
    assert after["text_encoder_2"] < before["text_encoder_2"]
    assert after["vae"] == before["vae"]


@torchao
def test_a_quantised_unet_takes_controls_and_loras(backend, models, tmp_path):
    make_lora(models / "sdxl" / "unet", tmp_path / "ink")
    plain = replace(
        spec(models / "sdxl"), loras=(LoraSpec(name="ink", source=str(tmp_path / "ink")),)
    )
    model = quantised(plain, unet="int8")
    own = DiffusersBackend()
    for changes in ({}, {"control": ControlUnit(kind="canny")}):
        assert_near(patch(own, model, **changes), patch(backend, plain, **changes))
    work = job(model)
    request = replace(work.resolved.request, loras=(LoraUnit(name="ink"),))
    worn = replace(work, resolved=replace(work.resolved, request=request))
    assert painted_change(generate(own, worn).patches[0], patch(own, model)) > NEAR
    assert_near(patch(own, model), patch(backend, plain))  # and it came off again


@torchao
def test_a_single_denoiser_is_quantised_beside_the_rest(flow_models):
    folder = flow_models / "flux"
    alone = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    plain = flow_spec(folder, source=str(alone), config=str(folder))
    model = quantised(plain, transformer="int8", text_encoder_2="int8")
    assert held(model) < held(plain)
    folders = quantised(flow_spec(folder), transformer="int8", text_encoder_2="int8")
    np.testing.assert_array_equal(
        patch(DiffusersBackend(), model), patch(DiffusersBackend(), folders)
    )


@torchao
def test_what_cannot_be_quantised_is_refused(flow_models):
    model = flow_spec(flow_models / "flux")
    with pytest.raises(ModelUnavailable, match="Tiny has no text_encoder_3 that could be"):
        patch(DiffusersBackend(), quantised(model, text_encoder_3="int8"))


def test_methods_of_gpus_are_refused_elsewhere(flow_models, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    cpu = DiffusersBackend(device=Device("cpu", torch.float32))
    for method in ("nf4", "int4"):
        model = quantised(flow_spec(flow_models / "flux"), transformer=method)
        with pytest.raises(ModelUnavailable, match=f"on cpu: the quantisation {method} of its tra"):
            patch(cpu, model)


def test_a_library_that_is_not_installed_is_named(flow_models, monkeypatch):
    usual = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torchao" else usual(name)
    )
    model = quantised(flow_spec(flow_models / "flux"), transformer="int8")
    said = "its quantisation int8 needs the library torchao, which is not installed; run `pip inst"
    assert said in str(availability(model))
    with pytest.raises(ModelUnavailable, match="needs the library torchao"):
        patch(DiffusersBackend(), model)


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_a_gguf_file_paints_nearly_the_pixels_of_its_folder(flow_models, tmp_path, name):
    folder = flow_models / name
    path = write_gguf(transformer_of(folder), tmp_path / "mine.gguf", note="tiny")
    text = f"models:\n  tiny: {{source: {path}, config: {folder}, title: Tiny}}\n"
    (tmp_path / "models.yaml").write_text(text, encoding="utf-8")
    model = load_registry(tmp_path / "models.yaml").get("tiny")
    assert model.family == FLOWS[name]
    assert availability(model) is None
    result = generate(DiffusersBackend(), job(model))
    plain = flow_spec(folder)
    assert_near(result.patches[0], patch(DiffusersBackend(), plain))
    assert [file.name for file in result.model.files] == ["mine.gguf"]
    assert "gguf" in result.environment
    counted = needs_of(model, Size(64, 64), guided=False, number=4)
    assert 0 < counted.weights["transformer"] < path.stat().st_size
    full = needs_of(plain, Size(64, 64), guided=False, number=4)
    assert counted.weights["transformer"] < 0.7 * full.weights["transformer"]
    assert counted.sampling == full.sampling


def test_a_gguf_file_is_not_quantised_again_nor_read_in_part(flow_models, tmp_path, monkeypatch):
    folder = flow_models / "flux"
    path = write_gguf(transformer_of(folder), tmp_path / "mine.gguf")
    model = flow_spec(folder, source=str(path), config=str(folder))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    again = quantised(model, transformer="int8")
    assert "mine.gguf is quantised already" in str(availability(again))
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(path.read_bytes()[:-40])
    assert "bytes; download it anew" in str(availability(replace(model, source=str(cut))))


def test_fused_loras_and_unknown_words_are_refused(tmp_path: Path) -> None:
    cases = {
        "{source: a/b, lora: c/d, quantisation: {unet: int8}}": "lora cannot be fused into quant",
        "{source: a/b, quantisation: {vae: int8}}": "vae is unknown; known keys: transformer, unet",
        "{source: a/b, quantisation: {unet: int3}}": "must be one of int8, fp8, int4, nf4, got",
        "{engine: exemplar, quantisation: {unet: int8}}": "is not used by the engine exemplar",
    }
    for entry, sentence in cases.items():
        (tmp_path / "models.yaml").write_text(f"models:\n  own: {entry}\n", encoding="utf-8")
        with pytest.raises(RefusedInput, match=sentence):
            load_registry(tmp_path / "models.yaml")
