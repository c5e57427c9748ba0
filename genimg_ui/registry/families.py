"""What an entry of models.yaml need not say, because its family says it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from genimg_ui.core.tasks import MASKED, Task
from genimg_ui.registry.spec import DEFAULT_SCHEDULER, SCHEDULERS

_SAMPLER: dict[str, Any] = {
    "size_multiple": 8,  # the VAE of both families shrinks by 8
    "uses_prompt": True,
    "uses_strength": True,
    "uses_guidance": True,
    "uses_steps": True,
    "uses_fill": True,
    "schedulers": (DEFAULT_SCHEDULER, *SCHEDULERS),
}
# What an entry need not say. Weights in float16, as published.
FAMILIES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "sd15": _SAMPLER | {"native_size": 512, "memory_gib": 4.0, "default_guidance_scale": 7.5},
        "sdxl": _SAMPLER | {"native_size": 1024, "memory_gib": 10.0, "default_guidance_scale": 7.0},
    }
)
# What an entry need not say because its engine says it.
ENGINE_DEFAULTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "exemplar": {"tasks": MASKED},
        "lanczos": {"tasks": (Task.UPSCALE,), "uses_seed": False},
        "diffusers": {},
        "spandrel": {"tasks": (Task.UPSCALE,), "uses_seed": False},
    }
)
