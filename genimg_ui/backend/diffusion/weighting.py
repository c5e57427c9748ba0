"""Prompt weighting by compel: `(word)1.3`, `word++`, `("a", "b").blend(0.7, 0.3)`, `.and()`.

A prompt without such marks gives the very embeddings that the pipeline itself would make. One
that is longer than the encoder's 77 tokens is read in several passes, and so whole.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
from compel import Compel
from compel.convenience_wrappers import CompelForSD, CompelForSDXL
from compel.diffusers_textual_inversion_manager import DiffusersTextualInversionManager
from compel.prompt_parser import Blend, FlattenedPrompt

from genimg_ui.backend.diffusion.families import Family
from genimg_ui.core.request import SamplingParams
from genimg_ui.errors import RefusedInput

WEIGHERS: Mapping[str, Any] = MappingProxyType({"sd15": CompelForSD, "sdxl": CompelForSDXL})
_COLON = re.compile(r"\(([^():]*):\s*(\d+(?:\.\d+)?)\)")


def weighted_prompts(
    family: Family, pipe: Any, sampling: SamplingParams, *, inversions: bool
) -> dict[str, Any]:
    """The texts as embeddings, under the pipeline's own names, and no texts.

    `inversions`: whether embeddings of several vectors may stand in them. Raises RefusedInput.
    """
    if family.id not in WEIGHERS:
        raise RefusedInput(
            f"prompt_weighting is for {', '.join(WEIGHERS)} only, got {family.id}.",
            remedy="Switch it off.",
        )
    for name in ("prompt", "negative_prompt"):
        _check_marks(name, getattr(sampling, name))
    manager = DiffusersTextualInversionManager(pipe) if inversions else None
    weigh = WEIGHERS[family.id](pipe, textual_inversion_manager=manager, device=family.place(pipe))
    made = weigh(sampling.prompt, negative_prompt=sampling.negative_prompt)
    found = {
        "prompt_embeds": made.embeds,
        "negative_prompt_embeds": made.negative_embeds,
        "pooled_prompt_embeds": made.pooled_embeds,
        "negative_pooled_prompt_embeds": made.negative_pooled_embeds,
    }
    if not sampling.negative_prompt and pipe.config.get("force_zeros_for_empty_prompt"):
        for name in ("negative_prompt_embeds", "negative_pooled_prompt_embeds"):
            found[name] = torch.zeros_like(found[name])
    dtype = family.dtype(pipe)
    embeddings = {name: value.to(dtype) for name, value in found.items() if value is not None}
    return {"prompt": None, "negative_prompt": None, **embeddings}


def weighting_warnings(sampling: SamplingParams) -> list[str]:
    """Say where a weight is written as another program reads it."""
    found = []
    for name in ("prompt", "negative_prompt"):
        for words, weight in _COLON.findall(getattr(sampling, name)):
            found.append(
                f"{name}: ({words}:{weight}) is read as plain words; a weight is written "
                f"({words}){weight}."
            )
    return found


def _check_marks(name: str, text: str) -> None:
    """Refuse what compel would parse and then leave out."""
    conjunction = Compel.parse_prompt_string(text)
    if conjunction.lora_weights:
        raise RefusedInput(
            f"{name} names a LoRA (withLora), which is not read there.",
            remedy="Choose it in the list of LoRAs.",
        )
    for part in conjunction.prompts:
        prompts = part.prompts if isinstance(part, Blend) else [part]
        for prompt in prompts:
            if isinstance(prompt, FlattenedPrompt) and prompt.wants_cross_attention_control:
                raise RefusedInput(
                    f"{name} has .swap(), which is not done here.", remedy="Remove it."
                )
