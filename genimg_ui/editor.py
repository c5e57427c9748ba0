"""One edit from request to result: the single place that joins pixels, engines and storage.

`apply` never raises for what happens to an edit: it returns a LogEntry that says how it ended.
Results are on disk before they are named in it.
"""

import logging
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from genimg_ui.backend.base import BackendResult, CancelToken, OnEvent, Progress, Rgb
from genimg_ui.backend.pool import BackendPool
from genimg_ui.core.image import Limits, decode, decode_mask, stored_limits
from genimg_ui.core.picture import Picture, thumbnail
from genimg_ui.core.png import encode_png
from genimg_ui.core.provenance import Again
from genimg_ui.core.request import (
    SEED_LIMIT,
    EditInputs,
    EditRequest,
    FillUnderMask,
    Region,
)
from genimg_ui.core.resolve import Bounds, without_guidance
from genimg_ui.core.tasks import EVERY_TASK
from genimg_ui.environment import base_versions
from genimg_ui.errors import Cancelled, GenimgError, RefusedInput
from genimg_ui.history.metadata import encode_result
from genimg_ui.history.names import utc_now
from genimg_ui.history.record import EntryState, LogEntry, PlanRecord, ResultRecord
from genimg_ui.history.store import Store
from genimg_ui.history.thumbs import THUMB_SIDE
from genimg_ui.passes import Pass, PassRunner, pass_warnings, passes_of
from genimg_ui.pasting import make_report, match_patch, paste, unchanged_warning, with_match
from genimg_ui.preparation import Layout, Prepared, Preparer, Running, Subject
from genimg_ui.provenance import asked_model, digests, made_with, sha256_of
from genimg_ui.registry import ModelSpec, Registry, abilities
from genimg_ui.registry.live import RegistrySource, as_source
from genimg_ui.shelf.licences import Licences

log = logging.getLogger(__name__)
NO_MEMORY = (
    "There is not enough memory for this edit. "
    "Paint a smaller region, lower Padding, or use a smaller picture."
)
UNEXPECTED = "The edit failed unexpectedly ({what}). The program's log has the details."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What came out of an engine, before it is stored: one picture for each seed."""

    prepared: Prepared
    patches: tuple[Rgb, ...]


class Editor:
    """Runs edits: reads sources and masks from the store, writes results to it."""

    def __init__(
        self,
        store: Store,
        registry: Registry | RegistrySource,
        pool: BackendPool,
        *,
        bounds: Bounds | None = None,
        limits: Limits | None = None,
        environment: Mapping[str, str] | None = None,
        licences: Licences | None = None,  # else those of the store's data folder
    ) -> None:
        self._store = store
        self._registry = as_source(registry)
        self._licences = licences or Licences(store.data_dir)
        self._pool = pool
        self._environment = dict(environment or {})  # versions of what else takes part
        bounds = bounds or Bounds()
        self._limits = stored_limits(limits or Limits(), bounds)
        self._preparer = Preparer(pool, bounds)
        self._passes = PassRunner(self._preparer, pool)

    def apply(
        self,
        request: EditRequest,
        inputs: EditInputs,
        *,
        parent: str | None = None,
        entry_id: str | None = None,
        on_event: OnEvent,
        cancel: CancelToken,
    ) -> LogEntry:
        """Run one edit and store its results; the entry's state says how it ended."""
        running = Running(begin_entry(request, inputs, parent=parent, entry_id=entry_id))
        try:
            outcome = self.compute(running, on_event, cancel)
            self._store_results(outcome, running, on_event)
            return running.ended(EntryState.DONE)
        except Cancelled:
            return running.ended(EntryState.CANCELLED)
        except RefusedInput as problem:
            return running.ended(EntryState.FAILED, str(problem), refused=True)
        except GenimgError as problem:
            error = str(problem)
        except MemoryError:
            error = NO_MEMORY
        except Exception as problem:
            log.exception("edit %s failed", running.entry.id)
            error = UNEXPECTED.format(what=f"{type(problem).__name__}: {problem}")
        return running.ended(EntryState.FAILED, error)

    def settle(self) -> None:
        """Let the engines do what makes the next edits faster, while none waits."""
        self._pool.settle()

    def compute(
        self,
        running: Running,
        on_event: OnEvent,
        cancel: CancelToken,
        again: Again | None = None,
    ) -> Outcome:
        """Everything up to the patches; raises GenimgError or Cancelled.

        What becomes known on the way goes into `running.entry`, so that an edit that fails is
        logged with its seeds. `again` says how the edit was run before, where it is run again.
        """
        spec = self._registry().get(running.entry.request.model)
        self._licences.require(spec)
        running.note(
            model=asked_model(spec),
            environment={**running.entry.environment, **self._environment},
        )
        with self._pool.as_before(spec, again):
            return self._compute(spec, running, on_event, cancel, again=again)

    def _compute(
        self,
        spec: ModelSpec,
        running: Running,
        on_event: OnEvent,
        cancel: CancelToken,
        *,
        again: Again | None,
    ) -> Outcome:
        request = running.entry.request
        with running.stage("decode"):
            subject = self._subject(request, running.entry.inputs)
        on_event(Progress(0.0, "preparing"))
        size, drawn = subject.source.size, secrets.randbelow(SEED_LIMIT)
        resolved = self._preparer.resolve(
            request, spec, size, drawn_seed=drawn, again=again is not None
        )
        running.note(resolved=resolved)
        running.warn(*subject.source.notes)
        layout = self._preparer.lay_out(resolved, spec, subject, running)
        layout = replace(layout, again=again)
        steps = passes_of(layout)
        if steps:
            return self._in_passes(layout, steps, running, on_event, cancel)
        prepared = self._preparer.whole(layout, running, cancel)
        with running.stage("digest"):
            running.note(plan=_plan_record(prepared), **digests(prepared, subject.painted))
        result = self._generate(spec, prepared, running, on_event, cancel)
        running.note(**made_with(running.entry, prepared, result, self._pool))
        running.warn(*result.warnings)
        return Outcome(prepared=prepared, patches=result.patches)

    def with_map(self, request: EditRequest, inputs: EditInputs, index: int) -> Prepared:
        """The edit up to the control map of unit `index`, which is the only one of its job.

        Runs no model, so it need not serve the task, and fills nothing. Where nothing is painted,
        the map is of the whole picture, whatever context box is drawn. Raises GenimgError.
        """
        if not 0 <= index < len(request.controls):
            raise RefusedInput(f"The request must have a control {index + 1}, got none.")
        spec = replace(self._registry().get(request.model), tasks=EVERY_TASK)
        inpaint = replace(request.inpaint, fill=FillUnderMask.ORIGINAL)
        alone = replace(request, controls=(request.controls[index],), inpaint=inpaint)
        alone = without_guidance(alone, abilities(spec))
        if request.region is Region.MASK and not (inputs.mask or request.border):
            alone = replace(alone, region=Region.WHOLE, inpaint=replace(inpaint, box=None))
        subject = self._subject(alone, inputs)
        resolved = self._preparer.resolve(alone, spec, subject.source.size, drawn_seed=0)
        running = Running(begin_entry(alone, inputs))
        return self._preparer.prepare(resolved, spec, subject, running, CancelToken())

    def _in_passes(
        self,
        layout: Layout,
        steps: Sequence[Pass],
        running: Running,
        on_event: OnEvent,
        cancel: CancelToken,
    ) -> Outcome:
        """As `compute`, in passes: one entry and one result for each seed all the same."""
        running.warn(*pass_warnings(running.entry.request, layout.spec))
        passed = self._passes.run(layout, steps, running, on_event, cancel)
        with running.stage("digest"):
            known = digests(passed.prepared, layout.painted)
            known["control_sha256"] = tuple(sha256_of(image) for image in passed.maps)
            running.note(plan=_plan_record(passed.prepared), passes=passed.records, **known)
        running.note(**made_with(running.entry, passed.last, passed.result, self._pool))
        running.warn(*passed.result.warnings)
        return Outcome(prepared=passed.prepared, patches=passed.result.patches)

    def _subject(self, request: EditRequest, inputs: EditInputs) -> Subject:
        source = decode(self._store.source_path(inputs.source), self._limits)
        painted = None
        if inputs.mask is not None:
            painted = decode_mask(self._store.mask_path(inputs.mask), self._limits)
        maps = {
            index: decode(self._store.source_path(unit.map), self._limits)
            for index, unit in enumerate(request.controls)
            if unit.map is not None
        }
        references = tuple(
            decode(self._store.source_path(unit.picture), self._limits)
            for unit in request.references
        )
        return Subject(source=source, painted=painted, maps=maps, references=references)

    def _generate(
        self,
        spec: ModelSpec,
        prepared: Prepared,
        running: Running,
        on_event: OnEvent,
        cancel: CancelToken,
    ) -> BackendResult:
        cancel.check()
        with running.stage("load"):
            backend = self._pool.get(spec)
        with running.stage("generate"):
            result = backend.generate(prepared.job, on_event, cancel)
        cancel.check()
        return result

    def _store_results(self, outcome: Outcome, running: Running, on_event: OnEvent) -> None:
        records: list[ResultRecord] = []
        maps = _maps_png(outcome.prepared)
        for index, seed in enumerate(outcome.prepared.job.resolved.seeds):
            on_event(Progress(1.0, f"writing result {index + 1} of {len(outcome.patches)}"))
            with running.stage("stitch"):
                matched = match_patch(outcome.prepared, outcome.patches[index])
                picture = paste(outcome.prepared, matched.patch)
            with running.stage("report"):
                report = make_report(outcome.prepared, picture)
                report = with_match(report, outcome.prepared, outcome.patches[index], matched)
                pixels_sha256 = picture.pixels_sha256()
            record = ResultRecord(sha256="", pixels_sha256=pixels_sha256, seed=seed, report=report)
            if running.entry.request.upscale == 1:  # an enlargement may well stay what it was
                running.warn(*unchanged_warning(report, index))
            with running.stage("write"):
                records.append(self._write(running.so_far(), picture, record))
                if maps is not None:
                    self._store.put_maps(records[-1].sha256, maps)
        running.note(results=tuple(records))

    def _write(self, entry: LogEntry, picture: Picture, record: ResultRecord) -> ResultRecord:
        """Store one result with its entry inside the PNG, and its thumbnail beside it."""
        inside = replace(entry, state=EntryState.DONE, ended=utc_now(), results=(record,))
        sha256 = self._store.put_result(lambda file: encode_result(file, picture, inside))
        self._store.put_thumb(sha256, thumbnail(picture, THUMB_SIDE))
        return replace(record, sha256=sha256)


def begin_entry(
    request: EditRequest,
    inputs: EditInputs,
    *,
    parent: str | None = None,
    entry_id: str | None = None,
) -> LogEntry:
    """An entry for an edit that has not run yet; it counts as interrupted until it ends."""
    return LogEntry(
        id=entry_id or uuid.uuid4().hex,
        created=utc_now(),
        state=EntryState.INTERRUPTED,
        request=request,
        inputs=inputs,
        parent=parent,
        environment=base_versions(),
    )


def _maps_png(prepared: Prepared) -> bytes | None:
    """What the ControlNets were shown, one map below the other; None without any."""
    maps = [control.image for control in prepared.job.controls]
    return encode_png(Picture(np.concatenate(maps))) if maps else None


def _plan_record(prepared: Prepared) -> PlanRecord:
    plan = prepared.plan
    return PlanRecord(canvas=plan.canvas, box=plan.box, working=plan.working)
