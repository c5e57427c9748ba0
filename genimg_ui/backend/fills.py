"""The plain fills under a mask as an engine: what others are measured against.

`spec.source` names the fill (`core.fill`). Every pixel whose denoise mask is above 0 is filled;
the rest of a patch is the crop's own.
"""

import platform

import cv2
import numpy as np

from genimg_ui.backend.base import (
    BackendJob,
    BackendResult,
    CancelToken,
    OnEvent,
    Progress,
    Rgb,
)
from genimg_ui.core.fill import fill
from genimg_ui.core.provenance import ModelRecord, RuntimeRecord
from genimg_ui.core.request import FillUnderMask


class FillBackend:
    """One fill for each seed; deterministic, and only `noise` reads the seed."""

    def generate(self, job: BackendJob, on_event: OnEvent, cancel: CancelToken) -> BackendResult:
        """The crop with its hole filled, once for each seed."""
        patches: list[Rgb] = []
        for index, seed in enumerate(job.resolved.seeds):
            cancel.check()
            patches.append(
                fill(
                    job.image,
                    np.asarray(job.mask > 0),
                    name=FillUnderMask(job.spec.source),
                    mode=job.resolved.fill_mode,
                    seed=seed,
                    cancel=cancel.check,
                )
            )
            on_event(Progress((index + 1) / len(job.resolved.seeds), "filled"))
        return BackendResult(
            patches=tuple(patches),
            model=ModelRecord(
                id=job.spec.id,
                engine=f"fill {job.spec.source} with OpenCV {cv2.__version__}",
                source=job.spec.source,
            ),
            runtime=RuntimeRecord(
                device=f"cpu ({platform.machine()})", threads=cv2.getNumThreads()
            ),
        )
