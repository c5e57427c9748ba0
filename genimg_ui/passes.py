"""Runs an edit in passes: progressive borders, and tiles of an enlarged canvas.

Each pass is an ordinary edit of a part of the canvas: planned, cut, generated, pasted. It sees
what the passes before it painted. What comes out is one patch for each seed, as large as the
canvas, so that an edit in passes has one result and one entry like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from genimg_ui.backend.base import (
    BackendJob,
    BackendResult,
    CancelToken,
    OnEvent,
    Preview,
    Progress,
    Rgb,
)
from genimg_ui.backend.pool import BackendPool
from genimg_ui.core.geometry import Box, Size
from genimg_ui.core.mask import Mask, Masks, mask_box
from genimg_ui.core.passes import (
    needs_passes,
    outpaint_strips,
    strip_plan,
    tile_mask,
    tile_paste,
    tiles,
)
from genimg_ui.core.picture import Picture
from genimg_ui.core.plan import EditPlan, make_plan
from genimg_ui.core.region import source_box
from genimg_ui.core.request import ColourMatch, EditRequest, ResolvedRequest
from genimg_ui.history.record import PassRecord
from genimg_ui.pasting import match_patch, paste
from genimg_ui.preparation import Layout, Prepared, Preparer, Running
from genimg_ui.registry import ModelSpec
from genimg_ui.registry.foresight import context_of

PREVIEW_SIDE = 512  # pixels of the longer side of the canvas in a preview
FREE_STRENGTH = 0.5  # above it a tile without a tile control paints what it likes
INVENTS = (
    "At a strength above {limit:g} and without the control `tile`, each tile may paint something "
    "of its own. Lower Denoise, or add the control where the model has it."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pass:
    """One look of the model: `region` of the canvas, and plan and masks counted from its corner."""

    region: Box
    plan: EditPlan
    masks: Masks


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Passed:
    """What came of all passes: `prepared` takes `patches` as that of any edit does.

    `last` is the last pass as it was prepared, `maps` are the control maps of all passes in their
    order, and `result` joins what the engine said of all.
    """

    prepared: Prepared
    last: Prepared
    maps: tuple[Rgb, ...]
    result: BackendResult
    records: tuple[PassRecord, ...]


def passes_of(layout: Layout) -> tuple[Pass, ...]:
    """The passes that an edit needs; none where one look is enough. Raises RefusedInput."""
    request, spec = layout.resolved.request, layout.spec
    if not spec.native_size:
        return ()
    if request.upscale > 1:
        return _tile_passes(layout)
    if not request.passes.progressive or request.inpaint.box is not None:
        return ()
    return _strip_passes(layout) if needs_passes(layout.source.size, request.border) else ()


def pass_warnings(request: EditRequest, spec: ModelSpec) -> tuple[str, ...]:
    """What a person should know of an enlargement by tiles."""
    free = spec.uses_strength and request.sampling.strength > FREE_STRENGTH
    guided = any(unit.kind == "tile" for unit in request.controls)
    if request.upscale == 1 or not spec.native_size or guided or not free:
        return ()
    return (INVENTS.format(limit=FREE_STRENGTH),)


class PassRunner:
    """Runs the passes of edits with the engines of a pool."""

    def __init__(self, preparer: Preparer, pool: BackendPool) -> None:
        self._preparer = preparer
        self._pool = pool

    def run(
        self,
        layout: Layout,
        steps: Sequence[Pass],
        running: Running,
        on_event: OnEvent,
        cancel: CancelToken,
    ) -> Passed:
        """Every variant through every pass; raises RefusedInput, BackendError, Cancelled."""
        patches: list[Rgb] = []
        results: list[BackendResult] = []
        prepared: list[Prepared] = []
        of = (len(layout.resolved.seeds), len(steps))
        for index, seed in enumerate(layout.resolved.seeds):
            current = layout.canvas.rgb().copy()
            resolved = replace(layout.resolved, seeds=(seed,))
            for number, step in enumerate(steps):
                cancel.check()
                again = layout.again and layout.again.look(index * len(steps) + number)
                alone = replace(layout, resolved=resolved, again=again)
                cut = self._cut(alone, step, current, running, cancel)
                watch = _Watch(on_event, current, step, at=(index, number), of=of)
                with running.stage("load"):
                    backend = self._pool.get(layout.spec)
                with running.stage("generate"):
                    result = backend.generate(cut.job, watch.on_event, cancel)
                with running.stage("stitch"):
                    picture = paste(cut, match_patch(cut, result.patches[0]).patch)
                    current[step.region.slices] = picture.pixels
                results.append(result)
                prepared = prepared if index else [*prepared, cut]
            patches.append(current)
        cancel.check()
        return Passed(
            prepared=_whole(layout),
            last=prepared[-1],
            maps=tuple(unit.image for cut in prepared for unit in cut.job.controls),
            result=replace(_joined(results), patches=tuple(patches)),
            records=tuple(map(_record, steps, prepared)),
        )

    def _cut(
        self, layout: Layout, step: Pass, current: Rgb, running: Running, cancel: CancelToken
    ) -> Prepared:
        """The pass as an edit of its region alone, which knows where it lies on the canvas."""
        place = step.region.slices
        canvas = Picture(current[place].copy())
        maps = {index: image[place] for index, image in layout.maps.items()}
        part = replace(layout, canvas=canvas, masks=step.masks, maps=maps)
        cut = self._preparer.cut(part, step.plan, running, cancel)
        left, top = cut.job.origin
        origin = (left + step.region.left, top + step.region.top)
        return replace(cut, job=replace(cut.job, origin=origin))


def _strip_passes(layout: Layout) -> tuple[Pass, ...]:
    """What is painted on the source first, then the border from the inside out."""
    request, size = layout.resolved.request, layout.source.size
    context = context_of(request, layout.spec)
    inner = source_box(request, size)
    own = Masks(*(mask[inner.slices] for mask in layout.masks))
    painted = mask_box(own.composite)
    made: list[Pass] = []
    if painted is not None:
        full = _support(own.composite)  # the feather is for the paste at the end
        # This pass sees the source without its border.
        at_source = None if context.anchor is None else (0, 0)
        plan = make_plan(size, painted, replace(context, anchor=at_source))
        made.append(Pass(region=inner, plan=plan, masks=Masks(own.denoise, full)))
    for strip in outpaint_strips(size, request.border):
        seen = strip.seen.size
        mask = np.zeros((seen.height, seen.width), np.uint8)
        mask[strip.painted.moved(-strip.seen.left, -strip.seen.top).slices] = 255
        plan = strip_plan(strip, context, request.passes.overlap)
        made.append(Pass(region=strip.seen, plan=plan, masks=Masks(mask, mask)))
    return tuple(made)


def _tile_passes(layout: Layout) -> tuple[Pass, ...]:
    spec, request = layout.spec, layout.resolved.request
    made = []
    for tile in tiles(
        layout.canvas.size,
        side=spec.native_size,
        overlap=request.passes.overlap,
        multiple=spec.size_multiple,
    ):
        size = tile.box.size
        masks = Masks(denoise=tile_mask(tile), composite=tile_paste(tile))
        plan = EditPlan(
            canvas=size,
            box=Box.of(size),
            content=size,
            working=size.rounded_up(spec.size_multiple),
        )
        made.append(Pass(region=tile.box, plan=plan, masks=masks))
    return tuple(made)


def _support(mask: Mask) -> Mask:
    return np.where(mask > 0, np.uint8(255), np.uint8(0))


def _whole(layout: Layout) -> Prepared:
    """An edit of the whole canvas that takes what the passes made as its patch, as it is.

    Colours were matched pass by pass: there is nothing left to match.
    """
    size = layout.canvas.size
    canvas = layout.canvas.rgb()
    request = layout.resolved.request
    inpaint = replace(request.inpaint, colour_match=ColourMatch.OFF)
    resolved: ResolvedRequest = replace(layout.resolved, request=replace(request, inpaint=inpaint))
    plan = EditPlan(canvas=size, box=Box.of(size), content=size, working=size)
    job = BackendJob(
        resolved=resolved,
        spec=layout.spec,
        image=canvas,
        filled=canvas,
        mask=layout.masks.denoise,
    )
    return Prepared(canvas=layout.canvas, composite=layout.masks.composite, plan=plan, job=job)


def _joined(results: Sequence[BackendResult]) -> BackendResult:
    """What the engine said in all passes, each sentence once."""
    first = results[0]
    warnings = dict.fromkeys(text for result in results for text in result.warnings)
    fallbacks = dict.fromkeys(text for result in results for text in result.fallbacks)
    looks = tuple(look for result in results for look in result.executions)
    return replace(first, warnings=tuple(warnings), fallbacks=tuple(fallbacks), executions=looks)


def _record(step: Pass, cut: Prepared) -> PassRecord:
    box = cut.plan.box.moved(step.region.left, step.region.top)
    masked = mask_box(step.masks.composite) or Box.of(step.region.size)
    painted = masked.moved(step.region.left, step.region.top)
    return PassRecord(painted=painted, box=box, working=cut.plan.working)


class _Watch:
    """Tells of one pass as a part of the whole: its share of the progress, its place on the
    canvas in previews.
    """

    def __init__(
        self,
        on_event: OnEvent,
        current: Rgb,
        step: Pass,
        *,
        at: tuple[int, int],  # variant and pass
        of: tuple[int, int],
    ) -> None:
        self._on_event = on_event
        self._step = step
        self._variant, self._number = at
        self._of = of
        canvas = Size(current.shape[1], current.shape[0])
        self._scale = min(1.0, PREVIEW_SIDE / max(canvas))
        self._small = Image.fromarray(current).resize(
            canvas.scaled(self._scale), Image.Resampling.BILINEAR, reducing_gap=2.0
        )

    def on_event(self, event: Progress | Preview) -> None:
        variants, passes = self._of
        if isinstance(event, Preview):
            self._on_event(Preview(self._variant, self._placed(event.image)))
            return
        done = (self._variant * passes + self._number + event.fraction) / (variants * passes)
        words = f"pass {self._number + 1} of {passes}, {event.text}"
        if variants > 1:
            words = f"variant {self._variant + 1} of {variants}, {words}"
        self._on_event(Progress(done, words))

    def _placed(self, image: Rgb) -> Rgb:
        """The small canvas with what the pass shows so far, where its mask lets it paint."""
        plan, region = self._step.plan, self._step.region
        box = plan.box.moved(region.left, region.top)
        left, top, right, bottom = (round(edge * self._scale) for edge in box)
        size = Size(max(1, right - left), max(1, bottom - top))
        padded = Image.fromarray(image)
        across = plan.content.width / plan.working.width  # the crop's padding is not shown
        down = plan.content.height / plan.working.height
        content = (0, 0, padded.width * across, padded.height * down)
        shown = padded.resize(size, Image.Resampling.BILINEAR, box=content)
        mask = self._step.masks.composite[plan.box.slices]
        small = self._small.copy()
        small.paste(shown, (left, top), Image.fromarray(mask).resize(size))
        return np.asarray(small)
