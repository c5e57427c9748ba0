"""What the program knows of a model: one entry of models.yaml as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from genimg_ui.core.request import (
    ColourMatch,
    EditRequest,
    InpaintParams,
    PassParams,
    SamplingParams,
)
from genimg_ui.core.resolve import Abilities
from genimg_ui.core.tasks import EVERY_TASK, Task
from genimg_ui.errors import RefusedInput
from genimg_ui.registry.adapters import EmbeddingSpec, LoraSpec, ReferenceSpec

ENGINES = ("exemplar", "lanczos", "diffusers", "spandrel", "completion")

# Name in requests, logs and on the command line → what people call it.
SCHEDULERS: Mapping[str, str] = MappingProxyType(
    {
        "euler": "Euler",
        "euler_a": "Euler a",
        "dpmpp_2m": "DPM++ 2M",
        "dpmpp_2m_karras": "DPM++ 2M Karras",
        "unipc": "UniPC",
        "ddim": "DDIM",
        "ddpm": "DDPM",
        "pndm": "PNDM",
        "heun": "Heun",
        "lcm": "LCM",
        "deis": "DEIS",
        "dpmpp_2m_sde": "DPM++ 2M SDE",
        "dpmpp_2m_sde_karras": "DPM++ 2M SDE Karras",
        "dpmpp_sde": "DPM++ SDE",
        "dpmpp_sde_karras": "DPM++ SDE Karras",
        "tcd": "TCD",
        "euler_trailing": "Euler, trailing (Lightning)",
        "ddim_trailing": "DDIM, trailing (Hyper)",
        "flow_euler": "Flow Euler",
        "flow_heun": "Flow Heun",
    }
)
# Those of flow matching; the others are of networks that predict noise.
FLOW_SCHEDULERS = ("flow_euler", "flow_heun")
DEFAULT_SCHEDULER = "default"  # the model's own


class Texture(StrEnum):
    """Whose texture a fill by a completion network has."""

    NETWORK = "network"  # what it paints, and nothing else
    PATCHES = "patches"  # the picture's own: patches follow what it paints


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One entry of models.yaml. Sizes in pixels, memory in GiB."""

    id: str
    title: str
    engine: str  # one of ENGINES
    licence: str
    family: str = ""  # one of FAMILIES; empty for engines without families
    source: str = ""  # hub id or local folder; empty for embedded engines
    config: str = ""  # hub id or folder whose configuration a single file shares
    refiner: str = ""  # hub id or folder of the model that runs the last steps (sdxl)
    prior: str = ""  # hub id or folder of what turns the prompt into an image embedding
    allow_pickle: bool = False  # whether weights that are no safetensors may be read
    revision: str | None = None
    variant: str | None = None
    quantisation: tuple[tuple[str, str], ...] = ()  # (network, method of registry.quantisation)
    native_size: int = 0  # side of the square that the model was trained on; 0: any size
    enlarges: bool = True  # whether smaller regions are enlarged to native_size
    size_multiple: int = 1
    memory_gib: float = 0.0
    download_gib: float = 0.0  # 0: unknown
    non_commercial: bool = False  # its licence must be accepted once
    uses_prompt: bool = False
    uses_strength: bool = False
    uses_guidance: bool = False
    uses_true_cfg: bool = False  # true_cfg_scale: guidance beside, or instead of, guidance_scale
    uses_negative_prompt: bool = True  # where it reads a prompt
    uses_guidance_end: bool = False  # whether guidance runs it twice, which can stop early
    step_caches: tuple[str, ...] = ()  # what its transformer can take over from the step before
    compile: bool = False  # whether its repeated blocks are compiled at the first edit
    preview: str = ""  # hub id or folder of a tiny autoencoder that draws previews
    uses_steps: bool = False
    uses_fill: bool = False  # whether the fill under the mask matters to it
    context_ratio: float = 0.0  # context beside the mask as a multiple of the mask's longer side
    schedulers: tuple[str, ...] = ()  # first is the default
    controls: tuple[tuple[str, str], ...] = ()  # (kind, hub id or folder of its ControlNet)
    lora: str = ""  # hub id or folder of a LoRA that is fused into the weights
    lora_scale: float = 1.0  # its weight, [0, 2]
    loras: tuple[LoraSpec, ...] = ()  # among which an edit chooses
    embeddings: tuple[EmbeddingSpec, ...] = ()
    references: tuple[ReferenceSpec, ...] = ()
    uses_prompt_weighting: bool = False
    texture: Texture = Texture.NETWORK  # of a completion network's fill
    note: str = ""
    default_strength: float = 1.0
    default_guidance_scale: float = 7.0
    default_true_cfg_scale: float = 1.0
    default_steps: int = 30
    tasks: tuple[Task, ...] = EVERY_TASK
    scale: int = 0  # an upscaler's own factor; 0: any
    uses_seed: bool = True  # False: every seed gives the same picture
    uses_colour_match: bool = False  # whether it repaints known pixels too, which can be compared
    default_colour_match: ColourMatch = ColourMatch.OFF
    file: str = ""  # name of the weights in `source`, for engines that read a single file

    @property
    def patched(self) -> bool:
        """Whether patches of the picture follow its network; then it runs on the CPU."""
        return self.texture is Texture.PATCHES

    @property
    def usual_guidance_scale(self) -> float:
        """What a person begins with: 1, which is none, where a sampler runs without guidance."""
        without = self.uses_steps and not self.uses_guidance
        return 1.0 if without else self.default_guidance_scale


@dataclass(frozen=True, slots=True)
class Registry:
    """All models of models.yaml, in its order, and after them those that a person has added."""

    models: tuple[ModelSpec, ...]
    default: str
    added: frozenset[str] = frozenset()  # ids that stand in the person's own file
    annotators: Mapping[str, str] = field(default_factory=dict)  # name → where its weights lie

    def all(self) -> tuple[ModelSpec, ...]:
        return self.models

    def get(self, model_id: str) -> ModelSpec:
        for spec in self.models:
            if spec.id == model_id:
                return spec
        known = ", ".join(spec.id for spec in self.models)
        raise RefusedInput(f'model must be one of {known}, got "{model_id}"')


def first_request(spec: ModelSpec) -> EditRequest:
    """What a person begins with: the model's own recommended values."""
    return EditRequest(
        model=spec.id,
        sampling=SamplingParams(
            strength=spec.default_strength,
            guidance_scale=spec.usual_guidance_scale,
            true_cfg_scale=spec.default_true_cfg_scale,
            num_inference_steps=spec.default_steps,
            anchor_step_noise=True,
        ),
        inpaint=InpaintParams(colour_match=spec.default_colour_match, anchor_context=True),
        passes=PassParams(progressive=True),
    )


def abilities(spec: ModelSpec) -> Abilities:
    """What `core.resolve` must know of a model."""
    return Abilities(
        id=spec.id,
        title=spec.title,
        uses_prompt=spec.uses_prompt,
        uses_strength=spec.uses_strength,
        uses_guidance=spec.uses_guidance,
        uses_true_cfg=spec.uses_true_cfg,
        uses_guidance_end=spec.uses_guidance_end and (spec.uses_guidance or spec.uses_true_cfg),
        step_caches=spec.step_caches,
        uses_refiner=bool(spec.refiner),
        uses_steps=spec.uses_steps,
        schedulers=spec.schedulers,
        controls=tuple(kind for kind, _ in spec.controls),
        tasks=spec.tasks,
        native_size=spec.native_size,
        size_multiple=spec.size_multiple,
        scale=spec.scale,
        uses_seed=spec.uses_seed,
        uses_colour_match=spec.uses_colour_match,
        uses_prompt_weighting=spec.uses_prompt_weighting,
        loras=tuple(lora.offer for lora in spec.loras),
        references=tuple(reference.kind for reference in spec.references),
    )
