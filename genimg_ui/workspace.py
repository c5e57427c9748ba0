"""What the page may do with one session's pictures, masks, drafts and results.

The page names things by digests and ids only; every call says whose session it is, and what is
not that session's is unknown to it. Knows nothing of Gradio.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from genimg_ui.core.geometry import Box, Size
from genimg_ui.core.image import Limits, stored_limits
from genimg_ui.core.memory import Host
from genimg_ui.core.plan import EditPlan
from genimg_ui.core.preflight import Finding, check_mask, check_scale, repainted_box
from genimg_ui.core.request import EditInputs, EditRequest
from genimg_ui.core.resolve import Bounds, resolve, without_guidance
from genimg_ui.core.serial import from_json, to_json
from genimg_ui.drafts import Draft, Mark, arrived, asked_for, masked, opened, placed_as, restored
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.examples import Example
from genimg_ui.history.disk import DiskLimits
from genimg_ui.history.record import LogEntry, ResultRecord
from genimg_ui.history.store import Store
from genimg_ui.jobs.queue import Job, JobQueue, JobState
from genimg_ui.pictures import OpenPicture, Pictures
from genimg_ui.registry import ModelSpec, Registry, abilities, availability, first_request
from genimg_ui.registry.adapter_checks import adapter_findings
from genimg_ui.registry.foresight import context_plan, guidance_findings, memory_findings
from genimg_ui.registry.live import RegistrySource, as_source
from genimg_ui.shelf.licences import Licences

__all__ = ["ContextView", "Draft", "Mark", "OpenPicture", "Workspace", "placed_as"]

NEARLY_FULL = 0.8  # share of a session's room from which on it is told


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextView:
    """The context box on the expanded canvas, and how much the engine scales it."""

    box: Box
    scale: float
    working: Size


class Workspace:
    """One installation's pictures and edits, seen by session."""

    def __init__(
        self,
        store: Store,
        queue: JobQueue,
        registry: Registry | RegistrySource,
        *,
        bounds: Bounds | None = None,
        limits: Limits | None = None,
        disk: DiskLimits | None = None,
        examples: Mapping[str, Example] | None = None,
        wake: Callable[[], None] = lambda: None,
        host: Host | None = None,
    ) -> None:
        self.store = store
        self._host = host  # None: nothing is told of memory
        self.queue = queue
        self._registry = as_source(registry)
        self._licences = Licences(store.data_dir)
        self.bounds = bounds or Bounds()
        self.limits = limits or Limits()  # what an upload may be at most
        self._disk = disk or DiskLimits()
        self.wake = wake
        stored = stored_limits(self.limits, self.bounds)
        self.pictures = Pictures(store, upload=self.limits, stored=stored)
        self._drafting = threading.Lock()  # two events of one page may change its draft at once
        self.examples = dict(examples or {})

    @property
    def registry(self) -> Registry:
        """The models of now: one that is added needs no restart."""
        return self._registry()

    # -- pictures and masks

    def open_upload(
        self, session: str, path: Path, *, mark: Mark | None = None, page: str = ""
    ) -> OpenPicture:
        """Decode an upload safely, keep it and make it the draft's; raises RefusedInput.

        The picture that was asked for last stays the draft's, however long another one takes.
        `mark` goes with a file that a page opened itself; of one that it asked for, `page`.
        """
        draft = self.change_draft(session, lambda draft: asked_for(draft, mark, page))
        turn = -1 if draft.is_after(mark) else draft.turn
        self.make_sure_of_room(session, path.stat().st_size)
        picture = self.pictures.keep(path)
        self.change_draft(session, lambda draft: arrived(draft, picture.sha256, turn))
        return picture

    def picture(self, sha256: str) -> OpenPicture:
        """A picture that is stored already."""
        return self.pictures.picture(sha256)

    def keep_mask(
        self,
        session: str,
        source: str,
        path: Path | None,
        size: Size,
        *,
        mark: Mark | None = None,
    ) -> str | None:
        """Keep the mask that a canvas of `size` shows on `source` in the draft; None: no mask.

        The draft goes to `source` where that is another picture of this session, and stays as it
        is where it holds something later than `mark`. Raises RefusedInput for a strange picture,
        and where the mask is not as large as the stored picture.
        """
        self.draft(session).parent_of(source)
        stored = self.picture(source).size
        if size != stored:
            raise RefusedInput(f"The mask must be as large as the picture ({stored}), got {size}.")
        sha256 = None
        if path is not None:
            png = self.pictures.read_mask(path, stored)
            self.make_sure_of_room(session, len(png))
            sha256 = self.pictures.keep_mask(png, stored)
        self.change_draft(session, lambda draft: masked(draft, source, sha256, mark))
        return sha256

    def make_sure_of_room(self, session: str, size: int) -> None:
        """Refuse what would not fit even after the oldest unstarred results have gone."""
        if self._disk != DiskLimits():
            self.store.evict(self._disk)
        lack = self.store.room_for(session, self._disk, size)
        if lack is not None:
            raise RefusedInput(lack)

    # -- drafts

    def draft(self, session: str) -> Draft:
        """The session's unfinished edit; a fresh one where there is none that can be read."""
        fresh = Draft(request=first_request(self.registry.get(self.registry.default)))
        kept = self.store.draft(session)
        try:
            return fresh if kept is None else from_json(Draft, kept)
        except ValueError:
            return fresh

    def change_draft(self, session: str, change: Callable[[Draft], Draft]) -> Draft:
        """Keep what `change` makes of the unfinished edit; no other change comes in between."""
        with self._drafting:
            draft = change(self.draft(session))
            self.save_draft(session, draft)
        return draft

    def save_draft(self, session: str, draft: Draft) -> None:
        """Keep the unfinished edit, whatever it was before."""
        self.store.save_draft(session, to_json(draft))

    # -- before the queue

    def model(self, request: EditRequest) -> ModelSpec:
        """The model that the request names; raises RefusedInput."""
        return self.registry.get(request.model)

    def context(self, request: EditRequest, size: Size, masked: Box) -> EditPlan:
        """The plan for a mask that fills `masked` on the expanded canvas."""
        return context_plan(self.model(request), request, size, masked)

    def context_view(
        self, request: EditRequest, size: Size, mask: str | None
    ) -> ContextView | None:
        """What the engine will see, in canvas pixels; None where nothing is painted yet."""
        painted = self.pictures.mask(mask)
        with self.pictures.turns:
            area = repainted_box(request, size, painted)
        if area is None:
            return None
        plan = self.context(request, size, area)
        return ContextView(box=plan.box, scale=plan.scale, working=plan.working)

    def findings(self, request: EditRequest, size: Size, mask: str | None) -> list[Finding]:
        """Everything worth saying before the edit is queued; raises RefusedInput."""
        spec = self.model(request)
        findings = guidance_findings(request, spec)
        request = without_guidance(request, abilities(spec))
        painted = self.pictures.mask(mask)
        with self.pictures.turns:
            findings += check_mask(request, painted)
            area = repainted_box(request, size, painted)
        if area is not None:
            plan = self.context(request, size, area)
            findings += check_scale(plan.scale, plan.working)
            findings += memory_findings(spec, request, plan.working, self._host)
        resolve(request, abilities(spec), size, self.bounds, drawn_seed=0)
        return findings + adapter_findings(request, spec)

    def lack_of(self, spec: ModelSpec) -> str | None:
        """Why the model cannot be used here, in one sentence; None where it can."""
        return self._licences.lack(spec) or availability(spec)

    # -- edits

    def submit(self, session: str, request: EditRequest, inputs: EditInputs) -> str:
        """Queue an edit of a picture that the session has opened; the job's id."""
        request = without_guidance(request, abilities(self.model(request)))
        parent = self.draft(session).parent_of(inputs.source)
        self.make_sure_of_room(session, 0)
        job_id = self.queue.enqueue(session, request, inputs, parent)
        self.wake()
        return job_id

    def disk_warning(self, session: str) -> str | None:
        """Tell a session that its room runs out, before anything of it is removed."""
        limit = self._disk.session_bytes
        used = 0 if limit is None else self.store.usage(session)
        if limit is None or used < NEARLY_FULL * limit:
            return None
        return (
            f"This session uses {used / 1e6:.0f} of {limit / 1e6:.0f} MB. When that is full, its "
            "oldest results without a star are removed: download or star what you want to keep."
        )

    def notices(self, session: str) -> list[str]:
        """What happened to the session's pictures since it was last told, in sentences."""
        return self.store.take_notices(session)

    def cancel_all(self, session: str) -> list[Job]:
        """Cancel whatever this session has queued or running."""
        for job in (jobs := self.queue.active(session)):
            self.queue.cancel(session, job.id)
        return jobs

    def retry(self, session: str, job_ids: list[str]) -> None:
        """Queue interrupted edits once more."""
        for job_id in job_ids:
            self.queue.retry(session, job_id)

    def interrupted(self, session: str) -> list[str]:
        """Jobs that the program's end stopped, until another has run or they are dismissed."""
        dismissed = self.draft(session).dismissed
        ids = []
        for job in self.queue.recent(session):
            if job.state is not JobState.INTERRUPTED or job.id == dismissed:
                break
            ids.append(job.id)
        return ids[::-1]

    def dismiss(self, session: str) -> None:
        """Offer no more what is interrupted now."""
        ids = self.interrupted(session)
        if ids:
            self.change_draft(session, lambda draft: replace(draft, dismissed=ids[-1]))

    # -- results

    def entry(self, session: str, entry_id: str) -> LogEntry:
        """An entry of this session; raises UnknownItem for any other."""
        return self.store.entry_of(session, entry_id)

    def continue_from(
        self, session: str, entry_id: str, index: int, *, page: str = ""
    ) -> OpenPicture:
        """Open a result as the source of the next edit, with a clean mask."""
        sha256 = _result(self.entry(session, entry_id), index).sha256
        picture = self.picture(sha256)
        self.change_draft(session, lambda draft: opened(draft, sha256, entry_id, Mark(page=page)))
        return picture

    def restore(self, session: str, entry_id: str, index: int, *, page: str = "") -> Draft:
        """Bring back source, mask and settings of an entry, with the variant's own seed.

        The draft stays where one of them is gone.
        """
        entry = self.entry(session, entry_id)
        seed = _result(entry, index).seed if entry.results else entry.request.sampling.seed
        sampling = replace(entry.request.sampling, seed=seed)
        request, inputs = replace(entry.request, sampling=sampling), entry.inputs
        self.model(request)
        for picture in (*request.pictures, inputs.source):
            self.picture(picture)
        self.pictures.mask(inputs.mask)
        back = Draft(
            request=request,
            source=inputs.source,
            mask=inputs.mask,
            parent=entry.parent,
            mark=Mark(page=page),
        )
        return self.change_draft(session, lambda draft: restored(draft, back))


def _result(entry: LogEntry, index: int) -> ResultRecord:
    if not 0 <= index < len(entry.results):
        raise UnknownItem(
            f"The result's index must be below {len(entry.results)}, got {index} of {entry.id}."
        )
    return entry.results[index]
