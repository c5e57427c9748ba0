"""The adapters of all families, by the name that models.yaml gives them."""

from collections.abc import Mapping
from types import MappingProxyType

from genimg_ui.backend.diffusion.families.base import (
    Call,
    ControlCall,
    Family,
    OnStep,
    Output,
    Pipeline,
)
from genimg_ui.backend.diffusion.families.sd import StableDiffusion, StableDiffusionXL

__all__ = ["ADAPTERS", "Call", "ControlCall", "Family", "OnStep", "Output", "Pipeline"]

ADAPTERS: Mapping[str, Family] = MappingProxyType(
    {family.id: family for family in (StableDiffusion(), StableDiffusionXL())}
)
