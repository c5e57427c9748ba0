"""Each name gives its scheduler, with the model's noise schedule and no shared state."""

import inspect
from itertools import combinations
from typing import Any

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, PNDMScheduler

from genimg_ui.backend.diffusion.schedulers import TABLE, make_scheduler, step_options
from genimg_ui.errors import RefusedInput
from genimg_ui.registry import FAMILIES

pytestmark = pytest.mark.torch


@pytest.fixture
def own() -> PNDMScheduler:
    return PNDMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        skip_prk_steps=True,
        steps_offset=1,
    )


def test_the_names_are_those_of_the_registry():
    for family in ("sd15", "sdxl"):
        assert ("default", *TABLE) == FAMILIES[family]["schedulers"]


@pytest.mark.parametrize("name", TABLE)
def test_the_noise_schedule_is_the_models(own, name):
    made = make_scheduler(name, own)
    assert isinstance(made, TABLE[name][0])
    for key in ("beta_start", "beta_end", "beta_schedule", "prediction_type"):
        assert made.config[key] == own.config[key]
    # Single steps have a spacing of their own, without an offset.
    assert made.config.get("steps_offset", 1) == own.config["steps_offset"]
    assert not made.config.get("clip_sample", False)


# Ancestral sampling is one step under two names: in Euler's form, and in that of DDPM's posterior.
EQUAL = {("euler_a", "ddpm")}


def sampled(name: str, own: PNDMScheduler) -> torch.Tensor:
    """Ten steps with a smooth made-up denoiser, the same for all."""
    made = make_scheduler(name, own)
    made.set_timesteps(10)
    begin, noise = (torch.Generator().manual_seed(seed) for seed in (0, 1))
    mix = torch.randn(4, 4, generator=torch.Generator().manual_seed(3))
    latents = torch.randn(1, 4, 8, 8, generator=begin) * made.init_noise_sigma
    taken = inspect.signature(made.step).parameters
    given: dict[str, Any] = {"generator": noise, "eta": 0.0, **step_options(made)}
    given = {key: value for key, value in given.items() if key in taken}
    for level in made.timesteps:
        seen = made.scale_model_input(latents, level)
        answer = 0.4 * seen + torch.tanh(torch.einsum("ij,bjhw->bihw", mix, seen) + level / 500)
        latents = made.step(answer, level, latents, **given, return_dict=False)[0]
    return latents


def test_each_name_is_a_sampler_of_its_own_or_known_to_be_another_ones():
    own = PNDMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1
    )
    answers = {name: sampled(name, own) for name in TABLE}
    for one, other in combinations(TABLE, 2):
        distance = (answers[one] - answers[other]).abs().mean() / answers[one].abs().mean()
        assert torch.isfinite(distance)
        assert (distance < 1e-4) == ((one, other) in EQUAL), f"{one}, {other}: {distance:.5f}"


def test_tcd_draws_its_share_of_fresh_noise(own):
    made = make_scheduler("tcd", own)
    assert step_options(made) == {"eta": 0.3}
    assert step_options(make_scheduler("ddim", own)) == {}


def test_default_is_the_models_own_kind_but_not_the_same_object(own):
    made = make_scheduler("default", own)
    assert type(made) is PNDMScheduler
    assert made is not own
    assert made.config["prediction_type"] == "v_prediction"


def test_karras_makes_the_difference_of_the_two_dpm_names(own):
    plain, karras = (make_scheduler(name, own) for name in ("dpmpp_2m", "dpmpp_2m_karras"))
    for made in (plain, karras):
        made.set_timesteps(8)
    assert plain.timesteps.tolist() != karras.timesteps.tolist()


def test_a_models_karras_setting_does_not_leak_into_other_names():
    own = DPMSolverMultistepScheduler(use_karras_sigmas=True, algorithm_type="sde-dpmsolver++")
    assert not make_scheduler("euler", own).config["use_karras_sigmas"]
    assert make_scheduler("dpmpp_2m", own).config["algorithm_type"] == "dpmsolver++"
    assert make_scheduler("default", own).config["use_karras_sigmas"]


def test_pndm_takes_no_extra_warm_up_steps():
    made = make_scheduler("pndm", DPMSolverMultistepScheduler())
    made.set_timesteps(10)
    assert len(made.timesteps) == 11


def test_an_unknown_name_is_refused_with_the_known_ones(own):
    with pytest.raises(RefusedInput, match='must be one of default, euler, .*tcd, .*got "k_lms"'):
        make_scheduler("k_lms", own)
