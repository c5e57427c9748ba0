"""Looks on while one variant is sampled: cancels, blends, tells progress, draws previews."""

import torch

from genimg_ui.backend.base import BackendJob, CancelToken, OnEvent, Preview, Progress, Rgb
from genimg_ui.backend.diffusion.blend import Blend
from genimg_ui.backend.diffusion.families import OnStep
from genimg_ui.backend.diffusion.preview import PreviewGate, latents_to_rgb
from genimg_ui.backend.diffusion.work import Work
from genimg_ui.errors import BackendError


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
        self._unread: tuple[int, torch.Tensor] | None = None  # whether a step was finite
        gate.restart()

    def check(self) -> None:
        self._cancel.check()

    def done(self, blend: Blend) -> None:
        self._say(len(blend.timesteps) + 1, blend, "done")

    def on_step(self, blend: Blend) -> OnStep:
        """What is done with the latents after each evaluation of the denoiser."""

        def on_step(step: int, latents: torch.Tensor) -> torch.Tensor:
            self._cancel.check()
            self._check_finite(step, latents, last=step + 1 == len(blend.timesteps))
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
            with self._gate.timed():
                self._on_event(Preview(self._index, self._drawn(blend.visible(latents)[0])))

    def _drawn(self, latents: torch.Tensor) -> Rgb:
        loaded = self._work.loaded
        if loaded.tiny is not None:
            return loaded.tiny.draw(latents)
        return latents_to_rgb(latents, loaded.colours)

    def _say(self, parts: int, blend: Blend, text: str) -> None:
        """Decoding counts as one more evaluation: on a CPU it takes as long."""
        seeds = len(self._work.job.resolved.seeds)
        fraction = (self._index + parts / (len(blend.timesteps) + 1)) / seeds
        if seeds > 1:
            text = f"variant {self._index + 1} of {seeds}, {text}"
        self._on_event(Progress(fraction, text))

    def _check_finite(self, step: int, latents: torch.Tensor, *, last: bool) -> None:
        """Raise BackendError where a step gave what is no number.

        A GPU is asked one step later, but for the last: waiting for its answer at once would let
        it stand idle in every step.
        """
        waits = latents.device.type != "cpu" and not last
        found, self._unread = self._unread, (step, torch.isfinite(latents).all())
        told = [found] if waits else [found, self._unread]
        for one in told:
            if one is not None and not bool(one[1]):
                raise not_finite(self._work.job, f" in step {one[0] + 1}")


def not_finite(job: BackendJob, where: str) -> BackendError:
    """The error of a model whose numbers overflowed."""
    return BackendError(
        f"{job.spec.title} produced values that are no numbers (NaN){where}; lower "
        "guidance_scale, or choose another scheduler."
    )
