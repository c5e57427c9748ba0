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
    Reading,
)
from genimg_ui.backend.diffusion.families.flux import Flux, FluxFill
from genimg_ui.backend.diffusion.families.kandinsky import Kandinsky22
from genimg_ui.backend.diffusion.families.qwen import QwenImage, QwenImageEdit
from genimg_ui.backend.diffusion.families.sd import StableDiffusion, StableDiffusionXL
from genimg_ui.backend.diffusion.families.sd3 import StableDiffusion3
from genimg_ui.backend.diffusion.families.zimage import ZImage

__all__ = ["ADAPTERS", "Call", "ControlCall", "Family", "OnStep", "Output", "Pipeline", "Reading"]

_FAMILIES: tuple[Family, ...] = (
    StableDiffusion(),
    StableDiffusionXL(),
    StableDiffusion3(),
    Flux(),
    FluxFill(),
    QwenImage(),
    QwenImageEdit(),
    ZImage(),
    Kandinsky22(),
)
ADAPTERS: Mapping[str, Family] = MappingProxyType({family.id: family for family in _FAMILIES})
