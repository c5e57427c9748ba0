"""What a model's text encoder will not read of a prompt, said instead of dropped silently."""

from typing import Any

from genimg_ui.backend.base import BackendJob
from genimg_ui.backend.diffusion.families import Family


def prompt_warnings(family: Family, pipe: Any, job: BackendJob) -> tuple[str, ...]:
    """One sentence for each text, or part of one, that has no effect."""
    sampling = job.resolved.request.sampling
    texts = {"prompt": sampling.prompt, "negative_prompt": sampling.negative_prompt}
    tokenizer, room = family.prompt_room(pipe)
    found = [_overlong(tokenizer, room, name, text) for name, text in texts.items()]
    if sampling.negative_prompt and sampling.guidance_scale <= 1:
        found.append("negative_prompt has no effect at guidance_scale 1: it needs a value above 1.")
    return tuple(sentence for sentence in found if sentence)


def _overlong(tokenizer: Any, room: int, name: str, text: str) -> str:
    tokens = tokenizer(text, add_special_tokens=False, truncation=False, verbose=False).input_ids
    if len(tokens) <= room:
        return ""
    lost = tokenizer.decode(tokens[room:]).strip()
    return f'{name} must have at most {room} tokens, got {len(tokens)}: "{lost}" was not read.'
