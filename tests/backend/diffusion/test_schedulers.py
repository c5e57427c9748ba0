"""Each name gives its scheduler, with the model's noise schedule and no shared state."""

import pytest
from diffusers import DPMSolverMultistepScheduler, PNDMScheduler

from genimg_ui.backend.diffusion.schedulers import TABLE, make_scheduler
from genimg_ui.errors import RefusedInput
from genimg_ui.registry import SCHEDULERS

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
    assert tuple(TABLE) == tuple(SCHEDULERS)


@pytest.mark.parametrize("name", TABLE)
def test_the_noise_schedule_is_the_models(own, name):
    made = make_scheduler(name, own)
    assert isinstance(made, TABLE[name][0])
    for key in ("beta_start", "beta_end", "beta_schedule", "prediction_type", "steps_offset"):
        assert made.config[key] == own.config[key]
    assert not made.config.get("clip_sample", False)


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
    with pytest.raises(RefusedInput, match='must be one of default, euler, .*deis, got "k_lms"'):
        make_scheduler("k_lms", own)
