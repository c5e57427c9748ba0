"""Runs edits inside the request on a ZeroGPU Space, where a GPU is lent to a function call.

Edits of engines without weights run without asking for the GPU. Any other asks for as many seconds
as it will need, because the quota of a visitor is checked against what is asked.
"""

import importlib
import logging
import threading
from collections.abc import Callable

from genimg_ui.core.request import EditRequest
from genimg_ui.errors import GenimgError, RefusedInput
from genimg_ui.jobs.queue import Job, JobQueue, JobState
from genimg_ui.jobs.runner import EditorLike, InlineRunner, WorkerStatus
from genimg_ui.registry import ModelSpec, Registry
from genimg_ui.registry.live import RegistrySource, as_source

LOAD_SECONDS_PER_GIB = 2.0  # weights from the Space's disk into the GPU
STEP_SECONDS_PER_MEGAPIXEL = 0.25  # one step with guidance, SDXL in half precision, rounded up
LEAST_SECONDS, MOST_SECONDS = 10, 300
CONTROL_FACTOR = 1.4  # a ControlNet runs beside the UNet
log = logging.getLogger(__name__)


def seconds_for(request: EditRequest, spec: ModelSpec) -> int:
    """How long a GPU is needed for an edit; 0 for an engine that needs none."""
    if not spec.source or spec.patched:
        return 0
    sampling = request.sampling
    steps = sampling.num_inference_steps * (sampling.strength if spec.uses_strength else 1.0)
    megapixels = spec.native_size**2 / 1e6
    a_step = STEP_SECONDS_PER_MEGAPIXEL * megapixels
    a_step *= CONTROL_FACTOR ** len(request.controls)
    seconds = LOAD_SECONDS_PER_GIB * spec.memory_gib + sampling.variants * (steps * a_step + 1)
    return max(LEAST_SECONDS, round(seconds))


class ZeroGpuRunner:
    """Offers what the worker's supervisor offers, but runs a session's edits when it is called."""

    def __init__(
        self, queue: JobQueue, registry: Registry | RegistrySource, editor: EditorLike
    ) -> None:
        self._queue = queue
        self._registry = as_source(registry)
        self._inline = InlineRunner(queue, editor)
        self._on_gpu = self._lend()
        self._one_at_a_time = threading.Lock()

    def start(self) -> None:
        """End what an earlier run of the program left."""
        self._inline.start()

    def stop(self) -> None:
        """Nothing runs on its own here."""

    def wake(self) -> None:
        """Nothing sleeps here: the page calls `run_waiting`."""

    def status(self) -> WorkerStatus:
        return self._inline.status()

    def run_waiting(self, session: str) -> list[str]:
        """Run what this session has waiting, within the request that calls; the jobs' ids."""
        ids = []
        with self._one_at_a_time:
            for job in self._queue.active(session):
                if job.state is JobState.QUEUED:
                    self._run(job)
                    ids.append(job.id)
        return ids

    def _run(self, job: Job) -> None:
        """Run one job; whatever the host does to it, it ends, and its entry says how."""
        try:
            seconds = seconds_for(job.request, self._registry().get(job.request.model))
            if seconds > MOST_SECONDS:
                raise RefusedInput(
                    f"An edit may take the GPU for at most {MOST_SECONDS} seconds here, and this "
                    f"one needs about {seconds}.",
                    remedy="Lower Steps or Variants.",
                )
            if seconds:
                self._on_gpu(job.id, seconds)
            else:
                self._inline.run_one(job.id)
        except Exception as problem:  # the host's own: quota, time, a killed child
            log.warning("job %s was ended by the host: %s", job.id, problem)
            sentence = str(problem) or type(problem).__name__
            if not isinstance(problem, GenimgError):
                sentence = f"The GPU was not lent, or not for long enough: {sentence}"
            self._queue.fail(job, sentence)

    def _lend(self) -> Callable[[str, int], str]:
        """`run_one` under spaces.GPU, asking for the seconds that the call names."""

        def run_on_gpu(job_id: str, _seconds: int) -> str:
            return self._inline.run_one(job_id).id

        def duration(_job_id: str, seconds: int) -> int:
            return seconds

        spaces = importlib.import_module("spaces")
        lent: Callable[[str, int], str] = spaces.GPU(run_on_gpu, duration=duration)
        return lent
