"""Every parameter acts, on tiny real pipelines of each family and kind of UNet."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sampling_support import (
    generate,
    hole,
    job,
    painted_change,
    patch,
    picture,
    spec,
)

from genimg_ui.backend.base import BackendJob
from genimg_ui.backend.diffusion import sampling
from genimg_ui.backend.diffusion.blend import touched_cells
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.backend.diffusion.sampling import Work
from genimg_ui.core.request import ControlUnit
from genimg_ui.registry import FAMILIES

pytestmark = pytest.mark.torch

MODELS = ("sd15", "sd15_inpaint", "sdxl", "sdxl_inpaint")
CANNY = ControlUnit(kind="canny")


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest, models: Path):
    return spec(models / request.param)


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "a blue cat"},
        {"negative_prompt": "blurry tree"},
        {"strength": 0.7},
        {"guidance_scale": 2.0},
        {"num_inference_steps": 4},
        {"scheduler": "ddpm"},
        {"seeds": (2,)},
        {"origin": (64, 0)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_parameter_changes_the_picture(backend, model, change):
    assert painted_change(patch(backend, model), patch(backend, model, **change)) > 1


@pytest.mark.parametrize(
    "unit",
    [
        ControlUnit(kind="canny", controlnet_conditioning_scale=0.0),
        ControlUnit(kind="canny", controlnet_conditioning_scale=0.4),
        ControlUnit(kind="canny", control_guidance_end=0.4),
        ControlUnit(kind="canny", control_guidance_start=0.4),
    ],
    ids=("off", "scale", "end", "start"),
)
def test_each_control_parameter_changes_the_picture(backend, model, unit):
    full = patch(backend, model, control=CANNY, scheduler="ddim")
    assert painted_change(full, patch(backend, model, control=unit, scheduler="ddim")) > 0.5


def test_a_control_of_scale_0_is_no_control(backend, model):
    off = ControlUnit(kind="canny", controlnet_conditioning_scale=0.0)
    np.testing.assert_array_equal(patch(backend, model, control=off), patch(backend, model))


@pytest.mark.parametrize("strength", [1.0, 0.5])
@pytest.mark.parametrize("scheduler", FAMILIES["sd15"]["schedulers"])
def test_each_scheduler_samples_and_keeps_to_the_source(backend, models, scheduler, strength):
    latents = []
    model = spec(models / "sd15")
    work = job(model, scheduler=scheduler, num_inference_steps=4, strength=strength)
    source, cells = spied(backend, work, latents)
    outside = cells == 0
    assert np.array_equal(latents[-1][..., outside], source[..., outside])
    assert not np.array_equal(latents[-1][..., ~outside], source[..., ~outside])


@pytest.mark.parametrize("name", MODELS)
def test_latents_outside_the_mask_end_as_the_source(backend, models, name):
    latents = []
    source, cells = spied(backend, job(spec(models / name)), latents)
    changed = (latents[-1] != source).any(axis=(0, 1))
    np.testing.assert_array_equal(changed, cells > 0)


def spied(backend: DiffusersBackend, work: BackendJob, seen: list[Any]) -> tuple[Any, Any]:
    """Run a job and see each step's latents; returns the source's latents and the cells."""
    with pytest.MonkeyPatch.context() as patcher:
        parts: list[Work] = []
        from_watch = "genimg_ui.backend.diffusion.sampling.Watch._report"

        def report(watch, _step, _blend, latents):
            parts.append(watch._work)
            seen.append(latents.numpy().copy())

        patcher.setattr(from_watch, report)
        generate(backend, work)
    return parts[0].source.numpy(), parts[0].cells.numpy()


def test_a_softer_mask_changes_less(backend, model):
    # The source as this autoencoder returns it: what an empty mask gives.
    kept = patch(backend, model, mask=hole(value=0), num_inference_steps=6)
    soft, hard = (
        painted_change(kept, patch(backend, model, mask=hole(value=value), num_inference_steps=6))
        for value in (60, 255)  # 60 of 255: the last of six steps
    )
    assert 0 < soft < hard


def test_a_mask_too_soft_for_one_step_changes_nothing(backend, model):
    empty, soft = (
        patch(backend, model, mask=hole(value=value), scheduler="ddim") for value in (0, 80)
    )
    np.testing.assert_array_equal(empty, soft)


def test_lower_strength_stays_nearer_to_what_is_under_the_mask(backend, model):
    kept = patch(backend, model, mask=hole(value=0))
    near, far = (
        painted_change(kept, patch(backend, model, strength=s, num_inference_steps=6))
        for s in (0.2, 1.0)
    )
    assert near < far


def test_strength_starts_from_the_fill(backend, model):
    work = job(model, strength=0.5)
    other = replace(work, filled=np.where(hole()[..., None] > 0, 255, work.filled).astype(np.uint8))
    one, two = (generate(backend, each).patches[0] for each in (work, other))
    assert painted_change(one, two) > 1


def test_a_seed_gives_its_picture_alone_and_in_a_batch(backend, model):
    together = generate(backend, job(model, seeds=(5, 6, 7), scheduler="euler_a")).patches
    for seed, one in zip((5, 6, 7), together, strict=True):
        np.testing.assert_array_equal(
            patch(backend, model, seeds=(seed,), scheduler="euler_a"), one
        )
    assert painted_change(together[0], together[1]) > 1


def test_noise_moves_with_the_canvas(backend, models):
    first, second = [], []
    white = np.full((64, 64), 255, np.uint8)
    model = spec(models / "sd15")
    spied_noise(backend, job(model, mask=white), first)
    spied_noise(backend, job(model, mask=white, origin=(16, 8)), second)
    np.testing.assert_array_equal(first[0][..., 1:, 2:], second[0][..., :-1, :-2])


def spied_noise(backend: DiffusersBackend, work: BackendJob, seen: list[Any]) -> None:
    with pytest.MonkeyPatch.context() as patcher:

        def report(_watch, _step, blend, _latents):
            seen.append(blend.noise.numpy())

        patcher.setattr("genimg_ui.backend.diffusion.sampling.Watch._report", report)
        generate(backend, work)


@pytest.mark.parametrize("size", [(64, 64), (61, 75), (40, 33), (9, 8), (1, 1)])
def test_patches_have_the_size_of_the_crop(backend, models, size):
    for name in ("sd15", "sdxl_inpaint"):
        image = picture(*size)
        white = np.full(size, 255, np.uint8)
        result = patch(backend, spec(models / name), image=image, mask=white)
        assert result.shape == (*size, 3)
        assert result.dtype == np.uint8


def test_the_noise_of_each_step_follows_the_seed(backend, models, monkeypatch):
    fixed = sampling.canvas_noise
    monkeypatch.setattr(
        sampling,
        "canvas_noise",
        lambda _seed, cells, count, **options: fixed(0, cells, count, **options),
    )
    model = spec(models / "sd15")
    for scheduler, alike in (("ddim", True), ("euler_a", False)):
        one, two = (
            patch(backend, model, seeds=(seed,), scheduler=scheduler, mask=hole())
            for seed in (1, 2)
        )
        assert np.array_equal(one, two) == alike


@pytest.mark.parametrize("name", ["sd15_inpaint", "sdxl_inpaint"])
def test_a_native_unet_sees_the_touched_cells_and_nothing_under_them(backend, models, name):
    model = spec(models / name)
    inputs = []
    for fill in (0, 255):  # what is under the mask must not reach the masked picture's channels
        work = job(model)
        filled = np.where(hole()[..., None] > 0, fill, work.filled).astype(np.uint8)
        patch(backend, model)
        hook = backend._loaded.pipe.unet.register_forward_pre_hook(
            lambda _unet, seen: inputs.append(seen[0].numpy().copy())
        )
        generate(backend, replace(work, filled=filled))
        hook.remove()
    steps = len(inputs) // 2
    expected = touched_cells(hole(), 8) > 0
    np.testing.assert_array_equal(inputs[0][0, 4], expected)
    np.testing.assert_array_equal(inputs[0][:, 5:], inputs[steps][:, 5:])
