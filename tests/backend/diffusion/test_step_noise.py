"""The noise of a sampler's steps belongs to the canvas, whatever the sampler."""

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from sampling_support import patch, spec

from genimg_ui.backend.base import Backend
from genimg_ui.backend.diffusion.noise import canvas_noise
from genimg_ui.backend.diffusion.schedulers import TABLE, make_scheduler
from genimg_ui.backend.diffusion.step_noise import anchor_steps
from genimg_ui.core.geometry import Box
from genimg_ui.errors import BackendError

pytestmark = pytest.mark.torch
CHANNELS, STEPS, SEED = 4, 5, 7
WHOLE, PART = Box(0, 0, 12, 10), Box(3, 2, 12, 10)
STOCHASTIC = {"euler_a", "ddpm", "lcm", "tcd", "dpmpp_2m_sde", "dpmpp_2m_sde_karras"}
STOCHASTIC |= {"dpmpp_sde", "dpmpp_sde_karras"}
MODEL = DDIMScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012)


def noise(cells: Box, draw: int = 0, seed: int = SEED) -> torch.Tensor:
    return torch.from_numpy(canvas_noise(seed, cells, CHANNELS, draw=draw))[None]


def steps(name: str, cells: Box, *, anchored: bool) -> torch.Tensor:
    """What a sampler makes of noise, with a denoiser that looks at each cell alone."""
    scheduler = make_scheduler(name, MODEL)
    scheduler.set_timesteps(STEPS)
    if anchored:
        anchor_steps(scheduler, partial(noise, cells))
    takes = inspect.signature(scheduler.step).parameters
    options: dict[str, Any] = {}
    if "generator" in takes:
        options["generator"] = torch.Generator().manual_seed(SEED)
    if name == "tcd":
        options["eta"] = 0.3
    sample = noise(cells) * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        seen = scheduler.scale_model_input(sample, timestep)
        sample = scheduler.step(0.3 * seen, timestep, sample, **options).prev_sample
    return sample


def inner(values: torch.Tensor) -> torch.Tensor:
    """The cells of PART in what covers WHOLE."""
    return values[..., PART.top :, PART.left :]


@pytest.mark.parametrize("name", sorted(STOCHASTIC))
def test_a_crop_that_moves_keeps_the_noise_of_every_step(name: str) -> None:
    whole, part = (steps(name, cells, anchored=True) for cells in (WHOLE, PART))
    torch.testing.assert_close(inner(whole), part, rtol=0, atol=1e-5)
    loose = [steps(name, cells, anchored=False) for cells in (WHOLE, PART)]
    assert (inner(loose[0]) - loose[1]).abs().mean() > 0.01


@pytest.mark.parametrize("name", sorted(set(TABLE) - STOCHASTIC))
def test_samplers_without_noise_of_their_own_are_left_as_they_are(name: str) -> None:
    both = [steps(name, WHOLE, anchored=anchored) for anchored in (True, False)]
    torch.testing.assert_close(*both, rtol=0, atol=0)


def test_every_draw_is_another_one_and_standard_normal() -> None:
    cells = Box(0, 0, 64, 64)
    draws = [noise(cells, draw).numpy() for draw in range(4)]
    for index, one in enumerate(draws):
        assert abs(one.mean()) < 0.03 and abs(one.std() - 1) < 0.03
        for other in draws[:index]:
            assert abs(np.mean(one * other)) < 0.03
    assert np.array_equal(draws[2], noise(cells, 2).numpy())
    assert abs(np.mean(draws[1] * noise(cells, 1, seed=SEED + 1).numpy())) < 0.03


def test_a_step_still_says_what_it_takes_and_nothing_else_is_answered() -> None:
    scheduler = make_scheduler("euler_a", MODEL)
    before = set(inspect.signature(scheduler.step).parameters)
    anchor_steps(scheduler, partial(noise, WHOLE))
    assert set(inspect.signature(scheduler.step).parameters) == before
    drawn = torch.randn(3, generator=torch.Generator().manual_seed(1))
    assert torch.equal(drawn, torch.randn(3, generator=torch.Generator().manual_seed(1)))


def test_noise_of_another_shape_is_refused() -> None:
    with pytest.raises(BackendError, match="Anchored step noise"):
        scheduler = make_scheduler("euler_a", MODEL)
        scheduler.set_timesteps(STEPS)
        anchor_steps(scheduler, partial(noise, PART))
        scheduler.step(noise(WHOLE), scheduler.timesteps[0], noise(WHOLE))


Repaint = Callable[..., np.ndarray]


@pytest.fixture(scope="module")
def repaint(backend: Backend, models: Path) -> Repaint:
    """What a tiny blended model makes of a picture."""
    model = spec(models / "sd15")
    return lambda scheduler, **changes: patch(backend, model, scheduler=scheduler, **changes)


@pytest.mark.parametrize("name", ["euler_a", "lcm", "dpmpp_2m_sde"])
def test_the_request_decides_and_the_seed_repeats(repaint: Repaint, name: str) -> None:
    anchored = repaint(name, anchor_step_noise=True)
    assert np.array_equal(anchored, repaint(name, anchor_step_noise=True))
    assert not np.array_equal(anchored, repaint(name))
    assert not np.array_equal(anchored, repaint(name, anchor_step_noise=True, seeds=(2,)))


def test_a_sampler_without_noise_of_its_own_gives_the_same_pixels(repaint: Repaint) -> None:
    assert np.array_equal(repaint("ddim", anchor_step_noise=True), repaint("ddim"))


def test_a_variant_is_the_same_alone_and_among_others(repaint: Repaint) -> None:
    alone = repaint("euler_a", anchor_step_noise=True, seeds=(5,))
    among = repaint("euler_a", anchor_step_noise=True, seeds=(5, 6))
    assert np.array_equal(alone, among)
