"""EditRequest → ResolvedRequest: draw the seed, name the scheduler, check every limit.

Nothing is bent to fit: a value out of range is refused with what came and what is allowed.
"""

from dataclasses import dataclass, replace

from genimg_ui.core.adapters import LoraOffer, check_loras, check_references, check_weighting
from genimg_ui.core.control import check_controls
from genimg_ui.core.geometry import Size
from genimg_ui.core.passes import count_passes
from genimg_ui.core.region import canvas_size
from genimg_ui.core.request import (
    SEED_LIMIT,
    EditRequest,
    FillMode,
    InpaintParams,
    ResolvedRequest,
    SamplingParams,
)
from genimg_ui.core.speed import check_speed
from genimg_ui.core.tasks import EVERY_TASK, Task, check_task
from genimg_ui.core.values import check_range
from genimg_ui.errors import RefusedInput

MAX_PROMPT = 4000  # characters; models read about 300 of them, log and PNG keep all
_WITHOUT_GUIDANCE = (
    "Set it to 1: restore the settings of this edit on the page and press Apply, which asks such a "
    "model for 1. Or choose another model."
)
_BORDERED = "The canvas with its border"
MAX_CANVAS_SIDE = 30_000  # what Chromium's canvas and Pillow's PNG both hold without tiling
MAX_OVERLAP = 2048  # pixels that neighbouring passes share


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The largest values that this installation accepts; a public one lowers them."""

    variants: int = 16
    pictures_of_run: int = 64
    num_inference_steps: int = 150
    megapixels: float = 100.0  # of the expanded canvas
    grow: int = 256
    feather: int = 256
    padding: int = 2048
    passes: int = 4096  # looks of the model: tiles or strips, times variants


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What a model can take, as far as `resolve` must know."""

    id: str
    title: str
    uses_prompt: bool = False
    uses_strength: bool = False
    uses_guidance: bool = False
    uses_true_cfg: bool = False
    uses_guidance_end: bool = False
    step_caches: tuple[str, ...] = ()
    uses_refiner: bool = False
    uses_steps: bool = False
    schedulers: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = EVERY_TASK
    native_size: int = 0  # side of the square that the model was trained on; 0: any
    size_multiple: int = 1
    scale: int = 0  # an upscaler's own factor; 0: any
    uses_seed: bool = True  # False: every seed gives the same picture
    uses_prompt_weighting: bool = False
    loras: tuple[LoraOffer, ...] = ()
    references: tuple[str, ...] = ()  # kinds of reference pictures
    uses_colour_match: bool = False


def resolve(
    request: EditRequest,
    abilities: Abilities,
    source: Size,
    bounds: Bounds,
    *,
    drawn_seed: int,
    again: bool = False,
) -> ResolvedRequest:
    """Close everything that the request leaves open; `drawn_seed` is used where it has none.

    With `again` the edit has run before: what was let through then is not refused now.
    Raises RefusedInput.
    """
    check_task(request, abilities.title, abilities.tasks, abilities.scale)
    _check_sampling(request.sampling, abilities, bounds)
    if not again and lacks_guidance(request, abilities):
        raise RefusedInput(
            f"{abilities.title} runs without guidance: guidance_scale (CFG) must be 1, "
            f"got {request.sampling.guidance_scale:g}.",
            remedy=_WITHOUT_GUIDANCE,
        )
    _check_mask(request, bounds)
    _check_canvas(request, source, bounds)
    _check_passes(request, abilities, source, bounds)
    check_controls(request.controls, abilities.controls, abilities.title)
    check_loras(request.loras, abilities.loras, abilities.title)
    guides, caches = abilities.uses_guidance_end, abilities.step_caches
    check_speed(request.speed, guides=guides, caches=caches, title=abilities.title)
    check_references(request.references, abilities.references, abilities.title)
    taken = abilities.uses_prompt_weighting
    check_weighting(request.sampling, taken=taken, title=abilities.title)
    first = drawn_seed if request.sampling.seed is None else request.sampling.seed
    seeds = tuple((first + i) % SEED_LIMIT for i in range(request.sampling.variants))
    return ResolvedRequest(
        request=request,
        seeds=seeds,
        scheduler=_scheduler(request.sampling.scheduler, abilities),
        fill_mode=_fill_mode(request),
    )


def lacks_guidance(request: EditRequest, abilities: Abilities) -> bool:
    """Whether the request asks a sampler for guidance that it was distilled to run without."""
    samples = abilities.uses_steps and not abilities.uses_guidance
    return samples and request.sampling.guidance_scale > 1


def without_guidance(request: EditRequest, abilities: Abilities) -> EditRequest:
    """The request with guidance_scale 1 where the model runs without guidance.

    For whoever shows guidance_scale as a knob that such a model does not have.
    """
    if not lacks_guidance(request, abilities):
        return request
    return replace(request, sampling=replace(request.sampling, guidance_scale=1.0))


def _check_sampling(sampling: SamplingParams, abilities: Abilities, bounds: Bounds) -> None:
    for name, text in (("prompt", sampling.prompt), ("negative prompt", sampling.negative_prompt)):
        if len(text) > MAX_PROMPT:
            raise RefusedInput(
                f"The {name} may have at most {MAX_PROMPT} characters, got {len(text)}."
            )
    check_range("strength (Denoise)", sampling.strength, 0, 1, open_low=True)
    check_range("guidance_scale (CFG)", sampling.guidance_scale, 1, 30)
    check_range("true_cfg_scale (True CFG)", sampling.true_cfg_scale, 1, 30)
    check_range("refiner_switch_at", sampling.refiner_switch_at, 0, 1, open_low=True)
    check_range("num_inference_steps", sampling.num_inference_steps, 1, bounds.num_inference_steps)
    check_range("variants", sampling.variants, 1, bounds.variants)
    if sampling.variants > 1 and not abilities.uses_seed:
        raise RefusedInput(
            f"{abilities.title} makes the same picture of every seed: variants must be 1, "
            f"got {sampling.variants}."
        )
    if sampling.seed is not None:
        check_range("seed", sampling.seed, 0, SEED_LIMIT - 1)
    if not abilities.uses_strength or not abilities.uses_steps:
        return
    if sampling.strength * sampling.num_inference_steps < 1:
        raise RefusedInput(
            f"strength × steps must be at least 1, got {sampling.strength:g} × "
            f"{sampling.num_inference_steps}: no step would run.",
            remedy="Raise Denoise or Steps.",
        )


def _check_mask(request: EditRequest, bounds: Bounds) -> None:
    check_range("grow", request.mask.grow, -bounds.grow, bounds.grow)
    check_range("feather", request.mask.feather, 0, bounds.feather)
    check_range("padding", request.inpaint.padding, 0, bounds.padding)
    _check_box(request.inpaint)
    check_range("overlap", request.passes.overlap, 0, MAX_OVERLAP)


def _check_box(inpaint: InpaintParams) -> None:
    """A context box drawn by hand, in itself; `make_plan` holds it to mask and canvas."""
    box = inpaint.box
    if box is None:
        return
    for name, value in box._asdict().items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise RefusedInput(f"context box {name} must be a whole number, got {value!r}.")
        check_range(f"context box {name}", value, -MAX_CANVAS_SIDE, MAX_CANVAS_SIDE)
    if box.left >= box.right or box.top >= box.bottom:
        raise RefusedInput(
            "context box must have its left below its right and its top below its bottom, "
            f"got {','.join(map(str, box))}."
        )
    if not inpaint.only_masked:
        raise RefusedInput(
            "The context is either the whole picture or the box that is drawn, got both.",
            remedy="Clear the box, or tick `Only the masked region`.",
        )


def _check_canvas(request: EditRequest, source: Size, bounds: Bounds) -> None:
    for name, value in request.border._asdict().items():
        check_range(f"border {name}", value, 0, MAX_CANVAS_SIDE)
    canvas = canvas_size(request, source)
    if max(canvas) <= MAX_CANVAS_SIDE and canvas.area <= bounds.megapixels * 1e6:
        return
    enlarged = request.upscale > 1
    what = f"The picture enlarged {request.upscale} times" if enlarged else _BORDERED
    raise RefusedInput(
        f"{what} may have at most {bounds.megapixels:g} megapixels and "
        f"{MAX_CANVAS_SIDE} pixels a side, got {canvas} ({canvas.area / 1e6:.1f} megapixels).",
        remedy="Choose a smaller factor." if enlarged else "Choose a smaller border.",
    )


def _check_passes(request: EditRequest, abilities: Abilities, source: Size, bounds: Bounds) -> None:
    side, multiple = abilities.native_size, abilities.size_multiple
    passes = count_passes(request, source, native_size=side, multiple=multiple)
    variants = request.sampling.variants
    if passes == 1 or passes * variants <= bounds.passes:
        return
    enlarged = request.upscale > 1
    smaller = "a smaller factor, picture or overlap" if enlarged else "a smaller border"
    raise RefusedInput(
        f"An edit may take at most {bounds.passes} passes of the model, got {passes * variants}: "
        f"{passes} {'tiles' if enlarged else 'strips'} × variants {variants}.",
        remedy=f"Choose {smaller}{' or fewer variants' if variants > 1 else ''}.",
    )


def _scheduler(name: str, abilities: Abilities) -> str:
    if not abilities.schedulers:
        return ""
    if name == "default":
        return abilities.schedulers[0]
    if name not in abilities.schedulers:
        allowed = ", ".join(abilities.schedulers)
        raise RefusedInput(f"scheduler must be default or one of {allowed}, got {name!r}.")
    return name


def _fill_mode(request: EditRequest) -> FillMode:
    if request.inpaint.fill_mode is not FillMode.AUTO:
        return request.inpaint.fill_mode
    return FillMode.EXTEND if request.border else FillMode.REMOVE
