"""Repaints a crop with a diffusion model of diffusers: inpainting, natively or by blending.

One instance keeps the last used pipeline in memory and gives it to one job at a time; a job that
waits for it can be cancelled. Patches are uint8 (h, w, 3), one for each seed, of the crop's size.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from genimg_ui.backend.base import (
    BackendJob,
    BackendResult,
    CancelToken,
    OnEvent,
    Progress,
)
from genimg_ui.backend.device import Device, is_out_of_memory, pick_device
from genimg_ui.backend.diffusion.additions import Added, Additions
from genimg_ui.backend.diffusion.controls import Controlled, with_controls
from genimg_ui.backend.diffusion.pipelines import Loaded, load_pipeline
from genimg_ui.backend.diffusion.preview import PreviewGate
from genimg_ui.backend.diffusion.prompts import prompt_warnings
from genimg_ui.backend.diffusion.sampling import Watch, Work, check_job, prepare, sample
from genimg_ui.backend.diffusion.t2i_adapters import divided
from genimg_ui.backend.fetching import FetchWatch
from genimg_ui.environment import versions
from genimg_ui.errors import BackendError
from genimg_ui.registry import ModelSpec, download_size
from genimg_ui.weights import folders
from genimg_ui.weights.hashes import WeightHashes

WAIT_SECONDS = 0.1  # between two looks at the cancel token while another job has the weights
LIBRARIES = ("torch", "diffusers", "transformers", "safetensors")


class DiffusersBackend:
    """Keeps the last used pipeline; one job at a time has it."""

    def __init__(
        self,
        *,
        safety: bool = False,
        device: Device | None = None,
        hashes: WeightHashes | None = None,
    ) -> None:
        self._safety = safety
        self._hashes = hashes or WeightHashes()
        self._device = device or pick_device()
        self._busy = threading.Lock()
        self._spec: ModelSpec | None = None
        self._loaded: Loaded | None = None
        self._control: Controlled | None = None
        self._additions = Additions(self._hashes)

    def generate(self, job: BackendJob, on_event: OnEvent, cancel: CancelToken) -> BackendResult:
        with self._exclusive(cancel):
            check_job(job)
            try:
                return self._generate(job, on_event, cancel)
            except (RuntimeError, MemoryError, ValueError, IndexError) as error:
                if not is_out_of_memory(error):
                    raise BackendError(f"{job.spec.title} failed: {error}") from error
                sentence = _memory_sentence(job, self._device)
            # Outside the handler: the traceback holds the tensors that must be freed.
            self._forget()
            raise BackendError(sentence)

    def release(self) -> None:
        """Free the weights, once no job uses them."""
        with self._busy:
            self._forget()

    def _generate(self, job: BackendJob, on_event: OnEvent, cancel: CancelToken) -> BackendResult:
        cancel.check()
        on_event(Progress(0.0, _loading(job.spec)))
        watch = FetchWatch(on_event, cancel)
        loaded = self._load(job.spec, watch)
        adapted = divided(job, watch)
        controlled = self._controlled(loaded, adapted.job, watch)
        cancel.check()
        on_event(Progress(0.0, "reading the picture"))
        pipe = loaded.pipe if controlled is None else controlled.pipe
        with self._additions.put_on(loaded, pipe, adapted, watch) as added:
            work = prepare(adapted.job, loaded, controlled, added)
            gate = PreviewGate()
            patches = tuple(
                sample(work, index, Watch(work, index, on_event=on_event, cancel=cancel, gate=gate))
                for index in range(len(job.resolved.seeds))
            )
        parts = added.records if controlled is None else (*controlled.records, *added.records)
        return BackendResult(
            patches=patches,
            model=replace(loaded.record, parts=(*loaded.record.parts, *parts)),
            runtime=replace(self._device, dtype=loaded.family.precision(self._device.dtype)).record(
                loaded.family.attention(work.pipe)
            ),
            environment=_environment(self._device, added),
            facts=_facts(work),
            warnings=prompt_warnings(loaded.family, loaded.pipe, job),
            fallbacks=loaded.fallbacks + (() if controlled is None else controlled.fallbacks),
        )

    def _load(self, spec: ModelSpec, watch: FetchWatch) -> Loaded:
        if self._loaded is None or self._spec != spec:
            self._forget()
            self._loaded = load_pipeline(
                spec, self._device, self._hashes, watch, safety=self._safety
            )
            self._spec = spec
        return self._loaded

    def _controlled(
        self, loaded: Loaded, job: BackendJob, watch: FetchWatch
    ) -> Controlled | None:
        if not job.controls:
            return None
        kinds = tuple(control.unit.kind for control in job.controls)
        if self._control is None or self._control.kinds != kinds:
            wanted = {source for kind, source in job.spec.controls if kind in kinds}
            had = {} if self._control is None else self._control.networks
            kept = {source: network for source, network in had.items() if source in wanted}
            self._control, had = None, {}  # what is not wanted any more makes room
            self._control = with_controls(
                loaded, job.spec, kinds, self._hashes, kept=kept, watch=watch
            )
        return self._control

    def _forget(self) -> None:
        self._loaded = self._spec = self._control = None
        self._additions.forget()
        self._device.free()

    @contextmanager
    def _exclusive(self, cancel: CancelToken) -> Iterator[None]:
        while not self._busy.acquire(timeout=WAIT_SECONDS):
            cancel.check()
        try:
            yield
        finally:
            self._busy.release()


def _loading(spec: ModelSpec) -> str:
    if folders.local_folder(spec.source, spec.revision) is None:
        return f"downloading {spec.title} ({download_size(spec)})"
    return f"loading {spec.title}"


def _environment(device: Device, added: Added) -> dict[str, str]:
    cuda = {"cuda": torch.version.cuda or ""} if device.name == "cuda" else {}
    return versions(*LIBRARIES, *added.libraries) | cuda


def _facts(work: Work) -> dict[str, str]:
    facts = {
        "pipeline": type(work.pipe).__name__,
        "scheduler": type(work.pipe.scheduler).__name__,
        "masking": "native" if work.loaded.native else "blended",
    }
    if "safety_checker" in work.pipe.components:
        facts["safety_checker"] = "on" if work.pipe.safety_checker is not None else "off"
    return facts


def _memory_sentence(job: BackendJob, device: Device) -> str:
    height, width = job.filled.shape[:2]
    return (
        f"{job.spec.title} ran out of memory on {device.name} at {width}×{height}: reduce the "
        "padding or the painted region, or choose a smaller model; `exemplar` needs none of it."
    )
