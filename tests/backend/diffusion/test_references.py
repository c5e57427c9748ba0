"""Reference pictures by a tiny real IP-Adapter: each of their numbers acts, none stays."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from sampling_support import generate, job, painted_change, patch, picture, spec
from tiny_additions import make_ip_adapter
from torch import zeros

from genimg_ui.backend.base import BackendJob, ReferenceInput, Rgb
from genimg_ui.backend.device import pick_device
from genimg_ui.backend.diffusion import pipelines
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.backend.diffusion.placing import plan
from genimg_ui.backend.diffusion.tuning import Tuning
from genimg_ui.core.memory import GIB, WHOLE, Offload
from genimg_ui.core.request import ControlUnit, ReferenceUnit
from genimg_ui.core.speed import SpeedParams
from genimg_ui.errors import ModelUnavailable
from genimg_ui.registry import ModelSpec
from genimg_ui.registry.adapters import ReferenceSpec

pytestmark = pytest.mark.torch

MODELS = ("sd15_inpaint", "sdxl")
BLUE = np.full((50, 90, 3), (10, 20, 240), np.uint8)
CHECKED = np.kron(np.indices((8, 8)).sum(0) % 2, np.ones((9, 9))).astype(np.uint8)[..., None] * 255
CHECKED = np.repeat(CHECKED, 3, axis=2)


@pytest.fixture(scope="module")
def adapters(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("adapters")
    for name in MODELS:
        make_ip_adapter(models / name / "unet", root / name)
    return root


def reading(models: Path, adapters: Path, name: str, **changes: Any) -> ModelSpec:
    values = {"kind": "ip_adapter", "source": str(adapters / name), "file": "adapter.safetensors"}
    return replace(spec(models / name), references=(ReferenceSpec(**(values | changes)),))


def like(model: ModelSpec, *references: tuple[Rgb, dict[str, Any]], **changes: Any) -> BackendJob:
    work = job(model, **({"num_inference_steps": 4, "scheduler": "ddim"} | changes))
    inputs = tuple(
        ReferenceInput(ReferenceUnit(picture="0" * 64, **numbers), image)
        for image, numbers in references
    )
    units = tuple(each.unit for each in inputs)
    request = replace(work.resolved.request, references=units)
    resolved = replace(work.resolved, request=request)
    return replace(work, resolved=resolved, references=inputs)


def painted(backend: Any, model: ModelSpec, *references: Any, **changes: Any) -> Rgb:
    return generate(backend, like(model, *references, **changes)).patches[0]


@pytest.mark.parametrize("guidance", [7.0, 1.0])
@pytest.mark.parametrize("name", MODELS)
def test_each_picture_and_number_gives_another_result(backend, models, adapters, name, guidance):
    model = reading(models, adapters, name)
    chosen = [
        (),
        ((BLUE, {}),),
        ((CHECKED, {}),),
        ((BLUE, {"scale": 0.4}),),
        ((BLUE, {"end": 0.5}),),
        ((BLUE, {"start": 0.5}),),
        ((BLUE, {}), (CHECKED, {"scale": 0.7})),
    ]
    results = [painted(backend, model, *each, guidance_scale=guidance) for each in chosen]
    for index, one in enumerate(results):
        for other in results[:index]:
            assert painted_change(one, other) > 0.1


@pytest.mark.parametrize("name", MODELS)
def test_a_weight_of_0_is_no_reference_and_nothing_stays(backend, models, adapters, name):
    model = reading(models, adapters, name)
    before = painted(backend, model)
    np.testing.assert_array_equal(painted(backend, model, (BLUE, {"scale": 0.0})), before)
    with_blue = painted(backend, model, (BLUE, {}))
    np.testing.assert_array_equal(painted(backend, model), before)
    np.testing.assert_array_equal(painted(backend, model, (BLUE, {})), with_blue)


@pytest.mark.parametrize("name", MODELS)
def test_references_act_the_same_where_projections_are_fused(models, adapters, name, monkeypatch):
    model, own = reading(models, adapters, name), DiffusersBackend()
    two = replace(like(model, (BLUE, {})).resolved, seeds=(1, 2))
    work = replace(like(model, (BLUE, {})), resolved=two)
    wanted = [painted(own, model), *generate(own, work).patches]
    monkeypatch.setattr(pipelines, "tuning_for", lambda *_: Tuning(fused_qkv=True))
    fused = DiffusersBackend()
    for _ in range(2):
        found = [painted(fused, model), *generate(fused, work).patches]
        for one, other in zip(found, wanted, strict=True):
            assert np.abs(one.astype(int) - other).max() <= 1
    kinds = {type(each).__name__ for each in fused._loaded.pipe.unet.attn_processors.values()}
    assert kinds == {"FusedAttnProcessor2_0"}


def test_a_reference_works_beside_a_control(backend, models, adapters):
    model, canny = reading(models, adapters, "sd15_inpaint"), ControlUnit(kind="canny")
    alone = painted(backend, model, (BLUE, {}))
    both = painted(backend, model, (BLUE, {}), control=canny)
    control = painted(backend, model, control=canny)
    assert painted_change(alone, both) > 0.5
    assert painted_change(control, both) > 0.5


def test_a_reference_holds_on_where_guidance_has_ended(backend, models, adapters):
    model = reading(models, adapters, "sd15_inpaint")
    speed = SpeedParams(guidance_end=0.5)
    results = []
    for references in ((), ((BLUE, {}),)):
        work = like(model, *references)
        request = replace(work.resolved.request, speed=speed)
        work = replace(work, resolved=replace(work.resolved, request=request))
        results.append(generate(backend, work).patches[0])
    assert painted_change(*results) > 0.1
    assert painted_change(results[1], painted(backend, model, (BLUE, {}))) > 0.1


def test_the_working_size_is_not_the_references_affair(backend, models, adapters):
    model = reading(models, adapters, "sd15_inpaint")
    crop = picture(40, 72)
    result = painted(backend, model, (BLUE, {}), image=crop)
    assert result.shape == crop.shape


def test_the_record_names_the_adapter(backend, models, adapters):
    model = reading(models, adapters, "sd15_inpaint")
    parts = generate(backend, like(model, (BLUE, {}), (CHECKED, {}))).model.parts
    assert [(part.role, part.name, part.source) for part in parts] == [
        ("reference", "ip_adapter", "sd15_inpaint"),
        ("image_encoder", "ip_adapter", "sd15_inpaint"),
    ]
    weights = adapters / "sd15_inpaint" / "image_encoder" / "model.safetensors"
    digests = [part.files[0].sha256 for part in parts]
    assert len(digests[0]) == 64
    assert digests[1] == hashlib.sha256(weights.read_bytes()).hexdigest()


def test_a_broken_or_foreign_adapter_is_refused_and_leaves_nothing(models, adapters, tmp_path):
    own, plain = DiffusersBackend(), spec(models / "sd15_inpaint")
    before = patch(own, plain)
    save_file({"x": zeros(1)}, tmp_path / "other.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"no weights")
    cases = [
        ({"source": str(adapters / "sdxl")}, "The reference adapter could not be loaded"),
        ({"encoder": "elsewhere"}, "The image encoder of references cannot be used: .* lacks"),
        ({"file": "none.safetensors"}, "The reference adapter cannot be used: .* lacks none"),
    ]
    for changes, sentence in cases:
        with pytest.raises(ModelUnavailable, match=sentence):
            painted(own, reading(models, adapters, "sd15_inpaint", **changes), (BLUE, {}))
        np.testing.assert_array_equal(patch(own, plain), before)


@pytest.mark.parametrize("fused", [False, True])
def test_an_edit_with_the_same_adapter_does_not_read_it_again(models, adapters, monkeypatch, fused):
    if fused:
        monkeypatch.setattr(pipelines, "tuning_for", lambda *_: Tuning(fused_qkv=True))
    model, own = reading(models, adapters, "sd15_inpaint"), DiffusersBackend()
    plain, loads = painted(own, model), []
    pipe = own._loaded.pipe
    load = pipe.load_ip_adapter
    monkeypatch.setattr(pipe, "load_ip_adapter", lambda *a, **k: loads.append(1) or load(*a, **k))
    seen: list[Any] = []
    for chosen, wanted in (("blue", 1), ("checked", 0), ("blue", 0), ("", 0), ("blue", 1)):
        loads.clear()
        pictures = {"blue": [(BLUE, {})], "checked": [(CHECKED, {})], "": []}[chosen]
        seen.append(painted(own, model, *pictures))
        assert len(loads) == wanted, chosen
    blue, checked, again, none, last = seen
    np.testing.assert_array_equal(none, plain)
    for other in (again, last, painted(DiffusersBackend(), model, (BLUE, {}))):
        np.testing.assert_array_equal(other, blue)
    assert painted_change(blue, checked) > 0.1


def test_adapters_and_their_encoder_count_as_memory_and_make_others_go(models, adapters):
    own, model = DiffusersBackend(), reading(models, adapters, "sd15_inpaint")
    painted(own, model)
    bare = own._models.bytes
    wanted = painted(own, model, (BLUE, {}))
    worn = own._models.bytes
    file, encoder = (
        sum(tensor.nbytes for tensor in load_file(adapters / "sd15_inpaint" / name).values())
        for name in ("adapter.safetensors", "image_encoder/model.safetensors")
    )
    assert worn - bare >= file + encoder
    painted(own, model)
    assert bare < own._models.bytes <= worn - file  # the encoder is kept for the next one
    own._models._cache.budget = own._models.bytes
    patch(own, spec(models / "sd15"))
    assert "encoder" not in {key[0] for key in own._models._cache.keys}
    np.testing.assert_array_equal(painted(own, model, (BLUE, {})), wanted)


def test_what_references_need_is_planned_with(models, adapters):
    model = reading(models, adapters, "sd15_inpaint")
    peaks = []
    for references in ((), ((BLUE, {}),)):
        found = plan(like(model, *references), pick_device(), available=GIB, floor=Offload.NONE)
        assert found.needs is not None
        peaks.append(found.needs.peak(WHOLE))
    assert peaks[0] < peaks[1]
