"""What a person asks for: numbers and words only, frozen, JSON-able, without pixels.

The pixels travel beside it as `EditInputs`, by sha256, so that a log line names everything
that an edit used, and the run that it belongs to. `resolve` turns an `EditRequest` into a
`ResolvedRequest`, in which nothing is left open.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from genimg_ui.core.geometry import Box, Sides
from genimg_ui.core.speed import SpeedParams

SEED_LIMIT = 2**32  # seeds are drawn and accepted in [0, SEED_LIMIT)


class FillUnderMask(StrEnum):
    """What a model finds under the mask before it starts."""

    ORIGINAL = "original"
    """The source's own pixels: needed where strength < 1 shall keep something of them."""
    EXEMPLAR = "exemplar"
    """The exemplar engine's fill: removal, and a sensible start everywhere."""
    TELEA = "telea"
    """Smooth continuation of the surroundings (Telea 2004)."""
    BLUR = "blur"
    """A blurred version of the surroundings: colours without shapes."""
    NEUTRAL = "neutral"
    """Middle grey."""
    NOISE = "noise"
    """Seeded uniform noise."""


class FillMode(StrEnum):
    """How the exemplar engine fills (`auto` decides by the task)."""

    AUTO = "auto"
    REMOVE = "remove"
    EXTEND = "extend"
    BALANCED = "balanced"
    CLOSEST = "closest"


class ColourMatch(StrEnum):
    """How the colours of what an engine paints are brought to those around it."""

    OFF = "off"
    OFFSET = "offset"
    """One shift of all colours."""
    BLEND = "blend"
    """The low frequencies, place by place."""
    SEAM = "seam"
    """The same, and then the step that is left at the edge of the mask."""


class Region(StrEnum):
    """How much of the canvas is repainted."""

    MASK = "mask"
    """What is painted, and the border."""
    WHOLE = "whole"
    """Every pixel, beginning with the source's own: no mask is used and nothing is locked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingParams:
    """The sampler's knobs, under the names that diffusers gives them."""

    prompt: str = ""
    negative_prompt: str = ""
    strength: float = 1.0  # (0, 1]: 1 repaints wholly
    guidance_scale: float = 7.0  # [1, 30]: 1 is without classifier-free guidance
    true_cfg_scale: float = 1.0  # [1, 30]: the same of families whose guidance_scale is distilled
    num_inference_steps: int = 30  # [1, 150]
    refiner_switch_at: float = 0.8  # (0, 1]: share of the steps before a refiner; 1: without it
    scheduler: str = "default"  # `default` is the model's own
    seed: int | None = None  # None: drawn by `resolve`
    variants: int = 1  # [1, 16]; variant i uses seed + i
    anchor_step_noise: bool = False  # noise of the steps, too, belongs to the canvas
    prompt_weighting: bool = False  # reads (word)1.3 and word++, and long prompts whole


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskParams:
    """How the painted mask becomes the composite mask; in pixels of the source."""

    grow: int = 4  # negative shrinks
    feather: int = 4  # width of the ramp, inside the grown mask


@dataclass(frozen=True, slots=True, kw_only=True)
class InpaintParams:
    """What the engine sees around and under the mask."""

    fill: FillUnderMask = FillUnderMask.EXEMPLAR
    fill_mode: FillMode = FillMode.AUTO
    only_masked: bool = True  # False: the whole picture is the context
    padding: int = 64  # context around the mask, in pixels of the source
    box: Box | None = None  # context drawn by hand, from the source's top left; may be in a border
    colour_match: ColourMatch = ColourMatch.OFF
    anchor_context: bool = False  # the box holds still while the mask grows a little


@dataclass(frozen=True, slots=True, kw_only=True)
class PassParams:
    """How work is divided that is too large for one look of a model with a native size."""

    progressive: bool = False  # borders beyond half of the picture grow step by step
    overlap: int = 64  # what each pass shares with what is there already, in canvas pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlUnit:
    """One ControlNet: the kind names, in models.yaml, the weights.

    Its map is drawn from the picture by an annotator of that kind (`core.control`), or it is a
    ready one: `map` is then the sha256 of a stored picture as large as the source or the canvas.
    """

    kind: str
    controlnet_conditioning_scale: float = 1.0  # [0, 2]
    control_guidance_start: float = 0.0  # fraction of the steps, [0, 1)
    control_guidance_end: float = 1.0  # (start, 1]
    annotator: str = ""  # "": the usual one of the kind
    parameters: dict[str, float] = field(default_factory=dict)  # of the annotator; else defaults
    map: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraUnit:
    """One LoRA of the model's list in models.yaml, added for this edit."""

    name: str
    scale: float = 1.0  # [-2, 2]; 0 changes nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceUnit:
    """A picture that the result shall resemble; `kind` names the adapter in models.yaml.

    `picture` is the sha256 of a stored picture, of any size.
    """

    picture: str
    kind: str = "ip_adapter"
    scale: float = 1.0  # [0, 2]
    start: float = 0.0  # fraction of the steps, [0, 1)
    end: float = 1.0  # (start, 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditRequest:
    """Everything about an edit but its pixels."""

    model: str = "exemplar"
    sampling: SamplingParams = field(default_factory=SamplingParams)
    mask: MaskParams = field(default_factory=MaskParams)
    inpaint: InpaintParams = field(default_factory=InpaintParams)
    border: Sides = Sides()  # outpainting, in pixels of the source
    controls: tuple[ControlUnit, ...] = ()
    region: Region = Region.MASK
    upscale: int = 1  # 2 or 4: the result is so many times as wide and high as the source
    passes: PassParams = field(default_factory=PassParams)
    loras: tuple[LoraUnit, ...] = ()  # their order changes nothing
    references: tuple[ReferenceUnit, ...] = ()
    speed: SpeedParams = field(default_factory=SpeedParams)

    @property
    def maps(self) -> tuple[str, ...]:
        """The sha256 of every ready control map, in the order of the units."""
        return tuple(unit.map for unit in self.controls if unit.map is not None)

    @property
    def pictures(self) -> tuple[str, ...]:
        """The sha256 of every stored picture that the request itself names."""
        return (*self.maps, *(unit.picture for unit in self.references))


@dataclass(frozen=True, slots=True, kw_only=True)
class EditGroup:
    """The run that an edit belongs to: seeds of one request, or the cells of a sweep.

    `cell` says what this edit varies, by the parameter's name, as a person reads it. `position`
    counts the cells of the run from 0, row by row.
    """

    id: str
    cell: dict[str, str] = field(default_factory=dict)
    position: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EditInputs:
    """What an edit takes beside its request: pixels, each by the sha256 of its stored file.

    `mask` is absent where only a border is painted; `group` where the edit stands alone.
    """

    source: str
    mask: str | None = None
    group: EditGroup | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedRequest:
    """An `EditRequest` in which nothing is open: seed drawn, scheduler named, limits checked."""

    request: EditRequest
    seeds: tuple[int, ...]  # one for each variant
    scheduler: str  # "" for engines without one
    fill_mode: FillMode  # never AUTO
