"""T2I-Adapters as controls of both families, alone and beside a ControlNet."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from diffusers import T2IAdapter
from sampling_support import generate, job, painted_change, patch, picture, spec
from tiny_additions import make_t2i_adapter

from genimg_ui.backend.base import ControlInput
from genimg_ui.core.request import ControlUnit
from genimg_ui.errors import ModelUnavailable
from genimg_ui.weights.folders import cached_snapshot
from tests.hub_server import Hub, be_the_only_hub, running

pytestmark = pytest.mark.torch

MODELS = ("sd15_inpaint", "sdxl")


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_t2i_adapter(tmp_path_factory.mktemp("t2i") / "sketch")


def drawn(**numbers: float) -> ControlUnit:
    return ControlUnit(kind="canny", **numbers)


@pytest.mark.parametrize("name", MODELS)
def test_each_number_of_an_adapter_changes_the_picture(backend, models, adapter, name):
    model = replace(spec(models / name), controls=(("canny", str(adapter)),))
    units = [
        None,
        drawn(),
        drawn(controlnet_conditioning_scale=0.4),
        drawn(control_guidance_start=0.5),
        drawn(control_guidance_end=0.5),
    ]
    common = {"scheduler": "ddim", "num_inference_steps": 4}
    results = [patch(backend, model, control=unit, **common) for unit in units]
    for index, one in enumerate(results):
        for other in results[:index]:
            assert painted_change(one, other) > 0.05
    np.testing.assert_array_equal(
        patch(backend, model, control=drawn(controlnet_conditioning_scale=0.0), **common),
        results[0],
    )


def test_its_map_acts_at_any_size_of_the_crop(backend, models, adapter):
    model = replace(spec(models / "sd15_inpaint"), controls=(("canny", str(adapter)),))
    for height, width in ((40, 72), (61, 35)):
        work = job(model, image=picture(height, width), control=drawn())
        blank = replace(work.controls[0], image=np.zeros_like(work.controls[0].image))
        one, other = (
            generate(backend, each).patches[0] for each in (work, replace(work, controls=(blank,)))
        )
        assert one.shape == (height, width, 3)
        assert not np.array_equal(one, other)


def test_it_works_beside_a_controlnet(backend, models, adapter):
    control = models / "sd15_control"
    model = replace(
        spec(models / "sd15_inpaint"), controls=(("canny", str(control)), ("tile", str(adapter)))
    )
    net = job(model, control=drawn())
    tile = ControlInput(ControlUnit(kind="tile"), picture())
    both = replace(net, controls=(*net.controls, tile))
    one, two = generate(backend, net), generate(backend, both)
    assert painted_change(one.patches[0], two.patches[0]) > 0.05
    roles = [(part.role, part.name, part.source) for part in two.model.parts]
    assert roles == [
        ("controlnet", "canny", "sd15_control"),
        ("t2i_adapter", "tile", adapter.name),
    ]


def test_the_variant_of_the_entry_is_read_and_recorded(backend, models, adapter, tmp_path):
    both = tmp_path / "both"
    shutil.copytree(adapter, both)
    network = T2IAdapter.from_pretrained(adapter)
    for parameter in network.parameters():
        parameter.data *= 1.5
    network.save_pretrained(both, variant="fp16")
    [plain, variant] = (
        replace(spec(models / "sd15"), variant=name, controls=(("canny", str(both)),))
        for name in (None, "fp16")
    )
    one, two = (generate(backend, job(model, control=drawn())) for model in (plain, variant))
    assert painted_change(one.patches[0], two.patches[0]) > 0.05
    names = [result.model.parts[0].files[0].name for result in (one, two)]
    weights = "diffusion_pytorch_model"
    assert names == [f"{weights}.safetensors", f"{weights}.fp16.safetensors"]
    absent = replace(variant, controls=(("canny", str(adapter)),))
    found = generate(backend, job(absent, control=drawn()))
    np.testing.assert_array_equal(found.patches[0], one.patches[0])
    said = f"The T2I-Adapter {adapter.name} has no weights of the variant fp16 here: its own were"
    assert [text for text in found.fallbacks if text.startswith(said)]
    assert not [text for text in two.fallbacks if "T2I-Adapter" in text]


def test_the_variant_of_the_entry_is_fetched(backend, models, adapter, tmp_path, monkeypatch):
    both = tmp_path / "both"
    shutil.copytree(adapter, both)
    T2IAdapter.from_pretrained(adapter).save_pretrained(both, variant="fp16")
    with running(Hub()) as hub:
        be_the_only_hub(hub, monkeypatch, tmp_path / "hub")
        hub.add_folder("tiny/sketch", both)
        model = replace(spec(models / "sd15"), variant="fp16", controls=(("canny", "tiny/sketch"),))
        patch(backend, model, control=drawn())
    found = {path.name for path in cached_snapshot("tiny/sketch").iterdir()}
    assert found == {"config.json", "diffusion_pytorch_model.fp16.safetensors"}


def test_one_of_another_family_is_refused(backend, models, tmp_path):
    foreign = make_t2i_adapter(tmp_path / "foreign", channels=(32, 48, 48, 48))
    model = replace(spec(models / "sd15_inpaint"), controls=(("canny", str(foreign)),))
    with pytest.raises(ModelUnavailable, match="channels must begin with 32, 64, got 32, 48"):
        patch(backend, model, control=drawn())
