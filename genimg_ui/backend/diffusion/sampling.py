"""One job's way through a pipeline: extend, encode, blend, sample, cut back.

Each variant is sampled on its own with its own CPU generator and its own scheduler, so a picture
depends on its seed and never on its batch. Crops whose sides are no multiple of the model's are
extended at the right and the bottom, and cut back afterwards. Masks are uint8, 255 = repaint.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from genimg_ui.backend.base import (
    BackendJob,
    CancelToken,
    ControlInput,
    OnEvent,
    Preview,
    Progress,
    Rgb,
)
from genimg_ui.backend.diffusion.blend import Blend, cell_mask
from genimg_ui.backend.diffusion.noise import canvas_noise, latent_cells
from genimg_ui.backend.diffusion.pipelines import LATENT_CHANNELS, Loaded
from genimg_ui.backend.diffusion.preview import PreviewGate, latents_to_rgb
from genimg_ui.backend.diffusion.schedulers import check_steps, make_scheduler
from genimg_ui.errors import BackendError, RefusedInput


@dataclass(frozen=True, slots=True)
class Work:
    """One job's share that all its variants have in common."""

    job: BackendJob
    loaded: Loaded
    pipe: Any  # `loaded.pipe`, or its twin with a ControlNet
    filled: Rgb  # extended to whole multiples
    cells: torch.Tensor  # uint8 (rows, columns)
    source: torch.Tensor  # latents of `filled`
    controls: tuple[ControlInput, ...]  # extended too

    @property
    def size(self) -> tuple[int, int]:
        return self.filled.shape[1], self.filled.shape[0]


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

    def callback(self, blend: Blend) -> Callable[..., dict[str, Any]]:
        """What the pipeline calls with the latents after each of its steps."""

        def on_step(_pipe: Any, step: int, _when: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            self._cancel.check()
            latents = blend.after(step, tensors["latents"])
            self._report(step, blend, latents)
            if step + 1 == len(blend.timesteps):
                self._say(step + 1, blend, "decoding")
            self._cancel.check()  # after the last step this is before the decoder starts
            return {"latents": latents}

        return on_step

    def _report(self, step: int, blend: Blend, latents: torch.Tensor) -> None:
        sampling = self._work.job.resolved.request.sampling
        # Heun and PNDM evaluate the model more often than the steps that were asked for.
        asked = int(sampling.num_inference_steps * sampling.strength)
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
    if len(job.controls) > 1:
        raise RefusedInput(f"controls must be at most one ControlNet, got {len(job.controls)}")
    for control in job.controls:
        if control.image.shape != job.filled.shape:
            height, width = control.image.shape[:2]
            raise RefusedInput(
                f"control map must have the crop's size {job.filled.shape[1]}×"
                f"{job.filled.shape[0]}, got {width}×{height}"
            )


def prepare(job: BackendJob, loaded: Loaded, pipe: Any) -> Work:
    multiple = max(loaded.factor, job.spec.size_multiple)
    filled = _extended(job.filled, multiple)
    mask = _extended(job.mask, multiple)
    place = pipe.vae.device
    pixels = pipe.image_processor.preprocess(Image.fromarray(filled))
    with torch.no_grad():
        # One fixed draw of the encoder's posterior: all variants are held to the same latents.
        source = pipe._encode_vae_image(
            pixels.to(place, pipe.vae.dtype), torch.Generator("cpu").manual_seed(0)
        )
    return Work(
        job=job,
        loaded=loaded,
        pipe=pipe,
        filled=filled,
        cells=torch.from_numpy(cell_mask(mask, loaded.factor)).to(place),
        source=source.to(pipe.unet.dtype),
        controls=tuple(ControlInput(c.unit, _extended(c.image, multiple)) for c in job.controls),
    )


def sample(work: Work, index: int, watch: Watch) -> Rgb:
    """One variant, from noise to pixels."""
    watch.check()
    sampling = work.job.resolved.request.sampling
    seed = work.job.resolved.seeds[index]
    work.pipe.scheduler = make_scheduler(work.job.resolved.scheduler, work.loaded.scheduler)
    check_steps(work.pipe.scheduler, sampling.num_inference_steps, sampling.strength)
    blend = _blend(work, seed)
    begin = blend.start(strength=sampling.strength) / work.pipe.scheduler.init_noise_sigma
    width, height = work.size
    output = work.pipe(
        prompt=sampling.prompt,
        # SDXL was trained with a zero embedding, not an empty text, where there is none.
        negative_prompt=sampling.negative_prompt or None,
        image=Image.fromarray(work.filled),
        mask_image=_pipeline_mask(work),
        width=width,
        height=height,
        strength=sampling.strength,
        num_inference_steps=sampling.num_inference_steps,
        guidance_scale=sampling.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(seed),
        latents=begin.to(work.pipe.unet.dtype),  # the pipeline scales them to the first level
        output_type="np",
        callback_on_step_end=watch.callback(blend),
        **_control_options(work),
    )
    watch.check()
    pixels = _pixels(work, output)
    watch.done(blend)
    return pixels


def _blend(work: Work, seed: int) -> Blend:
    sampling = work.job.resolved.request.sampling
    rows, columns = work.source.shape[-2:]
    job = work.job
    cells = latent_cells(
        job.origin, job.scale, rows=rows, columns=columns, factor=work.loaded.factor
    )
    noise = torch.from_numpy(canvas_noise(seed, cells, LATENT_CHANNELS))[None]
    scheduler = work.pipe.scheduler
    scheduler.set_timesteps(sampling.num_inference_steps, device=work.source.device)
    # Also tells the scheduler at which step it begins, which its noise level depends on.
    timesteps, _ = work.pipe.get_timesteps(
        sampling.num_inference_steps, sampling.strength, work.source.device
    )
    return Blend(scheduler, timesteps, work.cells, work.source, noise.to(work.source))


def _pipeline_mask(work: Work) -> Image.Image:
    """What the pipeline is told: a native UNet sees the cells, any other is left to `Blend`."""
    width, height = work.size
    if not work.loaded.native:
        return Image.new("L", (width, height), 255)
    touched = (work.cells.cpu().numpy() > 0).astype(np.uint8) * 255
    factor = work.loaded.factor
    return Image.fromarray(touched.repeat(factor, 0).repeat(factor, 1))


def _control_options(work: Work) -> dict[str, Any]:
    if not work.controls:
        return {}
    control = work.controls[0]
    return {
        "control_image": Image.fromarray(control.image),
        "controlnet_conditioning_scale": float(control.unit.controlnet_conditioning_scale),
        "control_guidance_start": float(control.unit.control_guidance_start),
        "control_guidance_end": float(control.unit.control_guidance_end),
    }


def _pixels(work: Work, output: Any) -> Rgb:
    title = work.job.spec.title
    if any(getattr(output, "nsfw_content_detected", None) or ()):
        raise BackendError(
            f"The safety checker of {title} withheld a result; another seed or prompt may pass."
        )
    image = output.images[0]
    if not np.isfinite(image).all():
        raise BackendError(
            f"{title} produced values that are no numbers (NaN); lower guidance_scale, or choose "
            "another scheduler."
        )
    height, width = work.job.filled.shape[:2]
    return np.ascontiguousarray((image * 255).round().astype(np.uint8)[:height, :width])


def _extended(pixels: np.ndarray[Any, np.dtype[np.uint8]], multiple: int) -> Any:
    """Repeat the last row and column up to whole multiples."""
    height, width = pixels.shape[:2]
    missing = ((0, -height % multiple), (0, -width % multiple))
    return np.pad(pixels, missing + ((0, 0),) * (pixels.ndim - 2), mode="edge")
