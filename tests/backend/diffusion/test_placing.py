"""Where weights are put, what that changes, and what happens when memory runs out."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sampling_support import generate, hole, job, patch, picture, spec

torch = pytest.importorskip("torch")

from genimg_ui.backend.device import Device  # noqa: E402
from genimg_ui.backend.diffusion.engine import DiffusersBackend  # noqa: E402
from genimg_ui.backend.diffusion.placing import plan, put, tile  # noqa: E402
from genimg_ui.core.memory import GIB, Offload, Placement  # noqa: E402
from genimg_ui.core.provenance import Again, ExecutionRecord  # noqa: E402
from genimg_ui.core.request import ControlUnit  # noqa: E402
from genimg_ui.errors import BackendError  # noqa: E402

pytestmark = pytest.mark.torch

GPU, CPU = Device("cuda", torch.float16), Device("cpu", torch.float32)
LARGE = {"image": picture(128, 128), "mask": hole(128, 128)}
TEXT = "DefaultCPUAllocator: can't allocate memory"


def test_the_plan_follows_the_budget(models):
    work = job(spec(models / "sd15"))
    needs = plan(work, GPU, available=GIB, floor=Offload.NONE).needs
    assert needs is not None and needs.guided
    ample = plan(work, GPU, available=GIB, floor=Offload.NONE)
    assert ample.placement == Placement() and ample.told("Tiny", "cuda") == ()
    scarce = plan(work, GPU, available=needs.peak(Placement()) // 2, floor=Offload.NONE)
    assert scarce.placement.offload is not Offload.NONE
    [sentence] = scarce.told("Tiny", "cuda")
    assert sentence.startswith("Tiny at 64×64 would need about")
    kept = plan(work, GPU, available=GIB, floor=Offload.MODEL)
    assert kept.placement == Placement(Offload.MODEL)


def test_the_placement_of_an_earlier_run_is_taken_where_it_fits(models):
    def planned(device: Device, available: int, **earlier: Any) -> Any:
        again = Again(executions=(ExecutionRecord(**earlier),))
        work = replace(job(spec(models / "sd15")), again=again)
        return plan(work, device, available=available, floor=Offload.GROUP)

    asked = planned(GPU, GIB, offload="model", tiled=True)
    assert asked.placement == Placement(Offload.MODEL, tiled=True)
    assert asked.told("Tiny", "cuda") == ()
    assert planned(CPU, GIB, offload="model", tiled=True).placement == Placement(tiled=True)
    assert planned(GPU, GIB, offload="elsewhere").placement == Placement()
    scarce = planned(GPU, 1, offload="none")
    assert scarce.placement.offload is Offload.GROUP and scarce.told("Tiny", "cuda")


def test_precision_guidance_and_controls_count(models):
    def peak(device: Device, **changes: Any) -> int:
        work = job(spec(models / "sd15"), **changes)
        needs = plan(work, device, available=GIB, floor=Offload.NONE).needs
        assert needs is not None
        return needs.peak(Placement())

    assert peak(GPU) < peak(CPU)
    assert peak(CPU) < peak(CPU, control=ControlUnit(kind="canny"))
    guided = [
        plan(job(spec(models / "sd15"), guidance_scale=scale), GPU, available=1, floor=Offload.NONE)
        for scale in (1.0, 5.0)
    ]
    assert [one.needs.guided for one in guided] == [False, True]


def test_what_is_placed_is_in_the_log(models):
    own = DiffusersBackend(memory=GIB)
    assert generate(own, job(spec(models / "sd15"))).facts["placement"] == "whole on cpu"
    scarce = DiffusersBackend(memory=1)
    result = generate(scarce, job(spec(models / "sd15")))
    assert result.facts["placement"] == "whole on cpu, VAE tiling, batch split"
    assert "would need about" in result.fallbacks[0]


def test_a_split_batch_draws_the_same_but_for_rounding(models):
    for kind in ("sd15", "sdxl"):
        model = spec(models / kind)
        whole = patch(DiffusersBackend(memory=GIB), model)
        split = patch(DiffusersBackend(memory=1), model)  # too small to be tiled
        assert np.abs(whole.astype(int) - split).max() <= 1


def test_tiles_draw_nearly_the_same(models):
    model = spec(models / "sd15")
    whole = patch(DiffusersBackend(memory=GIB), model, **LARGE)
    tiled = patch(DiffusersBackend(memory=1), model, **LARGE)
    difference = np.abs(whole.astype(int) - tiled)
    assert 0 < difference.mean() < 25  # random weights know no soft transitions
    assert difference[:40, :40].mean() < difference.mean()  # far from the seams


def test_layers_that_come_one_by_one_draw_the_same(models):
    model = spec(models / "sd15")
    own = DiffusersBackend(memory=GIB)
    wanted = patch(own, model)
    put(own._loaded.pipe, Offload.GROUP, CPU)
    tile(own._loaded.pipe, on=False)
    assert np.array_equal(patch(own, model), wanted)


def _broken(own: DiffusersBackend, part: str, times: int, monkeypatch: Any) -> list[int]:
    """Let a part of the loaded model run out of memory the first `times` times."""
    module: Any = own._loaded.pipe
    for name in part.split("."):
        module = getattr(module, name)
    forward, calls = module.forward, []

    def fail(*places: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) <= times:
            raise RuntimeError(TEXT)
        return forward(*places, **named)

    monkeypatch.setattr(module, "forward", fail)
    return calls


@pytest.mark.parametrize(
    ("part", "stage", "placement"),
    [
        ("vae.encoder", "encode", "whole on cpu, VAE tiling"),
        ("unet.conv_in", "step", "whole on cpu, VAE tiling, batch split"),
        ("vae.decoder", "decode", "whole on cpu, VAE tiling"),
    ],
)
def test_memory_that_runs_out_is_met_once_by_the_next_placement(
    models, monkeypatch, part, stage, placement
):
    own = DiffusersBackend(memory=GIB)
    model = spec(models / "sd15")
    wanted = patch(own, model)
    own._loaded.memo.clear()
    _broken(own, part, 1, monkeypatch)
    result = generate(own, job(model))
    assert result.facts["placement"] == placement
    assert result.fallbacks == (
        f"Tiny ran out of memory (stage: {stage}) and was run again in {placement}.",
    )
    assert np.abs(result.patches[0].astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("part", ["vae.encoder", "unet.conv_in", "vae.decoder"])
def test_after_one_more_try_a_sentence_says_what_would_fit(models, monkeypatch, part):
    own = DiffusersBackend(memory=GIB)
    model = spec(models / "sd15")
    patch(own, model)
    own._loaded.memo.clear()
    calls = _broken(own, part, 99, monkeypatch)
    with pytest.raises(BackendError, match=r"ran out of memory on cpu at 64×64: .* It needs about"):
        patch(own, model)
    assert len(calls) == 2
    assert own._loaded is None
    assert patch(own, model).shape == (64, 64, 3)


def test_memory_that_runs_out_while_loading_is_said(models, monkeypatch):
    own = DiffusersBackend(memory=GIB)

    def fail(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr("genimg_ui.backend.diffusion.models.load_pipeline", fail)
    with pytest.raises(BackendError, match="ran out of memory on cpu"):
        patch(own, spec(models / "sd15"))
    monkeypatch.undo()
    assert patch(own, spec(models / "sd15")).shape == (64, 64, 3)


def test_the_sentence_names_a_size_that_fits(models):
    work = job(spec(models / "sd15"), **LARGE)
    needs = plan(work, CPU, available=GIB, floor=Offload.NONE).needs
    half = replace(needs, decoding=needs.decoding)
    weights = sum(half.weights.values())
    available = round((weights + (half.peak(Placement(tiled=True)) - weights) / 3) / 0.9)
    planned = plan(work, CPU, available=available, floor=Offload.NONE)
    sentence = planned.too_large("Tiny", "cpu", 8)
    assert "should fit" in sentence or planned.placement.halved


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_offloading_on_a_gpu_draws_the_same_and_holds_less(models):
    model = spec(models / "sdxl")
    wanted = patch(DiffusersBackend(), model)
    for available, offload in ((2**21, Offload.MODEL), (1, Offload.GROUP)):
        own = DiffusersBackend(memory=available)
        result = generate(own, job(model))
        assert str(offload) in result.facts["placement"]
        assert np.abs(result.patches[0].astype(int) - wanted).max() <= 2
