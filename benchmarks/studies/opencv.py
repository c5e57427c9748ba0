"""OpenCV's fill by Navier-Stokes (Bertalmío, Bertozzi and Sapiro 2001) as an engine."""

import platform
from typing import ClassVar

import cv2
import numpy as np

from benchmarks.peers import navier_stokes
from genimg_ui.backend.base import BackendJob, BackendResult, CancelToken, OnEvent, Progress
from genimg_ui.core.provenance import ModelRecord, RuntimeRecord
from genimg_ui.core.tasks import Task
from genimg_ui.evaluation.baselines import CONTEXT_RATIO
from genimg_ui.registry import ModelSpec


class NavierStokes:
    """One fill, the same for every seed; what is not in the hole stays the crop's own."""

    ENGINE: ClassVar[str] = "opencv-navier-stokes"
    SPEC: ClassVar[ModelSpec] = ModelSpec(
        id="navier-stokes",
        title="OpenCV, Navier-Stokes",
        engine=ENGINE,
        licence="Apache-2.0",
        context_ratio=CONTEXT_RATIO,
        uses_seed=False,
        tasks=(Task.INPAINT,),
    )

    def generate(self, job: BackendJob, on_event: OnEvent, cancel: CancelToken) -> BackendResult:
        """The crop with its hole filled."""
        cancel.check()
        on_event(Progress(0.0, "filling"))
        hole = np.asarray(job.mask > 0)
        patch = np.where(hole[..., None], navier_stokes(job.image, hole), job.image)
        return BackendResult(
            patches=(patch,) * len(job.resolved.seeds),
            model=ModelRecord(id=job.spec.id, engine=f"Navier-Stokes, OpenCV {cv2.__version__}"),
            runtime=RuntimeRecord(
                device=f"cpu ({platform.machine()})", threads=cv2.getNumThreads()
            ),
        )
