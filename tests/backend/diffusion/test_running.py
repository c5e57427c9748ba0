"""Progress, previews, cancel, memory and refusals of the sampler."""

import hashlib
import importlib.metadata
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sampling_support import (
    Events,
    canceller,
    generate,
    hole,
    job,
    patch,
    picture,
    spec,
)

from genimg_ui.backend.base import CancelToken
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.core.request import ControlUnit
from genimg_ui.errors import BackendError, Cancelled, RefusedInput

pytestmark = pytest.mark.torch

CANNY = ControlUnit(kind="canny")


def test_progress_counts_the_steps_of_all_variants(backend, models):
    for scheduler in ("default", "heun", "ddim"):  # PNDM and Heun evaluate more than they step
        events = Events()
        work = job(spec(models / "sd15"), seeds=(1, 2), strength=0.5, num_inference_steps=6)
        resolved = replace(work.resolved, scheduler=scheduler)
        backend.generate(replace(work, resolved=resolved), events.append, CancelToken())
        fractions = events.fractions()
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1
        texts = events.texts()
        assert texts[2] == "variant 1 of 2, step 1 of 3"
        ending = ["step 3 of 3", "decoding", "done"]
        assert texts[-3:] == [f"variant 2 of 2, {text}" for text in ending]


def test_previews_come_while_sampling(backend, models, monkeypatch):
    monkeypatch.setattr("genimg_ui.backend.diffusion.preview.MIN_SECONDS", 0)
    events = Events()
    work = job(spec(models / "sd15"), seeds=(1, 2), scheduler="ddim", num_inference_steps=6)
    backend.generate(work, events.append, CancelToken())
    previews = events.previews()
    assert [preview.index for preview in previews] == [0, 0, 0, 1, 1, 1]
    assert previews[0].image.shape == (8, 8, 3)
    assert not np.array_equal(previews[0].image, previews[-1].image)


def test_cancel_stops_within_one_step(backend, models):
    token, seen = CancelToken(), []
    with pytest.raises(Cancelled):
        backend.generate(
            job(spec(models / "sd15"), scheduler="ddim", num_inference_steps=20, seeds=(1, 2)),
            canceller(token, "step 3 of 20", seen),
            token,
        )
    assert len(seen) == 5  # loading, reading, and three steps
    assert patch(backend, spec(models / "sd15")).shape == (64, 64, 3)


@pytest.mark.parametrize("text", ["step 3 of 3", "decoding"])
def test_cancel_after_the_last_step_does_not_decode(backend, models, monkeypatch, text):
    token = CancelToken()
    model = spec(models / "sd15")
    patch(backend, model)
    decoded = []
    pipe = backend._loaded.pipe
    decode = pipe.vae.decode
    monkeypatch.setattr(pipe.vae, "decode", lambda *a, **k: decoded.append(1) or decode(*a, **k))
    with pytest.raises(Cancelled):
        backend.generate(job(model, scheduler="ddim"), canceller(token, text, []), token)
    assert not decoded


def test_a_job_cancelled_before_it_starts_loads_nothing(models):
    fresh, token = DiffusersBackend(), CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        fresh.generate(job(spec(models / "sd15")), Events().append, token)
    assert fresh._loaded is None


def test_a_job_that_waits_for_another_can_be_cancelled(backend, models):
    token = CancelToken()
    with backend._turns.mine():
        token.cancel()
        begin = time.monotonic()
        with pytest.raises(Cancelled):
            backend.generate(job(spec(models / "sd15")), Events().append, token)
    assert time.monotonic() - begin < 2


def test_the_record_names_weights_libraries_machine_and_method(backend, models):
    first = generate(backend, job(spec(models / "sd15"), scheduler="unipc"))
    other = generate(backend, job(spec(models / "sd15_inpaint"), control=CANNY))
    read = {"unet", "vae", "text_encoder"}
    for result, folder in ((first, "sd15"), (other, "sd15_inpaint")):
        assert {file.name.split("/")[0] for file in result.model.files} == read
        for file in result.model.files:
            content = (models / folder / file.name).read_bytes()
            assert (file.bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert (result.model.source, result.model.family) == (folder, "sd15")
    assert first.model.parts == ()
    [control] = other.model.parts
    weights = models / "sd15_control" / "diffusion_pytorch_model.safetensors"
    assert (control.role, control.name, control.source) == ("controlnet", "canny", "sd15_control")
    assert control.files[0].sha256 == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert first.facts["scheduler"] == "UniPCMultistepScheduler"
    assert (first.facts["masking"], other.facts["masking"]) == ("blended", "native")
    assert other.facts["pipeline"] == "StableDiffusionControlNetInpaintPipeline"
    assert (first.runtime.device, first.runtime.dtype) == ("cpu", "float32")
    assert first.runtime.attention.startswith("AttnProcessor") and first.runtime.threads > 0
    assert first.runtime.determinism["deterministic_algorithms"] in ("true", "false")
    assert first.environment["torch"] == importlib.metadata.version("torch")
    assert set(first.environment) == {"torch", "diffusers", "transformers", "safetensors"}


def test_a_prompt_that_is_too_long_is_said(backend, models):
    result = generate(backend, job(spec(models / "sd15"), prompt="red " * 13 + "blue house"))
    assert result.warnings == ('prompt must have at most 14 tokens, got 15: "house" was not read.',)


def test_a_negative_prompt_without_guidance_is_said(backend, models):
    work = job(spec(models / "sd15"), negative_prompt="blurry", guidance_scale=1.0)
    assert "no effect at guidance_scale 1" in generate(backend, work).warnings[0]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"strength": 0.2},
            r"strength × num_inference_steps must be at least 1, got 0\.2 × 3",
        ),
        ({"scheduler": "dpm"}, 'scheduler must be one of default, euler, .*, got "dpm"'),
        (
            {"scheduler": "lcm", "num_inference_steps": 60},
            r"num_inference_steps must be in \[1, 50\] with scheduler lcm, got 60",
        ),
        ({"mask": hole(32, 32)}, "mask must have the crop's size 64×64, got 32×32"),
        (
            {"control": ControlUnit(kind="canny"), "model": {"controls": ()}},
            'control of tiny must be one of none, got "canny"',
        ),
    ],
)
def test_what_cannot_be_done_is_refused(backend, models, changes, sentence):
    model = replace(spec(models / "sd15"), **changes.get("model", {}))
    rest = {key: value for key, value in changes.items() if key != "model"}
    with pytest.raises(RefusedInput, match=sentence):
        generate(backend, job(model, **rest))


def test_a_control_map_of_another_size_is_refused(backend, models):
    work = job(spec(models / "sd15"), control=CANNY)
    small = replace(work.controls[0], image=picture(32, 64))
    with pytest.raises(
        RefusedInput, match="control map must have the crop's size 64×64, got 64×32"
    ):
        generate(backend, replace(work, controls=(small,)))


def test_nan_in_the_decoder_is_an_error_and_no_picture(models):
    own = DiffusersBackend()
    model = spec(models / "sd15")
    patch(own, model)
    own._loaded.pipe.vae.decoder.conv_out.bias.data.fill_(float("nan"))
    with pytest.raises(BackendError, match="no numbers .NaN. when it was decoded; lower guidance"):
        patch(own, model)


def test_nan_is_told_at_the_step_where_it_appears(models):
    own = DiffusersBackend()
    model = spec(models / "sd15")
    patch(own, model)
    calls: list[int] = []

    def spoil(_unet: Any, _given: Any, answer: Any) -> Any:
        calls.append(1)
        return (answer[0] * float("nan"),) if len(calls) == 3 else answer

    own._loaded.pipe.unet.register_forward_hook(spoil)
    with pytest.raises(BackendError, match="values that are no numbers .NaN. in step 3; lower"):
        patch(own, model, scheduler="ddim", num_inference_steps=8)
    assert len(calls) == 3


@pytest.mark.parametrize(
    "text",
    [
        "CUDA out of memory. Tried to allocate 2 GiB",
        "[enforce fail] DefaultCPUAllocator: can't allocate memory",
    ],
)
def test_out_of_memory_says_what_to_change_and_frees_the_weights(models, monkeypatch, text):
    own = DiffusersBackend()
    model = spec(models / "sd15")
    patch(own, model)

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError(text)

    monkeypatch.setattr(own._loaded.pipe.unet, "forward", fail)
    with pytest.raises(BackendError, match="ran out of memory on cpu at 64×64: reduce the padding"):
        patch(own, model)
    assert own._loaded is None
    assert patch(own, model).shape == (64, 64, 3)


def test_a_withheld_picture_is_an_error_where_the_host_asks_for_it(tiny, tmp_path):
    model = spec(tiny.make_sd15_strict(tmp_path / "sd15_strict"))
    with pytest.raises(BackendError, match="safety checker of Tiny withheld a result"):
        patch(DiffusersBackend(safety=True), model)
    result = generate(DiffusersBackend(), job(model))
    assert result.facts["safety_checker"] == "off"
    assert result.patches[0].any()
