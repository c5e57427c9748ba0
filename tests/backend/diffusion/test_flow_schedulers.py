"""Flow matching: the levels are the model's own, cut by the strength, and Heun is Heun."""

from typing import Any

import pytest
import torch
from diffusers import (
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
)

from genimg_ui.backend.diffusion.flow_schedulers import (
    TABLE,
    FlowEuler,
    FlowHeun,
    make_flow_scheduler,
)
from genimg_ui.backend.diffusion.schedulers import make_scheduler
from genimg_ui.errors import RefusedInput
from genimg_ui.registry import SCHEDULERS
from genimg_ui.registry.spec import FLOW_SCHEDULERS

pytestmark = pytest.mark.torch

CONFIGS: tuple[dict[str, Any], ...] = (
    {"shift": 3.0},
    {"use_dynamic_shifting": True, "max_shift": 0.9},
    {"use_dynamic_shifting": True, "shift_terminal": 0.02},
)


def sampled(scheduler: Any, steps: int, **levels: Any) -> torch.Tensor:
    """What a field that leads from x to -x ends at, from 1."""
    scheduler.set_timesteps(steps, **levels)
    x = torch.ones(1, dtype=torch.float64)
    for timestep in scheduler.timesteps:
        x = scheduler.step(2 * x, timestep, x, return_dict=False)[0]
    return x


def test_the_names_are_those_of_the_registry():
    assert tuple(TABLE) == FLOW_SCHEDULERS
    assert set(FLOW_SCHEDULERS) < set(SCHEDULERS)


@pytest.mark.parametrize("config", CONFIGS)
def test_euler_is_that_of_diffusers(config):
    own = FlowMatchEulerDiscreteScheduler(**config)
    mu = 0.8 if config.get("use_dynamic_shifting") else None
    made = make_flow_scheduler("default", own)
    expected, found = (sampled(each, 7, mu=mu) for each in (own, made))
    assert torch.equal(expected, found)
    assert torch.equal(own.timesteps, made.timesteps)


def test_heun_is_that_of_diffusers_where_that_knows_the_levels():
    own = FlowMatchEulerDiscreteScheduler(shift=3.0)
    made = make_flow_scheduler("flow_heun", own)
    expected = sampled(FlowMatchHeunDiscreteScheduler(shift=3.0), 5)
    assert torch.allclose(sampled(made, 5), expected, rtol=1e-6)
    assert len(made.timesteps) == 2 * 5 - 1


@pytest.mark.parametrize("config", CONFIGS)
def test_heun_is_nearer_to_the_truth_than_euler_with_the_same_levels(config):
    mu = 0.8 if config.get("use_dynamic_shifting") else None
    own = FlowMatchEulerDiscreteScheduler(**config)
    truth = torch.exp(torch.tensor(-2.0, dtype=torch.float64))  # x' = 2 x, from 1 to 0
    euler, heun = (
        float((sampled(make_flow_scheduler(name, own), 12, mu=mu) - truth).abs())
        for name in FLOW_SCHEDULERS
    )
    assert heun < euler / 3


@pytest.mark.parametrize("cls", [FlowEuler, FlowHeun])
def test_a_cut_leaves_the_last_steps_as_they_were(cls):
    whole, cut = (cls(use_dynamic_shifting=True, shift_terminal=0.02) for _ in range(2))
    whole.set_timesteps(8, mu=0.7)
    cut.begin(skipped=3, mu=0.7)
    cut.set_timesteps(8)  # a pipeline that does not know the shift
    count = len(cut.timesteps)
    assert count == (5 if cls is FlowEuler else 9)
    assert torch.equal(cut.timesteps, whole.timesteps[-count:])
    assert torch.equal(cut.sigmas, whole.sigmas[-count - 1 :])


def test_a_level_is_found_by_its_timestep():
    scheduler = FlowHeun(shift=3.0)
    scheduler.set_timesteps(4)
    for index, timestep in enumerate(scheduler.timesteps):
        assert scheduler.sigma(timestep) == scheduler.sigmas[index]


def test_noise_and_flow_do_not_mix():
    with pytest.raises(RefusedInput, match='must be one of default, flow_euler, flow_heun, got "e'):
        make_scheduler("euler", FlowMatchEulerDiscreteScheduler())
    with pytest.raises(RefusedInput, match='got "flow_euler"'):
        make_scheduler("flow_euler", EulerDiscreteScheduler())
