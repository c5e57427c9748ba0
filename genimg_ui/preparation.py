"""From what a person asked for to the one crop that an engine gets.

resolve → border → masks → plan → crop → control maps → fill under the mask. Pixels in, pixels
out: files are the editor's.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from genimg_ui.backend.base import BackendJob, CancelToken, ControlInput, Rgb
from genimg_ui.backend.pool import BackendPool
from genimg_ui.core.geometry import Box, Size
from genimg_ui.core.mask import Mask, Masks, make_masks, mask_box
from genimg_ui.core.outpaint import expand_mask
from genimg_ui.core.picture import Picture
from genimg_ui.core.plan import Context, EditPlan, crop, crop_mask, make_plan
from genimg_ui.core.preflight import check_alpha, check_composite, check_mask, check_scale
from genimg_ui.core.request import EditRequest, FillUnderMask, ResolvedRequest
from genimg_ui.core.resolve import Bounds, resolve
from genimg_ui.errors import RefusedInput
from genimg_ui.history.names import utc_now
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.registry import ModelSpec, abilities


class Running:
    """An edit under way: its entry so far, and the seconds spent in each of its stages."""

    def __init__(self, entry: LogEntry) -> None:
        self.entry = entry
        self.seconds: dict[str, float] = {}

    def note(self, **known: Any) -> None:
        """Add to the entry what has become known."""
        self.entry = replace(self.entry, **known)

    def warn(self, *sentences: str) -> None:
        """Add sentences that a person should read beside the result."""
        self.note(warnings=(*self.entry.warnings, *sentences))

    def so_far(self) -> LogEntry:
        """The entry with the seconds spent until now."""
        return replace(self.entry, timings=dict(self.seconds))

    def ended(self, state: EntryState, error: str = "", *, refused: bool = False) -> LogEntry:
        """The whole entry, now that it is known how the edit ended."""
        self.note(state=state, error=error, refused=refused, timings=self.seconds, ended=utc_now())
        return self.entry

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of the block to `name`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.seconds[name] = round(self.seconds.get(name, 0.0) + spent, 4)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """An edit that is ready for its engine.

    `canvas` is the source with its border, `composite` the mask of the paste, as large as it.
    """

    canvas: Picture
    composite: Mask
    plan: EditPlan
    job: BackendJob


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """The pixels of an edit: the decoded source and its painted mask (None: border only)."""

    source: Picture
    painted: Mask | None


class Preparer:
    """Prepares edits for the engines of a pool, within the bounds of this installation."""

    def __init__(self, pool: BackendPool, bounds: Bounds) -> None:
        self._pool = pool
        self._bounds = bounds

    def resolve(
        self, request: EditRequest, spec: ModelSpec, source: Size, *, drawn_seed: int
    ) -> ResolvedRequest:
        """Close what the request leaves open; raises RefusedInput."""
        return resolve(request, abilities(spec), source, self._bounds, drawn_seed=drawn_seed)

    def prepare(
        self,
        resolved: ResolvedRequest,
        spec: ModelSpec,
        subject: Subject,
        running: Running,
        cancel: CancelToken,
    ) -> Prepared:
        """Plan the edit and cut out what the engine sees; raises RefusedInput, Cancelled."""
        request = resolved.request
        with running.stage("plan"):
            masks = _masks(request, spec, subject)
            running.warn(*_findings(request, subject, masks, soft=spec.uses_strength))
            canvas, masks = _expanded(request, subject.source, masks)
            plan = make_plan(canvas.size, _masked_box(masks.composite), _context(request, spec))
            running.warn(*(f.sentence for f in check_scale(plan.scale, plan.working)))
        cancel.check()
        with running.stage("crop"):
            image = _crop_rgb(canvas, plan)
            mask = crop_mask(plan, masks.denoise)
        controls = self._control_inputs(resolved, image, running, cancel)
        with running.stage("fill"):
            _check_fill(resolved, spec, mask[: plan.content.height, : plan.content.width])
            filled = self._filled(resolved, spec, image, mask, cancel)
        job = BackendJob(
            resolved=resolved,
            spec=spec,
            image=image,
            filled=filled,
            mask=mask,
            controls=controls,
            origin=(plan.box.left - request.border.left, plan.box.top - request.border.top),
            scale=plan.scale,
        )
        return Prepared(
            canvas=canvas,
            composite=masks.composite,
            plan=plan,
            job=job,
        )

    def _control_inputs(
        self, resolved: ResolvedRequest, image: Rgb, running: Running, cancel: CancelToken
    ) -> tuple[ControlInput, ...]:
        inputs = []
        for unit in resolved.request.controls:
            cancel.check()
            with running.stage("annotate"):
                inputs.append(ControlInput(unit, self._pool.annotate(unit.kind, image)))
        return tuple(inputs)

    def _filled(
        self,
        resolved: ResolvedRequest,
        spec: ModelSpec,
        image: Rgb,
        mask: Mask,
        cancel: CancelToken,
    ) -> Rgb:
        """The crop with its fill under the mask; engines that do not look at it get the crop."""
        params = replace(resolved.request.inpaint, fill_mode=resolved.fill_mode)
        if not spec.uses_fill or params.fill is FillUnderMask.ORIGINAL:
            return image
        return self._pool.fill(image, mask > 0, params=params, cancel=cancel)


def _masks(request: EditRequest, spec: ModelSpec, subject: Subject) -> Masks:
    """Denoise and composite mask of the source, as large as it."""
    size, painted = subject.source.size, subject.painted
    if painted is None:
        painted = np.zeros((size.height, size.width), np.uint8)
    if painted.shape != (size.height, size.width):
        got = Size(painted.shape[1], painted.shape[0])
        raise RefusedInput(f"The mask must be as large as the picture ({size}), got {got}.")
    return make_masks(painted, request.mask, soft=spec.uses_strength)


def _findings(request: EditRequest, subject: Subject, masks: Masks, *, soft: bool) -> list[str]:
    painted = subject.painted
    if painted is None or not painted.any():
        findings = [*check_mask(request, None)]
    else:
        strongest = 255 if soft else int(painted.max())
        findings = [
            *check_composite(request, painted, masks.composite, strongest=strongest),
            *check_alpha(subject.source.alpha(), painted),
        ]
    for finding in findings:
        if finding.blocking:
            remedy = f"{finding.remedy.label}." if finding.remedy else None
            raise RefusedInput(finding.sentence, remedy=remedy)
    return [finding.sentence for finding in findings]


def _expanded(request: EditRequest, source: Picture, masks: Masks) -> tuple[Picture, Masks]:
    if not request.border:
        return source, masks
    expanded = Masks(*(expand_mask(mask, request.border) for mask in masks))
    return source.expanded(request.border), expanded


def _masked_box(composite: Mask) -> Box:
    box = mask_box(composite)
    if box is None:
        raise RefusedInput("Nothing is painted and no border is added.")
    return box


def _context(request: EditRequest, spec: ModelSpec) -> Context:
    return Context(
        padding=request.inpaint.padding,
        ratio=spec.context_ratio,
        only_masked=request.inpaint.only_masked,
        native_size=spec.native_size,
        multiple=spec.size_multiple,
    )


def _crop_rgb(canvas: Picture, plan: EditPlan) -> Rgb:
    """The engine's view of the context box; only that box is converted to RGB."""
    box_plan = EditPlan(
        canvas=plan.box.size, box=Box.of(plan.box.size), content=plan.content, working=plan.working
    )
    return crop(box_plan, canvas.rgb(plan.box))


def _check_fill(resolved: ResolvedRequest, spec: ModelSpec, mask: Mask) -> None:
    """Refuse a fill out of the surroundings where the engine sees none."""
    wanted = resolved.request.inpaint.fill
    if spec.uses_fill and wanted is FillUnderMask.EXEMPLAR and mask.all():
        raise RefusedInput(
            "The fill `exemplar` needs unpainted pixels in what the engine sees, got none: "
            f"all {mask.size} are painted.",
            remedy="Choose another fill under the mask, raise Padding, or paint less.",
        )
