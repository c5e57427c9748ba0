"""The parameters that a run can sweep, by their names in the request."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from genimg_ui.core.parameter import Kind, Parameter, Value
from genimg_ui.core.request import ColourMatch, EditRequest, FillMode
from genimg_ui.core.unit_parameters import ANNOTATOR_PARAMETERS, CONTROL_PARAMETERS
from genimg_ui.errors import RefusedInput

__all__ = ["PARAMETERS", "Kind", "Parameter", "Value"]


def _of(part: str, name: str) -> Callable[[EditRequest, Value], EditRequest]:
    def put(request: EditRequest, value: Value) -> EditRequest:
        changed: Any = replace(getattr(request, part), **{name: value})
        return replace(request, **{part: changed})

    return put


def _put_fill_mode(request: EditRequest, value: Value) -> EditRequest:
    if value not in tuple(FillMode):
        allowed = ", ".join(FillMode)
        raise RefusedInput(f"Fill mode must be one of {allowed}, got {value!r}.")
    return replace(request, inpaint=replace(request.inpaint, fill_mode=FillMode(value)))


def _put_colour_match(request: EditRequest, value: Value) -> EditRequest:
    if value not in tuple(ColourMatch):
        allowed = ", ".join(ColourMatch)
        raise RefusedInput(f"Colour match must be one of {allowed}, got {value!r}.")
    match = ColourMatch(value)
    return replace(request, inpaint=replace(request.inpaint, colour_match=match))


def _weights(part: str, name: str) -> Callable[[EditRequest, Value], EditRequest]:
    """Give every unit of a part the same number."""

    def put(request: EditRequest, value: Value) -> EditRequest:
        units: tuple[Any, ...] = getattr(request, part)
        changed: Any = tuple(replace(unit, **{name: float(value)}) for unit in units)
        return replace(request, **{part: changed})

    return put


_ALL = (
    Parameter(
        name="seed",
        label="Seed",
        kind=Kind.SEED,
        put=_of("sampling", "seed"),
        example="4, or 7, 11, 42",
    ),
    Parameter(
        name="strength",
        label="Denoise",
        kind=Kind.NUMBER,
        put=_of("sampling", "strength"),
        used=lambda abilities: abilities.uses_strength,
        example="0.4..1 x 4",
    ),
    Parameter(
        name="guidance_scale",
        label="CFG",
        kind=Kind.NUMBER,
        put=_of("sampling", "guidance_scale"),
        used=lambda abilities: abilities.uses_guidance,
        example="3, 5, 7, 9",
    ),
    Parameter(
        name="true_cfg_scale",
        label="True CFG",
        kind=Kind.NUMBER,
        put=_of("sampling", "true_cfg_scale"),
        used=lambda abilities: abilities.uses_true_cfg,
        example="1, 2, 4",
    ),
    Parameter(
        name="guidance_end",
        label="CFG until",
        kind=Kind.NUMBER,
        put=_of("speed", "guidance_end"),
        used=lambda abilities: abilities.uses_guidance_end,
        example="0.6, 0.8, 1",
    ),
    Parameter(
        name="refiner_switch_at",
        label="Refiner from",
        kind=Kind.NUMBER,
        put=_of("sampling", "refiner_switch_at"),
        used=lambda abilities: abilities.uses_refiner,
        example="0.6, 0.8, 1",
    ),
    Parameter(
        name="num_inference_steps",
        label="Steps",
        kind=Kind.WHOLE,
        put=_of("sampling", "num_inference_steps"),
        used=lambda abilities: abilities.uses_steps,
        example="10..40 x 4",
    ),
    Parameter(
        name="scheduler",
        label="Scheduler",
        kind=Kind.NAME,
        put=_of("sampling", "scheduler"),
        used=lambda abilities: bool(abilities.schedulers),
        example="euler, ddim, dpmpp_2m",
    ),
    Parameter(
        name="controlnet_conditioning_scale",
        label="Control weight",
        kind=Kind.NUMBER,
        put=_weights("controls", "controlnet_conditioning_scale"),
        used=lambda abilities: bool(abilities.controls),
        example="0.4..1.2 x 3",
    ),
    *CONTROL_PARAMETERS,
    Parameter(
        name="control_guidance_end",
        label="Control until",
        kind=Kind.NUMBER,
        put=_weights("controls", "control_guidance_end"),
        used=lambda abilities: bool(abilities.controls),
        example="0.4..1 x 3",
    ),
    *ANNOTATOR_PARAMETERS,
    Parameter(
        name="lora_scale",
        label="LoRA weight",
        kind=Kind.NUMBER,
        put=_weights("loras", "scale"),
        used=lambda abilities: bool(abilities.loras),
        example="0.4..1 x 4",
    ),
    Parameter(
        name="reference_scale",
        label="Reference weight",
        kind=Kind.NUMBER,
        put=_weights("references", "scale"),
        used=lambda abilities: bool(abilities.references),
        example="0.4..1 x 4",
    ),
    Parameter(
        name="fill_mode",
        label="Fill mode",
        kind=Kind.NAME,
        put=_put_fill_mode,
        used=lambda abilities: not abilities.uses_strength,
        example="remove, closest, balanced",
    ),
    Parameter(
        name="grow", label="Grow", kind=Kind.WHOLE, put=_of("mask", "grow"), example="0..12 x 4"
    ),
    Parameter(
        name="feather",
        label="Feather",
        kind=Kind.WHOLE,
        put=_of("mask", "feather"),
        example="0..12 x 4",
    ),
    Parameter(
        name="padding",
        label="Context padding",
        kind=Kind.WHOLE,
        put=_of("inpaint", "padding"),
        example="32..128 x 4",
    ),
    Parameter(
        name="colour_match",
        label="Colour match",
        kind=Kind.NAME,
        put=_put_colour_match,
        used=lambda abilities: abilities.uses_colour_match,
        example="off, offset, blend",
    ),
    Parameter(
        name="model",
        label="Model",
        kind=Kind.NAME,
        put=lambda request, value: replace(request, model=str(value)),
        example="model ids",
    ),
    Parameter(
        name="prompt",
        label="Prompt",
        kind=Kind.PROMPT,
        put=_of("sampling", "prompt"),
        used=lambda abilities: abilities.uses_prompt,
        example="a {red|blue} cup, [light]",
    ),
)
PARAMETERS: Mapping[str, Parameter] = MappingProxyType({item.name: item for item in _ALL})
