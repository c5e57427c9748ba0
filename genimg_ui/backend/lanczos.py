"""The embedded engine of the task Upscale that needs no model: resampling, and nothing else.

The canvas of an enlargement is the source resampled by Lanczos already (`core.enlarge`), in the
picture's own depth. The patch is the crop as it was given, so that the canvas stays as it is.
"""

import platform

import PIL

from genimg_ui.backend.base import (
    BackendJob,
    BackendResult,
    CancelToken,
    OnEvent,
    Preview,
    Progress,
)
from genimg_ui.core.provenance import ModelRecord, RuntimeRecord
from genimg_ui.environment import versions


class LanczosBackend:
    """Hands the canvas back; deterministic, whatever the seed."""

    def generate(self, job: BackendJob, on_event: OnEvent, cancel: CancelToken) -> BackendResult:
        """The crop itself, once for each seed."""
        cancel.check()
        on_event(Preview(0, job.image))
        on_event(Progress(1.0, "resampled"))
        return BackendResult(
            patches=tuple(job.image for _ in job.resolved.seeds),
            model=ModelRecord(id=job.spec.id, engine=f"lanczos of Pillow {PIL.__version__}"),
            runtime=RuntimeRecord(device=f"cpu ({platform.machine()})", threads=1),
            environment=versions("Pillow"),
        )
