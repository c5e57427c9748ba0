"""Repaints a crop with a diffusion model of diffusers: inpainting, natively or by blending.

One instance keeps models in memory within a budget and gives them to one job at a time; a job
that waits for them can be cancelled. Patches are uint8 (h, w, 3), one for each seed, of the crop's
size.
"""

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from genimg_ui.backend.base import (
    BackendJob,
    BackendResult,
    CancelToken,
    OnEvent,
    Progress,
)
from genimg_ui.backend.device import Device, attention_among, is_out_of_memory, pick_device
from genimg_ui.backend.diffusion.additions import Added, Additions
from genimg_ui.backend.diffusion.attending import attended
from genimg_ui.backend.diffusion.controls import Controlled
from genimg_ui.backend.diffusion.loras import Widened
from genimg_ui.backend.diffusion.models import Models
from genimg_ui.backend.diffusion.pipelines import Loaded, denoisers
from genimg_ui.backend.diffusion.placing import Planned, execution_of, plan, tile
from genimg_ui.backend.diffusion.preview import PreviewGate
from genimg_ui.backend.diffusion.prompts import prompt_warnings
from genimg_ui.backend.diffusion.quantising import libraries
from genimg_ui.backend.diffusion.sampling import check_job, prepare, sample
from genimg_ui.backend.diffusion.t2i_adapters import divided
from genimg_ui.backend.diffusion.tuning import execution_record, keep_kernels, tuning_of
from genimg_ui.backend.diffusion.watching import Watch
from genimg_ui.backend.diffusion.work import Work
from genimg_ui.backend.fetching import FetchWatch
from genimg_ui.backend.turns import Turns
from genimg_ui.core.memory import Offload, Placement, Stage, next_place
from genimg_ui.environment import versions
from genimg_ui.errors import BackendError
from genimg_ui.registry import ModelSpec, download_size
from genimg_ui.weights import folders
from genimg_ui.weights.hashes import WeightHashes

log = logging.getLogger(__name__)
LIBRARIES = ("torch", "diffusers", "transformers", "safetensors")


class DiffusersBackend:
    """Keeps models in memory; one job at a time has them."""

    def __init__(
        self,
        *,
        safety: bool = False,
        device: Device | None = None,
        hashes: WeightHashes | None = None,
        memory: int | None = None,
        budget: int | None = None,
        kernels: Path | None = None,
    ) -> None:
        """`memory` is how many bytes may be planned with; None: as many as the device has free.

        `budget` is how many bytes of weights are kept between jobs; None: the device's share.
        `kernels` is the folder for compiled code; None: wherever torch puts it.
        """
        if kernels is not None:
            keep_kernels(kernels)
        self._safety = safety
        self._memory = memory
        self._stage = Stage.LOAD  # of the job that runs
        self._hashes = hashes or WeightHashes()
        self._device = device or pick_device()
        self._models = Models(self._device, self._hashes, safety=safety, budget=budget)
        self._turns = Turns()
        self._loaded: Loaded | None = None
        self._control: Controlled | None = None
        self._additions = Additions(self._hashes, self._models)

    def generate(self, job: BackendJob, on_event: OnEvent, cancel: CancelToken) -> BackendResult:
        with self._turns.mine(cancel):
            check_job(job)
            planned = self._planned(job)
            told = planned.told(job.spec.title, self._device.name)
            result = self._attempt(job, planned.placement, on_event, cancel)
            if result is None:
                again = self._after_memory_ran_out(planned)
                if again is not None:
                    told = (self._retold(job, again),)
                    result = self._attempt(job, again, on_event, cancel)
            if result is None:
                self._forget()
                title, multiple = job.spec.title, job.spec.size_multiple
                raise BackendError(planned.too_large(title, self._device.name, multiple))
            return replace(result, fallbacks=(*result.fallbacks, *told))

    def settle(self) -> None:
        """Do what makes the next edits faster, while none waits; their pixels stay the same."""
        with self._turns.mine():
            if self._loaded is not None:
                self._loaded.traces.settle()

    def release(self) -> None:
        """Free the weights, once no job uses them."""
        with self._turns.mine():
            self._forget()

    def _planned(self, job: BackendJob) -> Planned:
        loaded = self._models.kept(job.spec)
        available = self._device.available() if self._memory is None else self._memory
        if self._device.name != "cuda" and self._memory is None:
            available += self._models.bytes  # those of others can be given up
        floor = Offload.NONE if loaded is None else loaded.offload
        planned = plan(job, self._device, available=available, floor=floor)
        if planned.needs is not None:
            self._control = None
            self._models.give_way(job.spec, planned.needs.peak(planned.placement), available)
        return planned

    def _attempt(
        self, job: BackendJob, placement: Placement, on_event: OnEvent, cancel: CancelToken
    ) -> BackendResult | None:
        """Run the job in a placement; None where memory ran out, and all that it held is freed."""
        self._stage = Stage.LOAD
        try:
            return self._generate(job, placement, on_event, cancel)
        except Widened:
            self._forget()  # the next edit must not meet what the LoRA has left
            raise
        except (RuntimeError, MemoryError, ValueError, IndexError) as error:
            if not is_out_of_memory(error):
                raise BackendError(f"{job.spec.title} failed: {error}") from error
            log.warning("memory ran out (%s): %s", self._stage, placement)
        finally:
            if self._loaded is not None:
                self._models.recount(self._loaded, job.spec)
        return None

    def _after_memory_ran_out(self, planned: Planned) -> Placement | None:
        """Make room, and say what to try next."""
        again = next_place(planned.placement, self._stage, planned.places)
        if again is None or again.offload is not planned.placement.offload:
            self._forget()
        elif self._loaded is not None:
            self._loaded.memo.clear()
        self._device.free()
        return again

    def _retold(self, job: BackendJob, again: Placement) -> str:
        return (
            f"{job.spec.title} ran out of memory (stage: {self._stage}) and was run again in "
            f"{again.words(self._device.name)}."
        )

    def _generate(
        self, job: BackendJob, placement: Placement, on_event: OnEvent, cancel: CancelToken
    ) -> BackendResult:
        cancel.check()
        on_event(Progress(0.0, _loading(job.spec)))
        watch = FetchWatch(on_event, cancel)
        loaded = self._load(job, watch, placement.offload)
        adapted = divided(job, watch)
        controlled = self._controlled(loaded, adapted.job, watch)
        cancel.check()
        on_event(Progress(0.0, "reading the picture"))
        pipe = loaded.pipe if controlled is None else controlled.pipe
        tile(pipe, on=placement.tiled)
        with (
            attention_among(_kernels(job)),
            attended(pipe, denoisers(loaded, pipe), partial(self._look, cancel)),
            self._additions.put_on(loaded, pipe, adapted, watch) as added,
        ):
            work = prepare(adapted.job, loaded, controlled, added, placement=placement)
            gate = PreviewGate()
            patches = tuple(
                sample(work, index, Watch(work, index, on_event=on_event, cancel=cancel, gate=gate))
                for index in range(len(job.resolved.seeds))
            )
            result = self._told(work, controlled, added)
        warnings = prompt_warnings(loaded.family, loaded.pipe, job)
        return replace(result, patches=patches, warnings=warnings)

    def _told(self, work: Work, controlled: Controlled | None, added: Added) -> BackendResult:
        """What the log keeps of how the job is run, while it is run so."""
        loaded, placement = work.loaded, work.placement
        records, sentences = added.records, added.fallbacks
        if controlled is not None:
            records = (*controlled.records, *records)
            sentences = (*controlled.fallbacks, *sentences)
        device = replace(self._device, dtype=loaded.family.precision(self._device.dtype))
        return BackendResult(
            patches=(),
            model=replace(loaded.record, parts=(*loaded.record.parts, *records)),
            runtime=device.record(loaded.family.attention(work.pipe)),
            executions=(execution_record(placement, loaded.tuning, device.kernels()),),
            environment=_environment(device, (*added.libraries, *libraries(work.job.spec))),
            facts=_facts(work)
            | {"placement": placement.words(device.name), "tuning": loaded.tuning.words()},
            fallbacks=(*loaded.fallbacks, *sentences),
        )

    def _look(self, cancel: CancelToken, stage: Stage) -> None:
        self._stage = stage
        cancel.check()

    def _load(self, job: BackendJob, watch: FetchWatch, offload: Offload) -> Loaded:
        self._loaded = self._control = None  # what is not kept must not be held here
        earlier = execution_of(job)
        tuning = None if earlier is None else tuning_of(earlier)
        self._loaded = self._models.load(job.spec, watch, offload, tuning)
        return self._loaded

    def _controlled(self, loaded: Loaded, job: BackendJob, watch: FetchWatch) -> Controlled | None:
        if job.controls:
            kinds = tuple(control.unit.kind for control in job.controls)
            self._control = self._models.controlled(loaded, job.spec, kinds, watch)
        return self._control

    def _forget(self) -> None:
        self._loaded = self._control = None
        self._models.forget()
        self._device.free()


def _loading(spec: ModelSpec) -> str:
    if folders.local_folder(spec.source, spec.revision) is None:
        return f"downloading {spec.title} ({download_size(spec)})"
    return f"loading {spec.title}"


def _kernels(job: BackendJob) -> tuple[str, ...]:
    earlier = execution_of(job)
    return () if earlier is None else earlier.kernels


def _environment(device: Device, others: tuple[str, ...]) -> dict[str, str]:
    cuda = {"cuda": torch.version.cuda or ""} if device.name == "cuda" else {}
    return versions(*LIBRARIES, *others) | cuda


def _facts(work: Work) -> dict[str, str]:
    facts = {
        "pipeline": type(work.pipe).__name__,
        "scheduler": type(work.pipe.scheduler).__name__,
        "masking": "native" if work.loaded.native else "blended",
    }
    if "safety_checker" in work.pipe.components:
        facts["safety_checker"] = "on" if work.pipe.safety_checker is not None else "off"
    return facts
