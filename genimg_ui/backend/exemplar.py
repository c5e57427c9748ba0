"""The embedded engine without weights: the exemplar fill behind the protocol of every engine.

Every pixel whose denoise mask is above 0 is filled; the rest of a patch is the crop's own.
"""

import platform

import numpy as np
from llvmlite import binding

from genimg_ui.backend.base import (
    BackendJob,
    BackendResult,
    CancelToken,
    OnEvent,
    Preview,
    Progress,
    Rgb,
)
from genimg_ui.core.fill import exemplar
from genimg_ui.core.fill.workers import available_threads
from genimg_ui.core.provenance import ModelRecord, RuntimeRecord
from genimg_ui.environment import versions


class ExemplarBackend:
    """Multi-scale PatchMatch on the CPU; deterministic for a seed."""

    def generate(self, job: BackendJob, on_event: OnEvent, cancel: CancelToken) -> BackendResult:
        """Fill the hole once for each seed."""
        patches: list[Rgb] = []
        for index in range(len(job.resolved.seeds)):
            cancel.check()
            patch = self._variant(job, index, on_event, cancel)
            patches.append(patch)
            on_event(Preview(index, patch))
        return BackendResult(
            patches=tuple(patches),
            model=ModelRecord(id=job.spec.id, engine=f"exemplar {exemplar.ENGINE_VERSION}"),
            runtime=runtime(),
            environment=versions("numba", "llvmlite"),
        )

    def _variant(self, job: BackendJob, index: int, on_event: OnEvent, cancel: CancelToken) -> Rgb:
        seeds = job.resolved.seeds
        words = f"variant {index + 1} of {len(seeds)}"

        def tell(share: float) -> None:
            on_event(Progress((index + share) / len(seeds), words))

        tell(0.0)
        patch = exemplar.fill(
            job.image,
            np.asarray(job.mask > 0),
            seed=seeds[index],
            mode=job.resolved.fill_mode,
            on_progress=tell,
            cancel=cancel.check,
        )
        tell(1.0)
        return patch


def runtime() -> RuntimeRecord:
    """The machine as Numba sees it: `instructions` is the processor that it compiles for."""
    return RuntimeRecord(
        device=f"cpu ({platform.machine()})",
        threads=available_threads(),
        instructions=binding.get_host_cpu_name(),
    )
