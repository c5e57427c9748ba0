"""The refiner of sdxl: a second network for the last steps, as diffusers' own two calls do it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler, StableDiffusionXLInpaintPipeline
from PIL import Image
from sampling_support import canceller, generate, job, patch, picture, spec

from genimg_ui.backend.base import CancelToken
from genimg_ui.backend.device import Device
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.backend.diffusion.families.refiner import handover
from genimg_ui.backend.diffusion.noise import canvas_noise, latent_cells
from genimg_ui.backend.diffusion.tuning import (
    Tuning,
    execution_record,
    tuning_for,
    tuning_of,
)
from genimg_ui.core.memory import WHOLE, Offload
from genimg_ui.core.provenance import Again
from genimg_ui.errors import Cancelled, ModelUnavailable, RefusedInput
from genimg_ui.registry import ModelSpec, availability

pytestmark = pytest.mark.torch

WHITE = np.full((64, 64), 255, np.uint8)


def refining(models: Path, name: str = "sdxl") -> ModelSpec:
    return replace(spec(models / name), refiner=str(models / "sdxl_refiner"))


@pytest.mark.parametrize("share", [0.34, 0.5, 0.8])
@pytest.mark.parametrize("strength", [1.0, 0.6])
def test_the_steps_are_shared_as_asked(share, strength):
    scheduler = EulerDiscreteScheduler(timestep_spacing="leading", steps_offset=1)
    scheduler.set_timesteps(30)
    timesteps = scheduler.timesteps[30 - int(30 * strength) :]
    place = handover(scheduler, timesteps, share)
    assert place is not None
    assert place.steps == round(share * len(timesteps))
    cutoff = round(1000 - place.fraction * 1000)  # as diffusers counts it
    assert int((timesteps >= cutoff).sum()) == place.steps


def test_the_whole_share_is_no_handover_and_at_least_one_step_is_the_models():
    scheduler = DDIMScheduler()
    scheduler.set_timesteps(10)
    assert handover(scheduler, scheduler.timesteps, 1.0) is None
    place = handover(scheduler, scheduler.timesteps, 0.01)
    assert place is not None and place.steps == 1


def test_the_pixels_are_those_of_diffusers_two_calls(models):
    """The ensemble of experts of diffusers' documentation, from the same latents."""
    parts = {"add_watermarker": False, "use_safetensors": True}
    base = StableDiffusionXLInpaintPipeline.from_pretrained(models / "sdxl", **parts)
    refiner = StableDiffusionXLInpaintPipeline.from_pretrained(
        models / "sdxl_refiner", text_encoder_2=base.text_encoder_2, vae=base.vae, **parts
    )
    for pipe in (base, refiner):
        pipe.set_progress_bar_config(disable=True)
        pipe.scheduler = DDIMScheduler.from_config(base.scheduler.config, clip_sample=False)
    noise = canvas_noise(3, latent_cells((0, 0), 1.0, rows=8, columns=8, factor=8), 4)
    shared = {
        "prompt": "a red house",
        "mask_image": Image.fromarray(WHITE),
        "height": 64,
        "width": 64,
        "num_inference_steps": 10,
        "guidance_scale": 5.0,
        "generator": torch.Generator("cpu").manual_seed(3),
    }
    latents = base(
        **shared,
        image=Image.fromarray(picture()),
        strength=1.0,
        latents=torch.from_numpy(noise)[None],
        denoising_end=0.7,
        output_type="latent",
    ).images
    wanted = refiner(**shared, image=latents, denoising_start=0.7, output_type="np").images[0]
    ours = patch(
        DiffusersBackend(),
        refining(models),
        mask=WHITE,
        seeds=(3,),
        scheduler="ddim",
        num_inference_steps=10,
        guidance_scale=5.0,
        refiner_switch_at=0.7,
    )
    np.testing.assert_array_equal(ours, (wanted * 255).round().astype(np.uint8))


@pytest.fixture(scope="module", params=["sdxl", "sdxl_inpaint"])
def model(request: pytest.FixtureRequest, models: Path) -> ModelSpec:
    return refining(models, request.param)


def test_the_switch_decides_the_picture_and_1_is_without(backend, model):
    early, late, off, plain = (
        patch(backend, each, num_inference_steps=8, refiner_switch_at=share)
        for each, share in (
            (model, 0.4),
            (model, 0.8),
            (model, 1.0),
            (replace(model, refiner=""), 0.4),
        )
    )
    assert not np.array_equal(early, late) and not np.array_equal(late, off)
    np.testing.assert_array_equal(off, plain)


def test_what_is_outside_the_mask_stays_the_source(backend, model):
    empty = patch(backend, model, mask=np.zeros((64, 64), np.uint8), num_inference_steps=8)
    kept = patch(backend, replace(model, refiner=""), mask=np.zeros((64, 64), np.uint8))
    np.testing.assert_array_equal(empty, kept)


def test_its_parts_are_shared_and_recorded(models):
    own = DiffusersBackend()
    result = generate(own, job(refining(models), num_inference_steps=4))
    refiner = own._loaded.helpers["refiner"]
    assert refiner.vae is own._loaded.pipe.vae
    assert refiner.text_encoder_2 is own._loaded.pipe.text_encoder_2
    [part] = result.model.parts
    assert (part.role, part.source) == ("refiner", "sdxl_refiner")
    assert [file.name for file in part.files] == ["unet/diffusion_pytorch_model.safetensors"]


def test_it_is_tuned_as_its_model_but_where_an_older_run_left_it_out(models):
    entry, gpu = refining(models), Device("cuda", torch.float32)
    own = DiffusersBackend()
    patch(own, entry)
    unet = own._loaded.pipe.unet
    usual = tuning_for(unet, entry, gpu, Offload.NONE)
    assert usual == Tuning(channels_last=True, fused_qkv=True, refiner=True)
    for tuning in (usual, replace(usual, refiner=False)):
        earlier = execution_record(WHOLE, tuning, ())
        assert tuning_of(earlier) == tuning
        work = replace(job(entry, num_inference_steps=4), again=Again(executions=(earlier,)))
        result = generate(own, work)
        assert result.executions == (earlier,)
        kinds = own._loaded.helpers["refiner"].unet.attn_processors.values()
        fused = {type(kind).__name__ for kind in kinds} == {"FusedAttnProcessor2_0"}
        assert fused is tuning.refiner


def test_it_can_be_cancelled(backend, model):
    token, seen = CancelToken(), []
    on_event = canceller(token, "step 7 of 8", seen)  # the refiner's own
    with pytest.raises(Cancelled):
        backend.generate(
            job(model, num_inference_steps=8, scheduler="ddim", refiner_switch_at=0.5),
            on_event,
            token,
        )
    assert seen[-1] == "step 7 of 8"


def test_a_scheduler_of_two_evaluations_is_refused(backend, model):
    with pytest.raises(RefusedInput, match="cannot take over from a scheduler .* HeunDiscrete"):
        patch(backend, model, scheduler="heun", num_inference_steps=8)


def test_a_refiner_that_is_absent_or_another_model_is_said(backend, models):
    model = replace(spec(models / "sdxl"), refiner=str(models / "nowhere"))
    assert "nowhere does not exist" in str(availability(model))
    with pytest.raises(ModelUnavailable, match="nowhere does not exist"):
        patch(backend, model)
    with pytest.raises(ModelUnavailable, match="refiner in .* does not fit its model"):
        patch(backend, replace(model, refiner=str(models / "sdxl")))
