"""What the page may do with one session's pictures, masks, drafts and results.

The page names things by digests and ids only; every call says whose session it is, and what is
not that session's is unknown to it. Knows nothing of Gradio.
"""

import io
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.image import Limits, decode, decode_mask
from genimg_ui.core.mask import Mask
from genimg_ui.core.picture import Picture, describe, display_copy
from genimg_ui.core.plan import Context, EditPlan, make_plan
from genimg_ui.core.preflight import Finding, check_mask, check_scale, repainted_box
from genimg_ui.core.request import EditInputs, EditRequest
from genimg_ui.core.resolve import Bounds, resolve
from genimg_ui.core.serial import from_json, to_json
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.history.disk import DiskLimits
from genimg_ui.history.record import LogEntry, ResultRecord
from genimg_ui.history.store import Store
from genimg_ui.jobs.queue import Job, JobQueue, JobState
from genimg_ui.registry import ModelSpec, Registry, abilities, availability

BROWSER_FORMATS = (".png", ".jpg", ".webp", ".bmp")  # others are shown through a display copy
NEARLY_FULL = 0.8  # share of a session's room from which on it is told
DISPLAY_SIDE = 8192  # longest side of a display copy: what every GPU's texture holds


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPicture:
    """A stored picture as the page knows it. `display` is the file that a browser can show."""

    sha256: str
    size: Size
    description: str
    notes: tuple[str, ...]
    display: Path
    native: bool  # whether `display` is the source itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An unfinished edit: what a refresh or a restart brings back."""

    request: EditRequest
    source: str | None = None
    mask: str | None = None
    parent: str | None = None  # entry whose result is the source


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
        registry: Registry,
        *,
        bounds: Bounds | None = None,
        limits: Limits | None = None,
        disk: DiskLimits | None = None,
        examples: Mapping[str, Callable[[], Path]] | None = None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self.store = store
        self.queue = queue
        self.registry = registry
        self._bounds = bounds or Bounds()
        self._limits = limits or Limits()
        self._disk = disk or DiskLimits()
        self._wake = wake
        self._drafting = threading.Lock()  # two events of one page may change its draft at once
        self.examples = dict(examples or {})

    @property
    def limits(self) -> Limits:
        """What an upload may be at most."""
        return self._limits

    # -- pictures and masks

    def open_upload(self, session: str, path: Path) -> OpenPicture:
        """Decode an upload safely and keep it; raises RefusedInput."""
        picture = decode(path, self._limits)
        sha256 = self.store.put_source(path)
        self.change_draft(session, lambda draft: _fresh(draft, sha256))
        return self._opened(sha256, picture)

    def picture(self, sha256: str) -> OpenPicture:
        """A picture that is stored already."""
        return self._opened(sha256, decode(self.store.source_path(sha256), self._limits))

    def _opened(self, sha256: str, picture: Picture) -> OpenPicture:
        source = self.store.source_path(sha256)
        native = source.suffix in BROWSER_FORMATS and not picture.notes and picture.bits == 8
        if not native:
            self.store.put_preview(sha256, _png(picture))
        return OpenPicture(
            sha256=sha256,
            size=picture.size,
            description=describe(picture),
            notes=picture.notes,
            display=source if native else self.store.preview_path(sha256),
            native=native,
        )

    def keep_mask(self, session: str, source: str, path: Path | None, size: Size) -> str | None:
        """Keep the painted mask of `source` in the draft; None takes it away.

        Raises RefusedInput where the mask belongs to another picture or has another size.
        """
        sha256 = None
        if path is not None:
            mask = decode_mask(path)
            got = Size(mask.shape[1], mask.shape[0])
            if got != size:
                raise RefusedInput(f"The mask must be as large as the picture ({size}), got {got}.")
            sha256 = self.store.put_mask(path.read_bytes())
        self.change_draft(session, lambda draft: _masked_draft(draft, source, sha256))
        return sha256

    # -- drafts

    def draft(self, session: str) -> Draft:
        """The session's unfinished edit; a fresh one where there is none that can be read."""
        kept = self.store.draft(session)
        if kept is None:
            return Draft(request=EditRequest(model=self.registry.default))
        try:
            return from_json(Draft, kept)
        except ValueError:
            return Draft(request=EditRequest(model=self.registry.default))

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
        spec = self.model(request)
        context = Context(
            padding=request.inpaint.padding,
            ratio=spec.context_ratio,
            only_masked=request.inpaint.only_masked,
            native_size=spec.native_size,
            multiple=spec.size_multiple,
        )
        return make_plan(request.border.expand(size), masked, context)

    def context_view(
        self, request: EditRequest, size: Size, mask: str | None
    ) -> ContextView | None:
        """What the engine will see, in canvas pixels; None where nothing is painted yet."""
        masked = repainted_box(request, size, self._painted(mask))
        if masked is None:
            return None
        plan = self.context(request, size, masked)
        return ContextView(box=plan.box, scale=plan.scale, working=plan.working)

    def findings(self, request: EditRequest, size: Size, mask: str | None) -> list[Finding]:
        """Everything worth saying before the edit is queued; raises RefusedInput."""
        spec = self.model(request)
        painted = self._painted(mask)
        findings = list(check_mask(request, painted))
        masked = repainted_box(request, size, painted)
        if masked is not None:
            plan = self.context(request, size, masked)
            findings += check_scale(plan.scale, plan.working)
        resolve(request, abilities(spec), size, self._bounds, drawn_seed=0)
        return findings

    def _painted(self, mask: str | None) -> Mask | None:
        return None if mask is None else decode_mask(self.store.mask_path(mask))

    def lack_of(self, spec: ModelSpec) -> str | None:
        """Why the model cannot be used here, in one sentence; None where it can."""
        return availability(spec)

    # -- edits

    def submit(self, session: str, request: EditRequest, inputs: EditInputs) -> str:
        """Queue an edit of the session's open picture; the job's id."""
        parent = self.draft(session).parent
        self.store.evict(self._disk)
        job_id = self.queue.enqueue(session, request, inputs, parent)
        self._wake()
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

    def cancel_all(self, session: str) -> list[Job]:
        """Cancel whatever this session has queued or running."""
        jobs = self.queue.active(session)
        for job in jobs:
            self.queue.cancel(session, job.id)
        return jobs

    def retry(self, session: str, job_ids: list[str]) -> None:
        """Queue interrupted edits once more."""
        for job_id in job_ids:
            self.queue.retry(session, job_id)

    def interrupted(self, session: str) -> list[str]:
        """Jobs that the program's end stopped, if nothing of this session has run since."""
        ids = []
        for job in self.queue.recent(session):
            if job.state is not JobState.INTERRUPTED:
                break
            ids.append(job.id)
        return ids[::-1]

    # -- results

    def entry(self, session: str, entry_id: str) -> LogEntry:
        """An entry of this session; raises UnknownItem for any other."""
        return self.store.entry_of(session, entry_id)

    def continue_from(self, session: str, entry_id: str, index: int) -> OpenPicture:
        """Open a result as the source of the next edit, with a clean mask."""
        sha256 = _result(self.entry(session, entry_id), index).sha256
        opened = self.picture(sha256)
        self.change_draft(session, lambda draft: replace(_fresh(draft, sha256), parent=entry_id))
        return opened

    def restore(self, session: str, entry_id: str, index: int) -> Draft:
        """Bring back source, mask and settings of an entry, with the variant's own seed."""
        entry = self.entry(session, entry_id)
        seed = _result(entry, index).seed if entry.results else entry.request.sampling.seed
        sampling = replace(entry.request.sampling, seed=seed)
        request = replace(entry.request, sampling=sampling)
        inputs = entry.inputs
        draft = Draft(request=request, source=inputs.source, mask=inputs.mask, parent=entry.parent)
        return self.change_draft(session, lambda _: draft)


def _result(entry: LogEntry, index: int) -> ResultRecord:
    if not 0 <= index < len(entry.results):
        raise UnknownItem(
            f"The result's index must be below {len(entry.results)}, got {index} of {entry.id}."
        )
    return entry.results[index]


def _fresh(draft: Draft, sha256: str) -> Draft:
    """The draft after another picture was opened: no mask, no border, no parent, same settings."""
    request = replace(draft.request, border=Sides())
    return replace(draft, request=request, source=sha256, mask=None, parent=None)


def _masked_draft(draft: Draft, source: str, mask: str | None) -> Draft:
    if draft.source != source:
        raise RefusedInput(
            "The mask belongs to another picture than the one that is open.",
            remedy="Paint it again on this picture.",
        )
    return replace(draft, mask=mask)


def _png(picture: Picture) -> bytes:
    buffer = io.BytesIO()
    display_copy(picture, DISPLAY_SIDE).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
