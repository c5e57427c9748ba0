"""What an edit needs of memory, counted from a model's files."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from genimg_ui.core.geometry import Size
from genimg_ui.core.memory import SPARE, WHOLE, Host, Offload, Placement, Stage
from genimg_ui.core.request import EditRequest
from genimg_ui.registry import FAMILIES, ModelSpec
from genimg_ui.registry.adapters import ReferenceSpec
from genimg_ui.registry.foresight import memory_findings
from genimg_ui.registry.memory import PER_CELL, PER_PIXEL, PER_TOKEN, needs_of

SIZE = Size(128, 64)


def _component(folder: Path, elements: int, **config: Any) -> None:
    folder.mkdir(parents=True)
    save_file({"weight": np.zeros(elements, np.float16)}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    _component(tmp_path / "model" / "unet", 1000, block_out_channels=[8, 16])
    _component(tmp_path / "model" / "text_encoder", 300)
    _component(tmp_path / "model" / "vae", 200, block_out_channels=[4], force_upcast=True)
    _component(tmp_path / "canny", 50)
    return ModelSpec(
        id="m", title="M", engine="diffusers", licence="-", source=str(tmp_path / "model"),
        family="sd15", controls=(("canny", str(tmp_path / "canny")),), **FAMILIES["sd15"]
    )  # fmt: skip


def test_weights_are_counted_in_the_precision_of_the_device(spec):
    half = needs_of(spec, SIZE, guided=True, number=2)
    assert dict(half.weights) == {"unet": 2000, "text_encoder": 600, "vae": 800}
    full = needs_of(spec, SIZE, guided=True, number=4)
    assert dict(full.weights) == {"unet": 4000, "text_encoder": 1200, "vae": 800}
    assert (half.decoder, half.denoisers) == ("vae", ("unet",))


def test_what_is_held_grows_with_the_size_and_with_guidance(spec):
    needs = needs_of(spec, SIZE, guided=True, number=2)
    assert needs.sampling == 2 * PER_CELL * 8 * (16 * 8)
    assert needs.decoding == 4 * PER_PIXEL * 4 * SIZE.area
    twice = needs_of(spec, Size(256, 64), guided=True, number=2)
    assert (twice.sampling, twice.decoding) == (2 * needs.sampling, 2 * needs.decoding)
    assert twice.tile == needs.tile
    single = needs_of(spec, SIZE, guided=False, number=2)
    assert single.at(Stage.STEP, WHOLE) < needs.at(Stage.STEP, WHOLE)


def test_controlnets_run_beside_the_denoiser(spec):
    needs = needs_of(spec, SIZE, guided=True, number=2, controls=("canny",))
    assert sum(needs.weights.values()) == 3400 + 100
    assert len(needs.denoisers) == 2


def test_reference_adapters_run_beside_the_denoiser_and_their_encoder_before_it(spec, tmp_path):
    _component(tmp_path / "adapters" / "image_encoder", 70)
    for name in ("plain", "plus"):
        save_file({"x": np.zeros(20, np.float16)}, tmp_path / "adapters" / f"{name}.safetensors")
    place = str(tmp_path / "adapters")
    both = tuple(
        ReferenceSpec(kind=name, source=place, file=f"{name}.safetensors")
        for name in ("plain", "plus")
    )
    reading = replace(spec, references=both)

    def needs(*kinds: str, number: int = 2) -> Any:
        return needs_of(reading, SIZE, guided=True, number=number, references=kinds)

    assert sum(needs("plain").weights.values()) == 3400 + 2 * (20 + 70)
    assert sum(needs("plain", "plus").weights.values()) == 3400 + 2 * (20 + 20 + 70)
    assert sum(needs().weights.values()) == 3400
    assert sum(needs("plain").weights[name] for name in needs("plain").denoisers) == 2000 + 40
    absent = replace(spec, references=(ReferenceSpec(kind="plain", source="somebody/absent"),))
    found = needs_of(absent, SIZE, guided=True, number=2, references=("plain",))
    assert sum(found.weights.values()) == 3400


def test_transformers_are_counted_by_tokens(spec, tmp_path):
    (tmp_path / "model" / "unet").rename(tmp_path / "model" / "transformer")
    config = {"num_attention_heads": 3, "attention_head_dim": 5}
    (tmp_path / "model" / "transformer" / "config.json").write_text(json.dumps(config))
    needs = needs_of(spec, SIZE, guided=False, number=2)
    assert needs.sampling == 2 * PER_TOKEN * 15 * (SIZE.area // 256 + 512)


def test_weights_that_are_not_here_cannot_be_counted(spec):
    absent = replace(spec, source="somebody/absent")
    assert needs_of(absent, SIZE, guided=True, number=2) is None


def test_what_does_not_fit_is_told_before_the_edit(spec):
    needs = needs_of(spec, SIZE, guided=True, number=2)
    request = EditRequest(model="m")
    peak = needs.peak(WHOLE)

    def told(count: int, *, gpu: bool) -> list[str]:
        host = Host("this GPU" if gpu else "this machine", gpu=gpu, bytes=count)
        return [finding.sentence for finding in memory_findings(spec, request, SIZE, host)]

    assert told(10 * peak, gpu=True) == []
    between = (peak + needs.peak(Placement(Offload.MODEL))) / 2
    [offloaded] = told(round(between / SPARE), gpu=True)
    assert offloaded.startswith("M at 128×64 needs about 1 MiB of memory, this GPU has 1 MiB")
    assert "it will run model offload" in offloaded
    [hopeless] = told(1, gpu=False)
    assert hopeless.endswith("it may run out of memory; choose a smaller model.")
    assert memory_findings(spec, request, SIZE, None) == []
