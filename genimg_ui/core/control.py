"""Which controls a request may have: kinds, annotators, numbers, and how many at once."""

from collections.abc import Sequence

from genimg_ui.core.annotators import ANNOTATORS, KINDS, Annotator
from genimg_ui.core.request import ControlUnit
from genimg_ui.core.values import check_range
from genimg_ui.errors import RefusedInput

MAX_UNITS = 3  # ControlNets at once: each costs about 0.4 of a step of the model


def annotators_of(kind: str) -> tuple[Annotator, ...]:
    """The annotators of a kind, the usual one first; empty for a kind that is unknown here."""
    return tuple(item for item in ANNOTATORS.values() if item.kind == kind)


def annotator_of(unit: ControlUnit) -> Annotator:
    """What draws the map of a unit that brings none; raises RefusedInput."""
    found = annotators_of(unit.kind)
    if not found:
        raise RefusedInput(
            f"Nothing here draws a map of the kind {unit.kind!r} (known: {', '.join(KINDS)}).",
            remedy="Upload a ready map.",
        )
    if not unit.annotator:
        return found[0]
    for item in found:
        if item.name == unit.annotator:
            return item
    names = ", ".join(item.name for item in found)
    raise RefusedInput(f"annotator of {unit.kind} must be one of {names}, got {unit.annotator!r}.")


def check_unit(unit: ControlUnit) -> None:
    """Refuse an annotator, a parameter or a map that cannot be meant; raises RefusedInput."""
    if unit.map is None:
        annotator_of(unit).values(unit.parameters)
        return
    if unit.annotator or unit.parameters:
        raise RefusedInput(
            f"A ready map is shown as it is: the control {unit.kind} may name no annotator and no "
            f"parameters beside it, got {unit.annotator or ', '.join(unit.parameters)!r}."
        )


def check_controls(units: Sequence[ControlUnit], offered: Sequence[str], title: str) -> None:
    """Refuse what the model `title`, which has ControlNets for `offered`, cannot be asked for."""
    if len(units) > MAX_UNITS:
        raise RefusedInput(f"At most {MAX_UNITS} controls work together, got {len(units)}.")
    for unit in units:
        if unit.kind not in offered:
            known = ", ".join(offered) or "none"
            raise RefusedInput(
                f"{title} takes these controls: {known}; got {unit.kind!r}.",
                remedy="Remove the control or choose another model.",
            )
        _check_numbers(unit)
        check_unit(unit)


def _check_numbers(unit: ControlUnit) -> None:
    start, end = unit.control_guidance_start, unit.control_guidance_end
    check_range("controlnet_conditioning_scale", unit.controlnet_conditioning_scale, 0, 2)
    check_range("control_guidance_start", start, 0, 1)
    check_range("control_guidance_end", end, 0, 1, open_low=True)
    if start >= end:
        raise RefusedInput(
            f"control_guidance_start must be below control_guidance_end, got {start:g} and {end:g}."
        )
