"""Paints the cases of the `shapes` benchmark through the app's own diffusers engine.

As at the page, the colours of what it paints are matched to what stands around it.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch

from benchmarks.shapes_cases import Case, Grey, Rgb
from genimg_ui.backend.base import BackendJob, CancelToken, ControlInput, Preview, Progress
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.core.colour_match import match_colours
from genimg_ui.core.request import (
    ControlUnit,
    EditRequest,
    FillMode,
    LoraUnit,
    ResolvedRequest,
    SamplingParams,
)
from genimg_ui.registry import ModelSpec, load_registry

GREY: Final = 128
LORA: Final = "ink"


@dataclass(frozen=True, slots=True)
class Painted:
    """One variant: the matched patch, and the picture with it pasted where the mask says so."""

    result: Rgb
    patch: Rgb


@dataclass
class Studio:
    """An engine of one process, with the models that were asked for; `control` is the kind."""

    spec: ModelSpec
    control: str = "canny"
    backend: DiffusersBackend = field(default_factory=DiffusersBackend)

    def paint(self, case: Case) -> list[Painted]:
        """Every variant of the case."""
        result = self.backend.generate(self._job(case), _ignore, CancelToken())
        inside = case.mask[:, :, None] > 0
        mode = self.spec.default_colour_match
        patches = [match_colours(p, case.picture, case.mask, mode).patch for p in result.patches]
        return [Painted(np.where(inside, p, case.picture), p) for p in patches]

    def _job(self, case: Case) -> BackendJob:
        sampling = SamplingParams(
            prompt=case.prompt,
            negative_prompt=case.negative_prompt,
            strength=case.strength,
            guidance_scale=case.guidance_scale,
            num_inference_steps=case.num_inference_steps,
            scheduler=case.scheduler,
            seed=case.seed,
            variants=case.variants,
        )
        unit = ControlUnit(
            kind=self.control,
            controlnet_conditioning_scale=case.controlnet_conditioning_scale,
            control_guidance_end=case.control_guidance_end,
        )
        controls = () if case.control is None else (ControlInput(unit, case.control),)
        request = EditRequest(
            model=self.spec.id,
            sampling=sampling,
            controls=tuple(c.unit for c in controls),
            loras=() if case.lora_scale is None else (LoraUnit(name=LORA, scale=case.lora_scale),),
        )
        resolved = ResolvedRequest(
            request=request,
            seeds=tuple(case.seed + i for i in range(case.variants)),
            scheduler=case.scheduler,
            fill_mode=FillMode.BALANCED,
        )
        return BackendJob(
            resolved=resolved,
            spec=self.spec,
            image=case.picture,
            filled=case.picture if case.fill_original else _neutral(case.picture, case.mask),
            mask=case.mask,
            controls=controls,
        )


def _neutral(picture: Rgb, mask: Grey) -> Rgb:
    grey = np.uint8(GREY)
    return np.where(mask[:, :, None] > 0, grey, picture)


def _ignore(event: Progress | Preview) -> None:
    """Nobody watches a benchmark's steps."""


def open_studio(models: Path, model: str, *, threads: int, control: str = "canny") -> Studio:
    """The engine for one model of a models.yaml."""
    torch.set_num_threads(threads)
    return Studio(spec=load_registry(models).get(model), control=control)
