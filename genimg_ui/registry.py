"""models.yaml → ModelSpec: which models there are, and what each can do.

Capabilities are data: no code asks for a model's name.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One entry of models.yaml. Sizes in pixels, memory in GiB."""

    id: str
    title: str
    engine: str  # exemplar | diffusers
    licence: str
    family: str = ""  # sd15 | sdxl; empty for engines without families
    source: str = ""  # hub id or local folder; empty for embedded engines
    revision: str | None = None
    variant: str | None = None
    native_size: int = 0  # side of the square that the model was trained on; 0: any size
    size_multiple: int = 1
    memory_gib: float = 0.0
    uses_prompt: bool = False
    uses_strength: bool = False
    uses_guidance: bool = False
    uses_steps: bool = False
    uses_fill: bool = False  # whether the fill under the mask matters to it
    context_ratio: float = 0.0  # context beside the mask as a multiple of the mask's longer side
    schedulers: tuple[str, ...] = ()  # first is the default
    controls: tuple[tuple[str, str], ...] = ()  # (kind, hub id or folder of its ControlNet)
    note: str = ""
    default_strength: float = 1.0
    default_guidance_scale: float = 7.0
    default_steps: int = 30
