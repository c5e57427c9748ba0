"""What an entry of models.yaml need not say, because its family says it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from genimg_ui.core.request import ColourMatch
from genimg_ui.core.speed import StepCache
from genimg_ui.core.tasks import MASKED, Task
from genimg_ui.registry.spec import DEFAULT_SCHEDULER, FLOW_SCHEDULERS, SCHEDULERS

_SAMPLER: dict[str, Any] = {
    "uses_guidance_end": True,
    "size_multiple": 8,  # the VAE of both families shrinks by 8
    "uses_prompt": True,
    "uses_strength": True,
    "uses_guidance": True,
    "uses_steps": True,
    "uses_fill": True,
    "uses_colour_match": True,
    "default_colour_match": ColourMatch.BLEND,
    "schedulers": (DEFAULT_SCHEDULER, *(n for n in SCHEDULERS if n not in FLOW_SCHEDULERS)),
}
_WEIGHTED = {"uses_prompt_weighting": True}  # by compel, which reads CLIP
_FLOW: dict[str, Any] = {
    "uses_guidance_end": True,
    "size_multiple": 16,  # a VAE that shrinks by 8, a transformer that reads 2 × 2 cells at once
    "native_size": 1024,
    "uses_prompt": True,
    "uses_strength": True,
    "uses_steps": True,
    "uses_fill": True,
    "uses_colour_match": True,
    "default_colour_match": ColourMatch.BLEND,
    "schedulers": (DEFAULT_SCHEDULER, *FLOW_SCHEDULERS),
}
# The guidance is distilled into the network, and real guidance can be added.
_FLUX: dict[str, Any] = _FLOW | {
    "step_caches": (StepCache.FIRST_BLOCK, StepCache.TAYLORSEER, StepCache.MAGCACHE),
    "uses_guidance": True,
    "uses_true_cfg": True,
    "memory_gib": 34.0,
    "default_guidance_scale": 3.5,
    "default_steps": 28,
}
_QWEN: dict[str, Any] = _FLOW | {
    "step_caches": (StepCache.FIRST_BLOCK, StepCache.TAYLORSEER),
    "uses_true_cfg": True,
    "memory_gib": 58.0,
    "default_true_cfg_scale": 4.0,
    "default_steps": 50,
}
# What an entry need not say. Memory for the weights as they are run, in 16 bits, with a little
# for the work at the native size.
FAMILIES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "sd15": _SAMPLER
        | {"native_size": 512, "memory_gib": 4.0, "default_guidance_scale": 7.5}
        | _WEIGHTED,
        "sdxl": _SAMPLER
        | {"native_size": 1024, "memory_gib": 10.0, "default_guidance_scale": 7.0}
        | _WEIGHTED,
        "sd3": _FLOW
        | {
            "uses_guidance": True,
            "memory_gib": 18.0,
            "default_guidance_scale": 5.0,
            "default_steps": 28,
        },
        "flux": _FLUX,
        # Reads the mask itself; its authors' pipeline knows no negative prompt.
        "flux-fill": _FLUX
        | {
            "uses_true_cfg": False,
            "uses_guidance_end": False,
            "step_caches": (StepCache.FIRST_BLOCK, StepCache.TAYLORSEER),  # no one measured errors
            "uses_negative_prompt": False,
            "default_guidance_scale": 30.0,
            "default_steps": 50,
        },
        "qwen-image": _QWEN,
        "qwen-image-edit": _QWEN,
        # Prior and decoder together; the sizes of its latents are multiples of 8 cells.
        "kandinsky22": _SAMPLER
        | {
            "size_multiple": 64,
            "native_size": 768,
            "memory_gib": 10.0,
            "uses_strength": False,
            "uses_fill": False,
            "default_guidance_scale": 4.0,
            "default_steps": 50,
            "schedulers": (DEFAULT_SCHEDULER, "ddpm", "ddim"),
        },
        "z-image": _FLOW
        | {
            "uses_guidance": True,
            "memory_gib": 21.0,
            "default_guidance_scale": 5.0,
            "default_steps": 40,
        },
    }
)
# What an entry need not say because its engine says it.
ENGINE_DEFAULTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "exemplar": {"tasks": MASKED},
        "lanczos": {"tasks": (Task.UPSCALE,), "uses_seed": False},
        "diffusers": {},
        "spandrel": {"tasks": (Task.UPSCALE,), "uses_seed": False},
        # Trained on small crops of any scale: larger regions are reduced, smaller ones left alone,
        # since enlarging would blur what lies under the mask into the pixels beside it.
        "completion": {
            "tasks": MASKED,
            "uses_seed": False,
            "native_size": 256,
            "enlarges": False,
            "size_multiple": 8,
            "context_ratio": 1.0,
            "memory_gib": 1.0,
        },
    }
)
# And where patches follow the network, which is then shown a reduced crop of its own.
PATCHED: Mapping[str, Any] = MappingProxyType(
    {"uses_seed": True, "native_size": 0, "size_multiple": 1}
)
