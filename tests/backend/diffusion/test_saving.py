"""What saves time where it is asked for: guidance that ends early, and step caches."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sampling_support import FLOWS, flow_spec, generate, job, spec

from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.core.request import ControlUnit
from genimg_ui.core.speed import SpeedParams, StepCache
from genimg_ui.errors import RefusedInput

pytestmark = pytest.mark.torch

STEPS = 4


def _model(models: Path, flow_models: Path, name: str) -> Any:
    return (
        spec(models / name) if name.startswith(("sd15", "sdxl")) else flow_spec(flow_models / name)
    )


def _job(model: Any, **changes: Any) -> Any:
    """Guided, with as many evaluations as steps."""
    changes["scheduler"] = "default" if model.family in FLOWS.values() else "ddim"
    return job(model, num_inference_steps=STEPS, guidance_scale=5.0, **changes)


def _run(own: DiffusersBackend, work: Any, **speed: Any) -> Any:
    request = replace(work.resolved.request, speed=SpeedParams(**speed))
    return generate(own, replace(work, resolved=replace(work.resolved, request=request)))


@contextmanager
def batches(own: DiffusersBackend) -> Iterator[list[int]]:
    """How many samples the first layer of the denoiser is given, call by call."""
    family, pipe = own._loaded.family, own._loaded.pipe
    denoiser = family.denoiser(pipe)
    first = getattr(denoiser, "conv_in", None) or next(
        part for part in denoiser.modules() if type(part).__name__.endswith("Block")
    )
    found: list[int] = []

    def note(_module: Any, args: Any, kwargs: Any) -> None:
        given = args[0] if args else next(iter(kwargs.values()))
        found.append(len(given))

    hook = first.register_forward_pre_hook(note, with_kwargs=True)
    yield found
    hook.remove()


@pytest.mark.parametrize("name", ["sd15", "sd15_inpaint", "sdxl", "sd3", "zimage"])
def test_guidance_that_ends_early_halves_the_batch(models, flow_models, name):
    model, own = _model(models, flow_models, name), DiffusersBackend()
    work = _job(model, negative_prompt="red")
    whole = _run(own, work)
    with batches(own) as found:
        early = _run(own, work, guidance_end=0.5)
    assert found == [2, 2, 1, 1]
    assert not np.array_equal(early.patches[0], whole.patches[0])


@pytest.mark.parametrize("name", ["flux", "qwen"])
def test_guidance_in_turns_leaves_the_second_out(flow_models, name):
    model, own = flow_spec(flow_models / name), DiffusersBackend()
    work = job(model, num_inference_steps=STEPS, true_cfg_scale=4.0, negative_prompt="red")
    whole = _run(own, work)
    with batches(own) as found:
        early = _run(own, work, guidance_end=0.5)
    assert len(found) == 2 * 2 + 2
    assert not np.array_equal(early.patches[0], whole.patches[0])


@pytest.mark.parametrize("name", ["sd15", "sd3", "zimage"])
def test_without_guidance_at_all_it_is_the_prompt_alone(models, flow_models, name):
    model, own = _model(models, flow_models, name), DiffusersBackend()
    work = job(model, num_inference_steps=STEPS, guidance_scale=5.0)
    plain = job(model, num_inference_steps=STEPS, guidance_scale=1.0)
    ended = _run(own, work, guidance_end=0.0).patches[0]
    assert np.abs(ended.astype(int) - _run(own, plain).patches[0]).max() <= 1


def test_a_controlnet_follows(models):
    model, own = spec(models / "sd15"), DiffusersBackend()
    control = ControlUnit(kind="canny")
    work = _job(model, control=control)
    whole = _run(own, work)
    with batches(own) as found:
        early = _run(own, work, guidance_end=0.25)
    assert found == [2, 1, 1, 1]
    assert not np.array_equal(early.patches[0], whole.patches[0])


@pytest.mark.parametrize(
    ("name", "speed"),
    [
        ("flux", {"step_cache": StepCache.FIRST_BLOCK, "step_cache_threshold": 1.0}),
        ("flux", {"step_cache": StepCache.TAYLORSEER}),
        ("flux", {"step_cache": StepCache.MAGCACHE, "step_cache_threshold": 1.0}),
        ("qwen", {"step_cache": StepCache.FIRST_BLOCK, "step_cache_threshold": 1.0}),
        ("qwen", {"step_cache": StepCache.TAYLORSEER}),
    ],
)
def test_a_step_cache_acts_and_leaves_nothing_behind(flow_models, name, speed):
    model, own = flow_spec(flow_models / name), DiffusersBackend()
    work = job(model, num_inference_steps=8, negative_prompt="red")
    before = _run(own, work).patches[0]
    cached = _run(own, work, **speed).patches[0]
    assert not np.array_equal(cached, before)
    assert np.array_equal(_run(own, work, **speed).patches[0], cached)
    assert np.array_equal(_run(own, work).patches[0], before)


def test_a_small_threshold_takes_nothing_over(flow_models):
    model, own = flow_spec(flow_models / "flux"), DiffusersBackend()
    work = job(model, num_inference_steps=6)
    strict = {"step_cache": StepCache.FIRST_BLOCK, "step_cache_threshold": 1e-6}
    assert np.array_equal(_run(own, work, **strict).patches[0], _run(own, work).patches[0])


def test_a_step_cache_works_beside_a_controlnet_but_not_with_true_cfg(flow_models):
    control = {"controls": (("canny", str(flow_models / "flux_control")),)}
    model, own = flow_spec(flow_models / "flux", **control), DiffusersBackend()
    unit = ControlUnit(kind="canny")
    cached = {"step_cache": StepCache.TAYLORSEER}
    work = job(model, num_inference_steps=8, control=unit)
    whole = _run(own, work).patches[0]
    assert not np.array_equal(_run(own, work, **cached).patches[0], whole)
    guided = job(model, control=unit, true_cfg_scale=3.0, negative_prompt="red")
    with pytest.raises(RefusedInput, match="cannot tell guidance's two evaluations apart"):
        _run(own, guided, **cached)


def test_a_unet_takes_no_step_cache(models):
    with pytest.raises(RefusedInput, match="UNet2DConditionModel takes no step cache"):
        _run(DiffusersBackend(), job(spec(models / "sd15")), step_cache=StepCache.TAYLORSEER)
