"""Samplers of flow matching (Lipman et al. 2023, arXiv:2210.02747): straight paths to noise.

At noise level sigma in [0, 1] the latents are (1 - sigma) · picture + sigma · noise, and the
network tells the velocity along that path. The levels are the model's own: its shift, fixed or
by the picture's size (Esser et al. 2024, arXiv:2403.03206, section 5.3.2).

diffusers' pipelines set the levels themselves, from the full number of steps, and not all of
them know a strength. So these schedulers can be told to leave out the first steps.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from genimg_ui.errors import RefusedInput
from genimg_ui.registry import DEFAULT_SCHEDULER


class FlowEuler(FlowMatchEulerDiscreteScheduler):  # type: ignore[misc] # diffusers is untyped
    """Euler's method along the path; the steps before `skipped` are left out.

    `mu` is the shift by the picture's size where the model has one, for pipelines that do not
    tell it themselves.
    """

    skipped: int = 0
    mu: float | None = None
    timesteps: torch.Tensor
    sigmas: torch.Tensor
    _step_index: int | None

    def begin(self, *, skipped: int, mu: float | None) -> None:
        """Say what `set_timesteps` shall leave out, and how it shifts."""
        self.skipped, self.mu = skipped, mu

    def set_timesteps(
        self,
        num_inference_steps: int | None = None,
        device: torch.device | str | None = None,
        sigmas: Any = None,
        mu: float | None = None,
    ) -> None:
        """Set the levels of `num_inference_steps` steps, or `sigmas` before their shift."""
        super().set_timesteps(
            num_inference_steps, device=device, sigmas=sigmas, mu=self.mu if mu is None else mu
        )
        self.timesteps = self.timesteps[self.skipped :]
        self.sigmas = self.sigmas[self.skipped :]
        self._begin_index = 0  # two levels may be the same number: count, do not look up

    def stretch_shift_to_terminal(self, t: Any) -> Any:
        """Stretch the levels to their last; a single one would be divided by zero."""
        return t if len(t) == 1 else super().stretch_shift_to_terminal(t)

    def sigma(self, timestep: torch.Tensor) -> torch.Tensor:
        """The noise level, a scalar, of the one of `timesteps` that is nearest."""
        level: torch.Tensor = self.sigmas[(self.timesteps - timestep).abs().argmin()]
        return level


class FlowHeun(FlowEuler):
    """Heun's method: each step is corrected by the velocity at its end, but for the last.

    Two evaluations a step, so `timesteps` names each level but the first twice.
    """

    order = 2
    _first: tuple[torch.Tensor, torch.Tensor] | None = None  # where the step began, velocity

    def set_timesteps(
        self,
        num_inference_steps: int | None = None,
        device: torch.device | str | None = None,
        sigmas: Any = None,
        mu: float | None = None,
    ) -> None:
        super().set_timesteps(num_inference_steps, device=device, sigmas=sigmas, mu=mu)
        self.timesteps = _doubled(self.timesteps)
        self.sigmas = torch.cat([_doubled(self.sigmas[:-1]), self.sigmas[-1:]])
        self._first = None

    def step(
        self,
        model_output: torch.Tensor,
        timestep: torch.Tensor,  # noqa: ARG002 - the pipelines' signature
        sample: torch.Tensor,
        *,
        return_dict: bool = True,  # noqa: ARG002 - they never want one
    ) -> tuple[torch.Tensor]:
        """Half of a step: to its end by Euler, or the same again with the mean velocity."""
        index = 0 if self._step_index is None else self._step_index
        velocity = model_output.to(torch.float32)
        if self._first is None:
            begin = sample.to(torch.float32)
            stride = self.sigmas[index + 1] - self.sigmas[index]
            last = index + 2 == len(self.sigmas)
            self._first = None if last else (begin, velocity)
        else:
            begin, first = self._first
            velocity = (first + velocity) / 2
            stride = self.sigmas[index] - self.sigmas[index - 1]
            self._first = None
        self._step_index = index + 1
        return ((begin + stride * velocity).to(model_output.dtype),)


TABLE: Mapping[str, type[FlowEuler]] = MappingProxyType(
    {"flow_euler": FlowEuler, "flow_heun": FlowHeun}
)


def is_flow(own: Any) -> bool:
    """Whether a model was saved with a scheduler of flow matching."""
    return isinstance(own, FlowMatchEulerDiscreteScheduler)


def make_flow_scheduler(name: str, own: Any) -> FlowEuler:
    """A fresh scheduler by its name, with the levels of `own`, the model's.

    Raises RefusedInput for the name of a scheduler that predicts noise.
    """
    if name != DEFAULT_SCHEDULER and name not in TABLE:
        known = ", ".join((DEFAULT_SCHEDULER, *TABLE))
        raise RefusedInput(
            f'scheduler of this family must be one of {known}, got "{name}"',
            remedy="Choose one of them.",
        )
    made: FlowEuler = TABLE.get(name, FlowEuler).from_config(own.config)
    return made


def _doubled(levels: torch.Tensor) -> torch.Tensor:
    return torch.cat([levels[:1], levels[1:].repeat_interleave(2)])
