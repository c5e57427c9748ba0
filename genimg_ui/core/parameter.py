"""What one parameter of a run is, beside its values: its name, its kind, and where it goes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from genimg_ui.core.request import EditRequest
from genimg_ui.core.resolve import Abilities

Value = str | int | float


class Kind(StrEnum):
    """What the values of a parameter are."""

    NUMBER = "number"
    WHOLE = "whole"
    NAME = "name"
    SEED = "seed"
    PROMPT = "prompt"


# Numbers of units: the part of the request that holds them, and what one is called.
WEIGHTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "controlnet_conditioning_scale": ("controls", "control"),
        "control_guidance_end": ("controls", "control"),
        "lora_scale": ("loras", "LoRA"),
        "reference_scale": ("references", "reference"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One swept parameter: what people call it, how it is read, and where it goes."""

    name: str
    label: str
    kind: Kind
    put: Callable[[EditRequest, Value], EditRequest]
    used: Callable[[Abilities], bool] = lambda _: True
    example: str = ""
    needs: Callable[[EditRequest], str] = lambda _: ""  # a sentence where the request lacks a unit

    def lack(self, request: EditRequest, abilities: Abilities) -> str | None:
        """Why varying this would change nothing, in a sentence; None where it does."""
        if not self.used(abilities):
            return f"{abilities.title} does not use {self.label}."
        part, noun = WEIGHTS.get(self.name, ("", ""))
        if part and not getattr(request, part):
            return f"{self.label} can vary only where a {noun} is chosen, and none is."
        return self.needs(request) or None
