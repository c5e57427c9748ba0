"""Whatever fails, and wherever: told in a sentence, and the next edit is as if nothing had been.

One model that predicts noise with a UNet, and one of the flow families.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sampling_support import flow_spec, generate, hole, job, patch, picture, spec
from tiny_additions import make_flow_lora, make_lora

from genimg_ui.backend.base import BackendJob, CancelToken
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.core.memory import GIB
from genimg_ui.core.request import ControlUnit, LoraUnit
from genimg_ui.errors import BackendError, Cancelled, ModelUnavailable
from genimg_ui.registry import ModelSpec
from genimg_ui.registry.adapters import LoraSpec

pytestmark = pytest.mark.torch

SMALL = {"image": picture(48, 48), "mask": hole(48, 48), "num_inference_steps": 3}
STAGES = {"text_encoder": "encode", "vae.encoder": "encode", "denoiser": "step"}
STAGES |= {"vae.decoder": "decode"}
OUT_OF_MEMORY = "DefaultCPUAllocator: can't allocate memory"


@pytest.fixture(params=["unet", "flow"])
def model(request: pytest.FixtureRequest, models: Path, flow_models: Path) -> ModelSpec:
    return spec(models / "sd15") if request.param == "unet" else flow_spec(flow_models / "zimage")


@pytest.fixture
def own(model: ModelSpec) -> DiffusersBackend:
    """An engine of one's own that has the model in memory, and has forgotten what it answered."""
    made = DiffusersBackend(memory=GIB)
    patch(made, model, **SMALL)
    made._loaded.memo.clear()
    return made


def part_of(own: DiffusersBackend, name: str) -> Any:
    loaded = own._loaded
    if name == "denoiser":
        return loaded.family.denoiser(loaded.pipe)
    found: Any = loaded.pipe
    for step in name.split("."):
        found = getattr(found, step)
    return found


@contextmanager
def hooked(part: Any, hook: Any, *, before: bool) -> Iterator[None]:
    add = part.register_forward_pre_hook if before else part.register_forward_hook
    handle = add(hook)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def failing(part: Any, times: int, calls: list[int]) -> Iterator[None]:
    """Let a network run out of memory the first `times` times that it runs."""
    forward = part.forward

    def run(*given: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) <= times:
            raise RuntimeError(OUT_OF_MEMORY)
        return forward(*given, **named)

    part.forward = run
    try:
        yield
    finally:
        del part.forward


def work_of(model: ModelSpec) -> BackendJob:
    return job(model, **SMALL)


@pytest.mark.parametrize("part", STAGES)
def test_memory_that_runs_out_once_leads_to_another_placement(own, model, part):
    calls: list[int] = []
    with failing(part_of(own, part), 1, calls):
        result = generate(own, work_of(model))
    [told] = result.fallbacks
    assert told.startswith(f"Tiny ran out of memory (stage: {STAGES[part]}) and was run again in")
    assert result.executions[0].tiled and len(calls) > 1


@pytest.mark.parametrize("part", STAGES)
def test_memory_that_runs_out_twice_is_a_sentence_and_frees_everything(own, model, part):
    wanted = patch(own, model, **SMALL)
    own._loaded.memo.clear()
    sentence = r"Tiny ran out of memory on cpu at 48×48: reduce"
    with failing(part_of(own, part), 99, []), pytest.raises(BackendError, match=sentence):
        generate(own, work_of(model))
    assert own._loaded is None
    np.testing.assert_array_equal(patch(own, model, **SMALL), wanted)


@pytest.mark.parametrize("part", STAGES)
def test_a_cancel_is_heard_before_each_network_and_leaves_nothing(own, model, part):
    wanted = patch(own, model, **SMALL)
    own._loaded.memo.clear()
    token, ran = CancelToken(), []
    network = part_of(own, part)
    with (
        hooked(network, lambda *_: token.cancel(), before=True),
        hooked(network, lambda *_: ran.append(part), before=False),
        pytest.raises(Cancelled),
    ):
        own.generate(work_of(model), lambda _: None, token)
    assert len(ran) <= 1  # the one that ran when it was asked to stop
    np.testing.assert_array_equal(patch(own, model, **SMALL), wanted)


def spoiled(answer: Any) -> Any:
    """The answer of a network, with no number in it."""
    if isinstance(answer, tuple | list):
        return type(answer)(spoiled(each) for each in answer)
    return answer * float("nan")


@pytest.mark.parametrize("part", ["vae.encoder", "denoiser", "vae.decoder"])
def test_values_that_are_no_numbers_are_told_and_give_no_picture(own, model, part):
    wanted = patch(own, model, **SMALL)
    own._loaded.memo.clear()
    with (
        hooked(part_of(own, part), lambda _m, _g, answer: spoiled(answer), before=False),
        pytest.raises(BackendError, match=r"Tiny produced values that are no numbers .NaN."),
    ):
        generate(own, work_of(model))
    own._loaded.memo.clear()
    np.testing.assert_array_equal(patch(own, model, **SMALL), wanted)


def test_a_broken_lora_is_refused_and_leaves_nothing(own, model, models, flow_models, tmp_path):
    from_unet = model.family == "sd15"
    if from_unet:
        whole = next(make_lora(models / "sd15" / "unet", tmp_path / "whole").glob("*.safetensors"))
    else:
        whole = make_flow_lora(flow_models / "zimage" / "transformer", tmp_path / "a.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(whole.read_bytes()[:-100])
    wanted = patch(own, model, **SMALL)
    lora = LoraSpec(name="ink", source=str(broken))
    work = work_of(replace(model, loras=(lora,)))
    request = replace(work.resolved.request, loras=(LoraUnit(name="ink"),))
    with pytest.raises(ModelUnavailable, match="The LoRA ink could not be loaded from"):
        generate(own, replace(work, resolved=replace(work.resolved, request=request)))
    np.testing.assert_array_equal(patch(own, model, **SMALL), wanted)


def test_a_control_of_another_family_is_refused_and_leaves_nothing(own, model, models):
    wanted = patch(own, model, **SMALL)
    foreign = replace(model, controls=(("canny", str(models / "sdxl_control")),))
    with pytest.raises(ModelUnavailable, match="was made for another family than Tiny"):
        generate(own, job(foreign, control=ControlUnit(kind="canny"), **SMALL))
    np.testing.assert_array_equal(patch(own, model, **SMALL), wanted)
