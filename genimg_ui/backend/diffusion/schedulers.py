"""Builds the sampler's scheduler, anew for each picture, from the model's own configuration.

A scheduler keeps state between steps, so none is shared between pictures or jobs. The noise
schedule (betas, prediction type, spacing) always comes from the model.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DEISMultistepScheduler,
    DPMSolverMultistepScheduler,
    DPMSolverSinglestepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    HeunDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
    TCDScheduler,
    UniPCMultistepScheduler,
)

from genimg_ui.backend.diffusion.flow_schedulers import is_flow, make_flow_scheduler
from genimg_ui.errors import RefusedInput
from genimg_ui.registry import DEFAULT_SCHEDULER

Scheduler = Any  # diffusers' schedulers share an interface, but no base class that declares it

# Latents are not bounded to [-1, 1] as pixels are, so nothing may be clipped.
_UNCLIPPED = {"clip_sample": False}
_SDE = {"algorithm_type": "sde-dpmsolver++"}
_KARRAS = {"use_karras_sigmas": True}
# A single step must end at a first-order one where the last noise level is 0.
_SINGLE = _SDE | {"lower_order_final": True}
# The last training timestep is the first one that is run: what few-step models were distilled at.
_TRAILING = {"timestep_spacing": "trailing"}

TABLE: Mapping[str, tuple[Scheduler, dict[str, Any]]] = MappingProxyType(
    {
        "euler": (EulerDiscreteScheduler, {}),
        "euler_a": (EulerAncestralDiscreteScheduler, {}),
        "dpmpp_2m": (DPMSolverMultistepScheduler, {"use_karras_sigmas": False}),
        "dpmpp_2m_karras": (DPMSolverMultistepScheduler, {"use_karras_sigmas": True}),
        "unipc": (UniPCMultistepScheduler, {}),
        "ddim": (DDIMScheduler, _UNCLIPPED),
        "ddpm": (DDPMScheduler, _UNCLIPPED),
        # Runge-Kutta warm-up steps would not be counted among the steps that were asked for.
        "pndm": (PNDMScheduler, {"skip_prk_steps": True}),
        "heun": (HeunDiscreteScheduler, _UNCLIPPED),
        "lcm": (LCMScheduler, _UNCLIPPED),
        "deis": (DEISMultistepScheduler, {}),
        "dpmpp_2m_sde": (DPMSolverMultistepScheduler, _SDE),
        "dpmpp_2m_sde_karras": (DPMSolverMultistepScheduler, _SDE | _KARRAS),
        "dpmpp_sde": (DPMSolverSinglestepScheduler, _SINGLE),
        "dpmpp_sde_karras": (DPMSolverSinglestepScheduler, _SINGLE | _KARRAS),
        "tcd": (TCDScheduler, _UNCLIPPED),
        "euler_trailing": (EulerDiscreteScheduler, _TRAILING),
        "ddim_trailing": (DDIMScheduler, _UNCLIPPED | _TRAILING),
    }
)
TEACHER_STEPS = 50  # `original_inference_steps`: the steps that LCM and TCD skip through
TCD_ETA = 0.3  # share of fresh noise in each step; its authors' choice (Zheng et al. 2024, gamma)


def make_scheduler(name: str, own: Scheduler) -> Scheduler:
    """A fresh scheduler by its name; `own` is the one that the model was saved with."""
    if is_flow(own):
        return make_flow_scheduler(name, own)
    if name == DEFAULT_SCHEDULER:
        return type(own).from_config(own.config)
    if name not in TABLE:
        known = ", ".join((DEFAULT_SCHEDULER, *TABLE))
        raise RefusedInput(f'scheduler must be one of {known}, got "{name}"')
    cls, changes = TABLE[name]
    return cls.from_config(_foreign(own.config, cls), **changes)


def check_steps(scheduler: Scheduler, steps: int, strength: float) -> None:
    """Refuse what the scheduler would turn into no step at all, or cannot do."""
    if int(steps * strength) < 1:
        raise RefusedInput(
            f"strength × num_inference_steps must be at least 1, got {strength:g} × {steps}",
            remedy="Raise either.",
        )
    if isinstance(scheduler, LCMScheduler | TCDScheduler) and steps > TEACHER_STEPS:
        name = "lcm" if isinstance(scheduler, LCMScheduler) else "tcd"
        raise RefusedInput(
            f"num_inference_steps must be in [1, {TEACHER_STEPS}] with scheduler {name}, "
            f"got {steps}"
        )


def step_options(scheduler: Scheduler) -> dict[str, float]:
    """What the pipelines shall hand to the scheduler's steps where its own default is wrong.

    The pipelines pass `eta` 0 to every scheduler that takes one, which for TCD is another sampler.
    """
    return {"eta": TCD_ETA} if isinstance(scheduler, TCDScheduler) else {}


def _foreign(config: Mapping[str, Any], cls: Scheduler) -> dict[str, Any]:
    """The model's schedule without the knobs that another scheduler's class gave it."""
    accepted = set(cls().config)
    own_knobs = {"use_karras_sigmas", "algorithm_type", "solver_type", "solver_order"}
    return {
        key: value
        for key, value in config.items()
        if key in accepted and key not in own_knobs and not key.startswith("_")
    }
