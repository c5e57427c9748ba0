"""From what a person asked for to the one crop that an engine gets.

resolve → border → masks → plan → crop → control maps → fill under the mask. Pixels in, pixels
out: files are the editor's.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from genimg_ui.backend.base import BackendJob, CancelToken, ReferenceInput, Rgb
from genimg_ui.backend.pool import BackendPool
from genimg_ui.controls import Crops, control_inputs
from genimg_ui.core.enlarge import enlarged, model_notes
from genimg_ui.core.geometry import Box, Size
from genimg_ui.core.mask import Mask, Masks, mask_box
from genimg_ui.core.picture import Picture
from genimg_ui.core.plan import EditPlan, crop, crop_mask, make_plan
from genimg_ui.core.preflight import check_alpha, check_composite, check_mask, check_scale
from genimg_ui.core.provenance import Again
from genimg_ui.core.ready_map import on_canvas
from genimg_ui.core.region import canvas_masks
from genimg_ui.core.request import EditRequest, FillUnderMask, Region, ResolvedRequest
from genimg_ui.core.resolve import Bounds, resolve
from genimg_ui.errors import RefusedInput
from genimg_ui.history.names import utc_now
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.registry import ModelSpec, abilities
from genimg_ui.registry.foresight import context_of


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
    """The pixels of an edit: the decoded source and its painted mask (None: border only).

    `maps` are the ready control maps, by the index of their unit; `references` the pictures of
    the request's references, in their order.
    """

    source: Picture
    painted: Mask | None
    maps: Mapping[int, Picture] = field(default_factory=dict)
    references: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """What an edit works on: the canvas, and which of its pixels are repainted.

    `masks` are as large as the canvas, `painted` is what the person painted on the source.
    `source` is the picture at its own size, which an upscaler enlarges itself.
    """

    resolved: ResolvedRequest
    spec: ModelSpec
    source: Picture
    canvas: Picture
    masks: Masks
    painted: Mask | None = None
    maps: Mapping[int, Rgb] = field(default_factory=dict)  # ready ones by unit, as the canvas
    references: tuple[ReferenceInput, ...] = ()  # at their own sizes
    again: Again | None = None  # where the edit is run again


class Preparer:
    """Prepares edits for the engines of a pool, within the bounds of this installation."""

    def __init__(self, pool: BackendPool, bounds: Bounds) -> None:
        self._pool = pool
        self._bounds = bounds

    def resolve(
        self,
        request: EditRequest,
        spec: ModelSpec,
        source: Size,
        *,
        drawn_seed: int,
        again: bool = False,
    ) -> ResolvedRequest:
        """Close what the request leaves open, or did the first time; raises RefusedInput."""
        known = abilities(spec)
        return resolve(request, known, source, self._bounds, drawn_seed=drawn_seed, again=again)

    def prepare(
        self,
        resolved: ResolvedRequest,
        spec: ModelSpec,
        subject: Subject,
        running: Running,
        cancel: CancelToken,
    ) -> Prepared:
        """Plan the edit and cut out what the engine sees; raises RefusedInput, Cancelled."""
        layout = self.lay_out(resolved, spec, subject, running)
        return self.whole(layout, running, cancel)

    def whole(self, layout: Layout, running: Running, cancel: CancelToken) -> Prepared:
        """The edit as one look of the model; raises RefusedInput, Cancelled."""
        with running.stage("plan"):
            masked = _masked_box(layout.masks.composite)
            context = context_of(layout.resolved.request, layout.spec)
            plan = make_plan(layout.canvas.size, masked, context)
            running.warn(*(f.sentence for f in check_scale(plan.scale, plan.working)))
        return self.cut(layout, plan, running, cancel)

    def lay_out(
        self, resolved: ResolvedRequest, spec: ModelSpec, subject: Subject, running: Running
    ) -> Layout:
        """Make canvas and masks; raises RefusedInput."""
        request, source = resolved.request, subject.source
        with running.stage("plan"):
            _check_painted(request, subject)
            masks = canvas_masks(request, source.size, subject.painted, soft=spec.uses_strength)
            running.warn(*_findings(request, subject, masks, soft=spec.uses_strength))
            canvas = enlarged(source, request.upscale)
            if request.upscale > 1 and spec.source:
                running.warn(*model_notes(source))
            canvas = canvas.expanded(request.border) if request.border else canvas
            maps = {
                index: on_canvas(ready, request.controls[index].kind, request, source.size)
                for index, ready in subject.maps.items()
            }
        return Layout(
            resolved=resolved,
            spec=spec,
            source=source,
            canvas=canvas,
            masks=masks,
            painted=subject.painted,
            maps=maps,
            references=tuple(
                ReferenceInput(unit, picture.rgb())
                for unit, picture in zip(request.references, subject.references, strict=True)
            ),
        )

    def cut(
        self, layout: Layout, plan: EditPlan, running: Running, cancel: CancelToken
    ) -> Prepared:
        """Cut out what the engine sees by this plan; raises RefusedInput, Cancelled."""
        resolved, spec, masks = layout.resolved, layout.spec, layout.masks
        border = resolved.request.border
        cancel.check()
        with running.stage("crop"):
            image = _crop_rgb(layout.canvas, plan)
            mask = crop_mask(plan, masks.denoise)
        with running.stage("annotate"):
            controls = control_inputs(
                self._pool,
                resolved.request.controls,
                layout.maps,
                plan,
                Crops(image, mask),
                cancel=cancel,
            )
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
            origin=(plan.box.left - border.left, plan.box.top - border.top),
            scale=plan.scale,
            source=layout.source.rgb() if resolved.request.upscale > 1 else None,
            references=layout.references,
            again=layout.again,
        )
        return Prepared(canvas=layout.canvas, composite=masks.composite, plan=plan, job=job)

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
        whole = resolved.request.region is Region.WHOLE
        if whole or not spec.uses_fill or params.fill is FillUnderMask.ORIGINAL:
            return image
        return self._pool.fill(image, mask > 0, params=params, cancel=cancel)


def _check_painted(request: EditRequest, subject: Subject) -> None:
    size, painted = subject.source.size, subject.painted
    if painted is None:
        return
    if painted.shape != (size.height, size.width):
        got = Size(painted.shape[1], painted.shape[0])
        raise RefusedInput(f"The mask must be as large as the picture ({size}), got {got}.")
    if request.region is Region.WHOLE:
        raise RefusedInput(
            "Where the whole picture is repainted, no mask is used, and one came.",
            remedy="Leave the mask out, or choose the region `mask`.",
        )


def _findings(request: EditRequest, subject: Subject, masks: Masks, *, soft: bool) -> list[str]:
    painted = subject.painted
    if request.region is Region.WHOLE:
        return []
    if painted is None or not painted.any():
        findings = [*check_mask(request, None)]
    else:
        strongest = 255 if soft else int(painted.max())
        findings = [*check_composite(request, painted, masks.composite, strongest=strongest)]
        findings += check_alpha(subject.source.alpha(), painted)
    for finding in findings:
        if finding.blocking:
            remedy = f"{finding.remedy.label}." if finding.remedy else None
            raise RefusedInput(finding.sentence, remedy=remedy)
    return [finding.sentence for finding in findings]


def _masked_box(composite: Mask) -> Box:
    box = mask_box(composite)
    if box is None:
        raise RefusedInput("Nothing is painted and no border is added.")
    return box


def _crop_rgb(canvas: Picture, plan: EditPlan) -> Rgb:
    """The engine's view of the context box; only that box is converted to RGB."""
    box_plan = EditPlan(
        canvas=plan.box.size, box=Box.of(plan.box.size), content=plan.content, working=plan.working
    )
    return crop(box_plan, canvas.rgb(plan.box))


def _check_fill(resolved: ResolvedRequest, spec: ModelSpec, mask: Mask) -> None:
    """Refuse a fill out of the surroundings where the engine sees none."""
    wanted = resolved.request.inpaint.fill
    if resolved.request.region is Region.WHOLE:  # begins with the source's own pixels
        return
    if spec.uses_fill and wanted is FillUnderMask.EXEMPLAR and mask.all():
        raise RefusedInput(
            "The fill `exemplar` needs unpainted pixels in what the engine sees, got none: "
            f"all {mask.size} are painted.",
            remedy="Choose another fill under the mask, raise Padding, or paint less.",
        )
