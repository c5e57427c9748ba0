"""What can be told of an edit with a model before it runs: what it will see, and what it needs."""

from genimg_ui.core.geometry import Box, Size
from genimg_ui.core.memory import WHOLE, Host, choose, fits, gib, ladder, largest_side
from genimg_ui.core.plan import Context, EditPlan, make_plan
from genimg_ui.core.preflight import Finding
from genimg_ui.core.region import canvas_anchor, canvas_box, canvas_size
from genimg_ui.core.request import EditRequest
from genimg_ui.core.resolve import lacks_guidance
from genimg_ui.registry.memory import FULL, HALF, needs_of
from genimg_ui.registry.spec import ModelSpec, abilities


def context_plan(spec: ModelSpec, request: EditRequest, size: Size, masked: Box) -> EditPlan:
    """The plan for a mask that fills `masked` on the expanded canvas."""
    return make_plan(canvas_size(request, size), masked, context_of(request, spec))


def context_of(request: EditRequest, spec: ModelSpec) -> Context:
    """How much around its mask the model wants to see."""
    return Context(
        padding=request.inpaint.padding,
        ratio=spec.context_ratio,
        only_masked=request.inpaint.only_masked,
        native_size=spec.native_size,
        enlarges=spec.enlarges,
        multiple=spec.size_multiple,
        box=canvas_box(request),
        anchor=canvas_anchor(request),
    )


def memory_findings(
    spec: ModelSpec, request: EditRequest, working: Size, host: Host | None
) -> list[Finding]:
    """Say what an edit needs where `host` has not room for all of it at once.

    Nothing is said where the machine is unknown, or the weights are not here to count.
    """
    if host is None:
        return []
    in_turns = spec.uses_true_cfg or not spec.uses_guidance_end
    needs = needs_of(
        spec,
        working,
        guided=not in_turns and request.sampling.guidance_scale > 1,
        number=HALF if host.gpu else FULL,
        controls=tuple(unit.kind for unit in request.controls),
        references=tuple(unit.kind for unit in request.references),
    )
    if needs is None or fits(needs, host.bytes, WHOLE):
        return []
    places = ladder(offloads=host.gpu)
    placement = choose(needs, host.bytes, places)
    sentence = (
        f"{spec.title} at {working} needs about {gib(needs.peak(WHOLE))} of memory, "
        f"{host.device} has {gib(host.bytes)}"
    )
    if fits(needs, host.bytes, placement):
        return [Finding(sentence=f"{sentence}: it will run {placement.words(host.device)}.")]
    side = largest_side(needs, working, host.bytes, places, spec.size_multiple)
    advice = f"a region of {side}×{side} should fit" if side else "choose a smaller model"
    return [Finding(sentence=f"{sentence}: it may run out of memory; {advice}.")]


def guidance_findings(request: EditRequest, spec: ModelSpec) -> list[Finding]:
    """Say where a model runs without guidance and the page's knob asks for some."""
    if not lacks_guidance(request, abilities(spec)):
        return []
    scale = request.sampling.guidance_scale
    return [Finding(sentence=f"{spec.title} runs without guidance: CFG {scale:g} is not used.")]
