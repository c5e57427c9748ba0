"""An engine for tests and measurements: paints what it is told, waits, fails or is stopped.

It repaints the whole crop, far beyond the mask, as a careless model would: what keeps locked
pixels must be the rest of the program.
"""

import time
from collections.abc import Callable

import numpy as np

from genimg_ui.backend.base import (
    BackendJob,
    BackendResult,
    CancelToken,
    OnEvent,
    Preview,
    Progress,
    Rgb,
)
from genimg_ui.core.provenance import ModelRecord, RuntimeRecord

Colour = tuple[int, int, int]


class FakeBackend:
    """Remembers every job; `colour` None paints noise that depends on the seed alone."""

    def __init__(
        self,
        *,
        colour: Colour | None = None,
        error: BaseException | None = None,
        steps: int = 1,
        step_seconds: float = 0.0,
        before_step: Callable[[int], None] | None = None,
    ) -> None:
        self.jobs: list[BackendJob] = []
        self.colour = colour
        self.error = error
        self.steps = steps
        self.step_seconds = step_seconds
        self.before_step = before_step

    def generate(self, job: BackendJob, on_event: OnEvent, cancel: CancelToken) -> BackendResult:
        """Paint one patch for each seed, in `steps` steps each."""
        self.jobs.append(job)
        seeds = job.resolved.seeds
        patches = []
        for index, seed in enumerate(seeds):
            for step in range(self.steps):
                self._step(step, cancel)
                share = (index + (step + 1) / self.steps) / len(seeds)
                on_event(Progress(share, f"step {step + 1} of {self.steps}"))
            patches.append(self._paint(job.image.shape, seed))
            on_event(Preview(index, patches[-1]))
        return BackendResult(
            patches=tuple(patches),
            model=ModelRecord(id=job.spec.id, engine="fake 1"),
            runtime=RuntimeRecord(device="none"),
        )

    def _step(self, step: int, cancel: CancelToken) -> None:
        if self.before_step is not None:
            self.before_step(step)
        cancel.check()
        if self.error is not None:
            raise self.error
        time.sleep(self.step_seconds)

    def _paint(self, shape: tuple[int, ...], seed: int) -> Rgb:
        if self.colour is not None:
            return np.full(shape, self.colour, np.uint8)
        return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
