"""One job's way through a pipeline: extend, encode, blend, sample, cut back.

Each variant is sampled on its own with its own CPU generator and its own scheduler, so a picture
depends on its seed and never on its batch. Crops whose sides are no multiple of the model's are
extended at the right and the bottom, and cut back afterwards. Masks are uint8, 255 = repaint.
"""

import math
from functools import partial
from typing import Any

import numpy as np
import torch

from genimg_ui.backend.base import (
    BackendJob,
    Grey,
    Rgb,
)
from genimg_ui.backend.diffusion.additions import Added
from genimg_ui.backend.diffusion.blend import Blend, grown_by_one, touched_cells
from genimg_ui.backend.diffusion.controls import Controlled
from genimg_ui.backend.diffusion.families import Call, ControlCall, Output
from genimg_ui.backend.diffusion.guidance import Evaluations, evaluated
from genimg_ui.backend.diffusion.memo import remembered
from genimg_ui.backend.diffusion.noise import canvas_noise, latent_cells
from genimg_ui.backend.diffusion.pipelines import Loaded, denoisers
from genimg_ui.backend.diffusion.prompt_layers import projected_once
from genimg_ui.backend.diffusion.schedulers import check_steps, make_scheduler, step_options
from genimg_ui.backend.diffusion.steering import steered
from genimg_ui.backend.diffusion.step_caching import step_cached
from genimg_ui.backend.diffusion.step_noise import anchor_steps
from genimg_ui.backend.diffusion.tracing import traced
from genimg_ui.backend.diffusion.watching import Watch, not_finite
from genimg_ui.backend.diffusion.work import Work
from genimg_ui.core.memory import WHOLE, Offload, Placement
from genimg_ui.errors import BackendError, RefusedInput


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
    touched = touched_cells(_extended(job.mask, multiple), loaded.factor)
    cells = grown_by_one(touched)
    # One fixed draw of the encoder's posterior: all variants are held to the same latents.
    with remembered(pipe, loaded.memo):
        source = family.encode(pipe, _pixels(filled), torch.Generator("cpu").manual_seed(0))
    return Work(
        job=job,
        loaded=loaded,
        pipe=pipe,
        filled=filled,
        original=_extended(job.image, multiple),
        hole=_hole(touched, loaded.factor),
        cells=torch.from_numpy(cells).to(family.place(pipe)),
        source=source.to(family.dtype(pipe)),
        lowest=int(cells.min()),
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
    call = Call(
        prompt=sampling.prompt,
        negative_prompt=sampling.negative_prompt,
        image=work.filled,
        original=work.original,
        mask=work.hole if work.loaded.native else np.full_like(work.hole, 255),
        hole=work.hole,
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
    request, denoiser = work.job.resolved.request, family.denoiser(pipe)
    networks = denoisers(work.loaded, pipe)
    at_rest = work.loaded.offload is Offload.NONE and not work.loaded.tuning.compiled
    own = at_rest and not (request.loras or request.references)
    every = tuple(dict.fromkeys((*networks, *getattr(control, "nets", (control,)))))
    with (
        remembered(pipe, work.loaded.memo, work.state),
        projected_once(every, possible=at_rest) as once,
        traced(every, work.loaded.traces, evaluations, once=once, possible=own),
        step_cached(denoiser, request.speed, evaluations, apart=family.apart(pipe, call)),
        steered(denoiser, work.steers, evaluations),
        evaluated(networks, control, family.guided, what),
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
    return Blend(
        pipe.scheduler, timesteps, work.cells, work.source, noise, law=family, lowest=work.lowest
    )


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


def _hole(touched: Grey, factor: int) -> Grey:
    """255 in the pixels of all cells that are touched."""
    hole = (touched > 0).astype(np.uint8) * 255
    return hole.repeat(factor, 0).repeat(factor, 1)


def _pixels(image: Rgb) -> torch.Tensor:
    """Float (1, 3, h, w) in [-1, 1], by the very operations of diffusers."""
    # In their layout of memory, too: convolutions round differently in another.
    unit = torch.from_numpy(image[None].astype(np.float32) / 255.0)
    return 2.0 * unit.permute(0, 3, 1, 2) - 1.0


def _patch(work: Work, output: Output) -> Rgb:
    if output.withheld:
        raise BackendError(
            f"The safety checker of {work.job.spec.title} withheld a result; another seed or "
            "prompt may pass."
        )
    if not np.isfinite(output.pixels).all():
        raise not_finite(work.job, " when it was decoded")
    height, width = work.job.filled.shape[:2]
    rounded = (output.pixels * 255).round().astype(np.uint8)
    return np.ascontiguousarray(rounded[:height, :width])


def _extended(pixels: np.ndarray[Any, Any], multiple: int) -> Any:
    """Repeat the last row and column up to whole multiples."""
    height, width = pixels.shape[:2]
    missing = ((0, -height % multiple), (0, -width % multiple))
    return np.pad(pixels, missing + ((0, 0),) * (pixels.ndim - 2), mode="edge")
