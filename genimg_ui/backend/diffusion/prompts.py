"""What a model's text encoder will not read of a prompt, said instead of dropped silently."""

from typing import Any

from genimg_ui.backend.base import BackendJob
from genimg_ui.backend.diffusion.families import Family
from genimg_ui.backend.diffusion.weighting import weighting_warnings
from genimg_ui.core.request import SamplingParams
from genimg_ui.registry import ModelSpec


def prompt_warnings(family: Family, pipe: Any, job: BackendJob) -> tuple[str, ...]:
    """One sentence for each text, or part of one, that has no effect."""
    sampling = job.resolved.request.sampling
    texts = {"prompt": sampling.prompt, "negative_prompt": sampling.negative_prompt}
    tokenizer, room = family.prompt_room(pipe)
    if sampling.prompt_weighting:  # which reads every word
        found = weighting_warnings(sampling)
        if job.spec.refiner and sampling.refiner_switch_at < 1:
            found.append("The refiner reads the prompt as plain text, without its weights.")
    else:
        found = [_overlong(tokenizer, room, name, text) for name, text in texts.items()]
    found += _unguided(job.spec, sampling)
    return tuple(sentence for sentence in found if sentence)


def _unguided(spec: ModelSpec, sampling: SamplingParams) -> list[str]:
    """What of guidance and negative prompt does nothing."""
    found = []
    if sampling.true_cfg_scale > 1 and not spec.uses_true_cfg:
        found.append(
            f"true_cfg_scale {sampling.true_cfg_scale:g} has no effect: {spec.title} has none."
        )
    if not sampling.negative_prompt:
        return found
    if not spec.uses_negative_prompt:
        return [*found, f"negative_prompt has no effect: {spec.title} reads none."]
    name = "true_cfg_scale" if spec.uses_true_cfg else "guidance_scale"
    if getattr(sampling, name) <= 1:
        found.append(f"negative_prompt has no effect at {name} 1: it needs a value above 1.")
    return found


def _overlong(tokenizer: Any, room: int, name: str, text: str) -> str:
    tokens = tokenizer(text, add_special_tokens=False, truncation=False, verbose=False).input_ids
    if len(tokens) <= room:
        return ""
    lost = tokenizer.decode(tokens[room:]).strip()
    return f'{name} must have at most {room} tokens, got {len(tokens)}: "{lost}" was not read.'
