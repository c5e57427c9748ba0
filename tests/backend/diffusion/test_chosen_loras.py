"""LoRAs that an edit chooses: they act by their weight, and never reach the next edit."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import save_file
from sampling_support import (
    flow_spec,
    generate,
    hole,
    job,
    painted_change,
    patch,
    picture,
    spec,
)
from tiny_additions import make_flow_lora, make_lora
from torch import ones

from genimg_ui.backend.base import Backend, BackendJob, CancelToken
from genimg_ui.backend.diffusion import pipelines
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.backend.diffusion.tuning import Tuning
from genimg_ui.core.request import LoraUnit
from genimg_ui.errors import Cancelled, ModelUnavailable
from genimg_ui.registry import ModelSpec
from genimg_ui.registry.adapters import LoraSpec

pytestmark = pytest.mark.torch

MODELS = ("sd15_inpaint", "sdxl")


@pytest.fixture(scope="module")
def loras(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("loras")
    for model in MODELS:
        for seed, name in enumerate(("ink", "oil")):
            make_lora(models / model / "unet", root / f"{model}-{name}", seed=seed)
    return root


def styled(models: Path, loras: Path, name: str = "sd15_inpaint") -> ModelSpec:
    chosen = tuple(
        LoraSpec(name=style, source=str(loras / f"{name}-{style}")) for style in ("ink", "oil")
    )
    return replace(spec(models / name), loras=chosen)


def wearing(model: ModelSpec, *units: LoraUnit, **changes: Any) -> BackendJob:
    work = job(model, **changes)
    request = replace(work.resolved.request, loras=units)
    return replace(work, resolved=replace(work.resolved, request=request))


def painted(backend: Backend, model: ModelSpec, *units: LoraUnit) -> Any:
    return generate(backend, wearing(model, *units)).patches[0]


INK, OIL = LoraUnit(name="ink"), LoraUnit(name="oil")


@pytest.mark.parametrize("name", MODELS)
def test_each_lora_and_each_weight_gives_another_picture(backend, models, loras, name):
    model = styled(models, loras, name)
    weights = [LoraUnit(name="ink", scale=scale) for scale in (-1.0, 0.3, 1.0, 2.0)]
    pictures = [patch(backend, model), *(painted(backend, model, unit) for unit in weights)]
    pictures += [painted(backend, model, OIL), painted(backend, model, INK, OIL)]
    for index, one in enumerate(pictures):
        for other in pictures[:index]:
            assert painted_change(one, other) > 0.5


@pytest.mark.parametrize("name", MODELS)
def test_nothing_of_a_lora_reaches_the_next_edit(backend, models, loras, name):
    model = styled(models, loras, name)
    before = patch(backend, model)
    painted(backend, model, INK, OIL)
    np.testing.assert_array_equal(patch(backend, model), before)
    with_ink = painted(backend, model, INK)
    painted(backend, model, OIL)
    np.testing.assert_array_equal(painted(backend, model, INK), with_ink)


@pytest.mark.parametrize("name", ["sd3", "flux", "qwen", "zimage"])
def test_flow_families_wear_loras_too_and_take_them_off(backend, flow_models, tmp_path, name):
    file = make_flow_lora(flow_models / name / "transformer", tmp_path / "ink.safetensors")
    model = flow_spec(flow_models / name, loras=(LoraSpec(name="ink", source=str(file)),))
    small = {"image": picture(48, 48), "mask": hole(48, 48), "num_inference_steps": 2}
    before = patch(backend, model, **small)
    worn = generate(backend, wearing(model, INK, **small)).patches[0]
    assert not np.array_equal(before, worn)
    np.testing.assert_array_equal(patch(backend, model, **small), before)


@pytest.mark.parametrize(
    ("module", "shape"), [("x_embedder", (32, 64)), ("transformer_blocks.0.attn.to_q", (32, 32))]
)
def test_a_lora_wider_than_the_model_is_refused_and_leaves_nothing(
    flow_models, tmp_path, module, shape
):
    outputs, inputs = shape
    file = tmp_path / "wide.safetensors"
    key = f"transformer.{module}"
    save_file(
        {f"{key}.lora_A.weight": ones(2, inputs * 2), f"{key}.lora_B.weight": ones(outputs, 2)},
        file,
    )
    own = DiffusersBackend()
    model = flow_spec(flow_models / "flux", loras=(LoraSpec(name="ink", source=str(file)),))
    small = {"image": picture(48, 48), "mask": hole(48, 48), "num_inference_steps": 2}
    before = patch(own, model, **small)
    layer = own._loaded.pipe.transformer.get_submodule(module)
    assert tuple(layer.weight.shape) == shape
    name = module.rpartition(".")[2]
    with pytest.raises(ModelUnavailable, match=f"The LoRA ink cannot .* Tiny: .* layers {name}. "):
        generate(own, wearing(model, INK, **small))
    np.testing.assert_array_equal(patch(own, model, **small), before)
    layer = own._loaded.pipe.transformer.get_submodule(module)
    assert tuple(layer.weight.shape) == shape


def test_a_weight_of_0_is_no_lora(backend, models, loras):
    model = styled(models, loras)
    none = painted(backend, model, LoraUnit(name="ink", scale=0.0))
    np.testing.assert_array_equal(none, patch(backend, model))


def test_loras_act_the_same_where_projections_are_fused(models, loras, monkeypatch):
    model, own = styled(models, loras), DiffusersBackend()
    wanted = [painted(own, model), painted(own, model, INK), painted(own, model)]
    monkeypatch.setattr(pipelines, "tuning_for", lambda *_: Tuning(fused_qkv=True))
    fused = DiffusersBackend()
    found = [painted(fused, model), painted(fused, model, INK), painted(fused, model)]
    for one, other in zip(found, wanted, strict=True):
        assert np.abs(one.astype(int) - other).max() <= 1
    np.testing.assert_array_equal(painted(fused, model, INK), found[1])


def test_their_order_changes_nothing(backend, models, loras):
    model = styled(models, loras)
    one, other = painted(backend, model, INK, OIL), painted(backend, model, OIL, INK)
    np.testing.assert_array_equal(one, other)


def test_a_cancelled_edit_leaves_no_lora_behind(models, loras):
    own, model = DiffusersBackend(), styled(models, loras)
    before = patch(own, model)
    token = CancelToken()

    def stop(event: Any) -> None:
        if "step 1" in getattr(event, "text", ""):
            token.cancel()

    with pytest.raises(Cancelled):
        own.generate(wearing(model, INK), stop, token)
    np.testing.assert_array_equal(patch(own, model), before)


def test_the_record_names_each_lora_with_weight_and_digest(backend, models, loras):
    units = (LoraUnit(name="ink", scale=0.5), OIL)
    result = generate(backend, wearing(styled(models, loras), *units, num_inference_steps=1))
    parts = [(part.role, part.name, part.source) for part in result.model.parts]
    assert parts == [
        ("lora", "ink:0.5", "sd15_inpaint-ink"),
        ("lora", "oil:1", "sd15_inpaint-oil"),
    ]
    assert all(len(part.files[0].sha256) == 64 for part in result.model.parts)
    assert "peft" in result.environment


def test_a_broken_or_foreign_lora_is_refused_and_leaves_nothing(models, loras, tmp_path):
    own, model = DiffusersBackend(), styled(models, loras)
    before = patch(own, model)
    whole = next((loras / "sd15_inpaint-ink").glob("*.safetensors")).read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    places = {
        "cut": (tmp_path / "cut.safetensors", "The LoRA cut could not be loaded"),
        "foreign": (loras / "sdxl-ink", "The LoRA foreign"),
        "absent": (tmp_path / "nowhere", "The LoRA absent cannot be used: .* not on this machine"),
    }
    for name, (place, sentence) in places.items():
        wrong = replace(model, loras=(LoraSpec(name=name, source=str(place)), *model.loras))
        with pytest.raises(ModelUnavailable, match=sentence):
            generate(own, wearing(wrong, INK, LoraUnit(name=name)))
        np.testing.assert_array_equal(patch(own, wrong), before)


def counted(own: DiffusersBackend, name: str, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Gets an item for each call of a method of the loaded pipeline."""
    pipe, calls = own._loaded.pipe, []
    method = getattr(pipe, name)

    def call(*places: Any, **named: Any) -> Any:
        calls.append(1)
        return method(*places, **named)

    monkeypatch.setattr(pipe, name, call)
    return calls


def test_an_edit_with_the_same_loras_does_not_read_them_again(models, loras, tmp_path, monkeypatch):
    own, file = DiffusersBackend(), tmp_path / "ink.safetensors"
    shutil.copy(next((loras / "sd15_inpaint-ink").glob("*.safetensors")), file)
    model = replace(
        spec(models / "sd15_inpaint"),
        loras=(
            LoraSpec(name="ink", source=str(file)),
            LoraSpec(name="oil", source=str(loras / "sd15_inpaint-oil")),
        ),
    )
    plain = patch(own, model)
    loads = counted(own, "load_lora_weights", monkeypatch)
    half = LoraUnit(name="ink", scale=0.5)
    turns = [((INK,), 1), ((INK,), 0), ((INK, OIL), 2), ((OIL, INK), 0), ((), 0), ((INK,), 1)]
    turns += [((half,), 1), ((half,), 0), ((INK,), 1)]
    seen: dict[tuple[LoraUnit, ...], Any] = {}
    for units, wanted in turns:
        loads.clear()
        made = painted(own, model, *units)
        assert len(loads) == wanted, units
        key = tuple(sorted(units, key=lambda unit: unit.name))
        np.testing.assert_array_equal(made, seen.setdefault(key, made))
    np.testing.assert_array_equal(seen[()], plain)
    for units in ((INK,), (INK, OIL)):  # as an engine paints that has done nothing else
        np.testing.assert_array_equal(painted(DiffusersBackend(), model, *units), seen[units])
    shutil.copy(next((loras / "sd15_inpaint-oil").glob("*.safetensors")), file)
    assert painted_change(painted(own, model, INK), seen[(INK,)]) > 0.5


def test_loras_that_are_kept_count_as_memory_and_make_others_go(models, loras):
    own, model = DiffusersBackend(), styled(models, loras)
    patch(own, model)
    bare = own._models.bytes
    painted(own, model, INK)
    assert own._models.bytes > bare
    patch(own, model)
    assert own._models.bytes == bare
    patch(own, spec(models / "sd15"))
    own._models._cache.budget = own._models.bytes  # both fit as long as none wears a LoRA
    painted(own, model, INK)
    assert own._models.kept(spec(models / "sd15")) is None
    assert own._models.kept(model) is not None
