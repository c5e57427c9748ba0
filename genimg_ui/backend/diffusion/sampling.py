"""One job's way through a pipeline: extend, encode, blend, sample, cut back.

Each variant is sampled on its own with its own CPU generator and its own scheduler, so a picture
depends on its seed and never on its batch. Crops whose sides are no multiple of the model's are
extended at the right and the bottom, and cut back afterwards. Masks are uint8, 255 = repaint.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from genimg_ui.backend.base import (
    BackendJob,
    CancelToken,
    Grey,
    OnEvent,
    Preview,
    Progress,
    Rgb,
)
from genimg_ui.backend.diffusion.additions import Added
from genimg_ui.backend.diffusion.blend import Blend, cell_mask
from genimg_ui.backend.diffusion.controls import Controlled
from genimg_ui.backend.diffusion.families import Call, ControlCall, OnStep, Output
from genimg_ui.backend.diffusion.guidance import Evaluations, evaluated
from genimg_ui.backend.diffusion.memo import remembered
from genimg_ui.backend.diffusion.noise import canvas_noise, latent_cells
from genimg_ui.backend.diffusion.pipelines import Loaded, denoisers
from genimg_ui.backend.diffusion.preview import PreviewGate, latents_to_rgb
from genimg_ui.backend.diffusion.schedulers import check_steps, make_scheduler, step_options
from genimg_ui.backend.diffusion.steering import Steer, steered
from genimg_ui.backend.diffusion.step_noise import anchor_steps
from genimg_ui.core.memory import WHOLE, Placement
from genimg_ui.errors import BackendError, RefusedInput


@dataclass(frozen=True, slots=True)
class Work:
    """One job's share that all its variants have in common."""

    job: BackendJob
    loaded: Loaded
    pipe: Any  # `loaded.pipe`, or its twin with ControlNets
    filled: Rgb  # extended to whole multiples
    original: Rgb  # the same without the fill
    cells: torch.Tensor  # uint8 (rows, columns)
    source: torch.Tensor  # latents of `filled`
    controls: tuple[ControlCall, ...]  # extended too
    extras: Mapping[str, Any] = field(default_factory=dict)  # further arguments of the pipeline
    steers: tuple[Steer, ...] = ()
    placement: Placement = WHOLE
    state: tuple[Any, ...] = ()  # what the edit has changed in the text encoders

    @property
    def size(self) -> tuple[int, int]:
        return self.filled.shape[1], self.filled.shape[0]

    @property
    def strength(self) -> float:
        """1 for a family that knows none."""
        uses = self.job.spec.uses_strength
        return self.job.resolved.request.sampling.strength if uses else 1.0


class Watch:
    """Looks on after each step: cancels, blends, reports. One for each variant."""

    def __init__(
        self, work: Work, index: int, *, on_event: OnEvent, cancel: CancelToken, gate: PreviewGate
    ) -> None:
        self._work = work
        self._index = index
        self._on_event = on_event
        self._cancel = cancel
        self._gate = gate
        gate.restart()

    def check(self) -> None:
        self._cancel.check()

    def done(self, blend: Blend) -> None:
        self._say(len(blend.timesteps) + 1, blend, "done")

    def on_step(self, blend: Blend) -> OnStep:
        """What is done with the latents after each evaluation of the denoiser."""

        def on_step(step: int, latents: torch.Tensor) -> torch.Tensor:
            self._cancel.check()
            _check_finite(latents, self._work.job, step)
            latents = blend.after(step, latents)
            self._report(step, blend, latents)
            if step + 1 == len(blend.timesteps):
                self._say(step + 1, blend, "decoding")
            self._cancel.check()  # after the last step this is before the decoder starts
            return latents

        return on_step

    def _report(self, step: int, blend: Blend, latents: torch.Tensor) -> None:
        sampling = self._work.job.resolved.request.sampling
        # Heun and PNDM evaluate the model more often than the steps that were asked for.
        asked = int(sampling.num_inference_steps * self._work.strength)
        evaluations = len(blend.timesteps)
        self._say(step + 1, blend, f"step {-(-(step + 1) * asked // evaluations)} of {asked}")
        if self._gate.opens(step + 1):
            image = latents_to_rgb(blend.visible(latents)[0], self._work.loaded.colours)
            self._on_event(Preview(self._index, image))

    def _say(self, parts: int, blend: Blend, text: str) -> None:
        """Decoding counts as one more evaluation: on a CPU it takes as long."""
        seeds = len(self._work.job.resolved.seeds)
        fraction = (self._index + parts / (len(blend.timesteps) + 1)) / seeds
        if seeds > 1:
            text = f"variant {self._index + 1} of {seeds}, {text}"
        self._on_event(Progress(fraction, text))


def check_job(job: BackendJob) -> None:
    if job.filled.shape[:2] != job.mask.shape:
        height, width = job.filled.shape[:2]
        rows, columns = job.mask.shape
        raise RefusedInput(f"mask must have the crop's size {width}×{height}, got {columns}×{rows}")
    for control in job.controls:
        if control.image.shape != job.filled.shape:
            height, width = control.image.shape[:2]
            raise RefusedInput(
                f"control map must have the crop's size {job.filled.shape[1]}×"
                f"{job.filled.shape[0]}, got {width}×{height}"
            )


def prepare(
    job: BackendJob,
    loaded: Loaded,
    twin: Controlled | None = None,
    added: Added | None = None,
    *,
    placement: Placement = WHOLE,
) -> Work:
    """Everything that all variants share; `twin` is the pipeline with the job's ControlNets.

    `added` is what the edit has put on the model for its own time, `placement` how it is fitted
    into memory.
    """
    family = loaded.family
    pipe = loaded.pipe if twin is None else twin.pipe
    multiple = math.lcm(loaded.factor, job.spec.size_multiple)
    filled = _extended(job.filled, multiple)
    cells = cell_mask(_extended(job.mask, multiple), loaded.factor)
    # One fixed draw of the encoder's posterior: all variants are held to the same latents.
    with remembered(pipe, loaded.memo):
        source = family.encode(pipe, _pixels(filled), torch.Generator("cpu").manual_seed(0))
    return Work(
        job=job,
        loaded=loaded,
        pipe=pipe,
        filled=filled,
        original=_extended(job.image, multiple),
        cells=torch.from_numpy(cells).to(family.place(pipe)),
        source=source.to(family.dtype(pipe)),
        controls=() if twin is None else _controls(job, twin, multiple),
        extras={} if added is None else added.extras,
        steers=() if added is None else added.steers,
        placement=placement,
        state=() if added is None else added.state,
    )


def sample(work: Work, index: int, watch: Watch) -> Rgb:
    """One variant, from noise to pixels."""
    watch.check()
    sampling = work.job.resolved.request.sampling
    seed = work.job.resolved.seeds[index]
    work.pipe.scheduler = make_scheduler(work.job.resolved.scheduler, work.loaded.scheduler)
    check_steps(work.pipe.scheduler, sampling.num_inference_steps, work.strength)
    blend = _blend(work, seed)
    if sampling.anchor_step_noise:
        anchor_steps(work.pipe.scheduler, partial(_step_noise, work, seed))
    hole = _hole(work)
    call = Call(
        prompt=sampling.prompt,
        negative_prompt=sampling.negative_prompt,
        image=work.filled,
        original=work.original,
        mask=hole if work.loaded.native else np.full_like(hole, 255),
        hole=hole,
        latents=blend.start(strength=work.strength),
        generator=torch.Generator("cpu").manual_seed(seed),
        strength=work.strength,
        num_inference_steps=sampling.num_inference_steps,
        guidance_scale=sampling.guidance_scale,
        true_cfg_scale=sampling.true_cfg_scale,
        on_step=watch.on_step(blend),
        controls=work.controls,
        helpers=work.loaded.helpers,
        refiner_switch_at=sampling.refiner_switch_at,
        check=watch.check,
        extras={**step_options(work.pipe.scheduler), **work.extras},
    )
    output = _run(work, call, len(blend.timesteps))
    watch.check()
    pixels = _patch(work, output)
    watch.done(blend)
    return pixels


def _run(work: Work, call: Call, evaluations: int) -> Output:
    """Sample with all that acts beside the pipeline."""
    family, pipe = work.loaded.family, work.pipe
    what = Evaluations(
        total=evaluations,
        end=work.job.resolved.request.speed.guidance_end,
        guides=family.guides(call),
        halved=work.placement.halved,
    )
    control = getattr(pipe, "controlnet", None)
    with (
        remembered(pipe, work.loaded.memo, work.state),
        steered(family.denoiser(pipe), work.steers, evaluations),
        evaluated(denoisers(work.loaded, pipe), control, family.guided, what),
    ):
        return family.run(pipe, call)


def _controls(job: BackendJob, twin: Controlled, multiple: int) -> tuple[ControlCall, ...]:
    return tuple(
        ControlCall(
            image=_extended(control.image, multiple),
            scale=float(control.unit.controlnet_conditioning_scale),
            start=float(control.unit.control_guidance_start),
            end=float(control.unit.control_guidance_end),
            mode=mode,
            hole=None if control.hole is None else _extended(control.hole, multiple),
        )
        for control, mode in zip(job.controls, twin.modes, strict=True)
    )


def _blend(work: Work, seed: int) -> Blend:
    job, family, pipe = work.job, work.loaded.family, work.pipe
    sampling = job.resolved.request.sampling
    timesteps = family.timesteps(
        pipe, steps=sampling.num_inference_steps, strength=work.strength, size=work.size
    )
    noise = _noise(work, seed).to(work.source)
    return Blend(pipe.scheduler, timesteps, work.cells, work.source, noise, family)


def _noise(work: Work, seed: int, draw: int = 0) -> torch.Tensor:
    """The canvas's noise in the crop: float32 (1, channels, rows, columns)."""
    job, loaded = work.job, work.loaded
    rows, columns = work.source.shape[-2:]
    cells = latent_cells(job.origin, job.scale, rows=rows, columns=columns, factor=loaded.factor)
    channels = loaded.family.latent_channels(work.pipe)
    return torch.from_numpy(canvas_noise(seed, cells, channels, draw=draw))[None]


def _step_noise(work: Work, seed: int, draw: int) -> torch.Tensor:
    """The noise of a sampler's step, in the layout that the pipeline samples in."""
    noise = _noise(work, seed, draw).to(work.source.device)
    return work.loaded.family.pack(work.pipe, noise)


def _hole(work: Work) -> Grey:
    """255 in the pixels of all cells that are touched."""
    touched = (work.cells.cpu().numpy() > 0).astype(np.uint8) * 255
    factor = work.loaded.factor
    return touched.repeat(factor, 0).repeat(factor, 1)


def _pixels(image: Rgb) -> torch.Tensor:
    """Float (1, 3, h, w) in [-1, 1], by the very operations of diffusers."""
    # In their layout of memory, too: convolutions round differently in another.
    unit = torch.from_numpy(image[None].astype(np.float32) / 255.0)
    return 2.0 * unit.permute(0, 3, 1, 2) - 1.0


def _check_finite(latents: torch.Tensor, job: BackendJob, step: int) -> None:
    if not bool(torch.isfinite(latents).all()):
        raise _not_finite(job, f" in step {step + 1}")


def _not_finite(job: BackendJob, where: str) -> BackendError:
    return BackendError(
        f"{job.spec.title} produced values that are no numbers (NaN){where}; lower "
        "guidance_scale, or choose another scheduler."
    )


def _patch(work: Work, output: Output) -> Rgb:
    if output.withheld:
        raise BackendError(
            f"The safety checker of {work.job.spec.title} withheld a result; another seed or "
            "prompt may pass."
        )
    if not np.isfinite(output.pixels).all():
        raise _not_finite(work.job, " when it was decoded")
    height, width = work.job.filled.shape[:2]
    rounded = (output.pixels * 255).round().astype(np.uint8)
    return np.ascontiguousarray(rounded[:height, :width])


def _extended(pixels: np.ndarray[Any, np.dtype[np.uint8]], multiple: int) -> Any:
    """Repeat the last row and column up to whole multiples."""
    height, width = pixels.shape[:2]
    missing = ((0, -height % multiple), (0, -width % multiple))
    return np.pad(pixels, missing + ((0, 0),) * (pixels.ndim - 2), mode="edge")
