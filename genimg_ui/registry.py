"""models.yaml → ModelSpec: which models there are, and what each can do.

Capabilities are data: no code asks for a model's name. A family supplies what an entry leaves
out. Every error names the file, the line and the key.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from genimg_ui import weights
from genimg_ui.core.resolve import Abilities
from genimg_ui.errors import RefusedInput
from genimg_ui.yaml_reader import YamlReader, compose, shown

ENGINES = ("exemplar", "diffusers")

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
    }
)
DEFAULT_SCHEDULER = "default"  # the model's own


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
    download_gib: float = 0.0  # 0: unknown
    uses_prompt: bool = False
    uses_strength: bool = False
    uses_guidance: bool = False
    uses_steps: bool = False
    uses_fill: bool = False  # whether the fill under the mask matters to it
    context_ratio: float = 0.0  # context beside the mask as a multiple of the mask's longer side
    schedulers: tuple[str, ...] = ()  # first is the default
    controls: tuple[tuple[str, str], ...] = ()  # (kind, hub id or folder of its ControlNet)
    lora: str = ""  # hub id or folder of a LoRA that is fused into the weights
    lora_scale: float = 1.0  # its weight, [0, 2]
    note: str = ""
    default_strength: float = 1.0
    default_guidance_scale: float = 7.0
    default_steps: int = 30


@dataclass(frozen=True, slots=True)
class Registry:
    """All models of one models.yaml, in its order."""

    models: tuple[ModelSpec, ...]
    default: str

    def all(self) -> tuple[ModelSpec, ...]:
        return self.models

    def get(self, model_id: str) -> ModelSpec:
        for spec in self.models:
            if spec.id == model_id:
                return spec
        known = ", ".join(spec.id for spec in self.models)
        raise RefusedInput(f'model must be one of {known}, got "{model_id}"')


def load_registry(path: Path) -> Registry:
    """Read models.yaml, or refuse it in one sentence."""
    root = compose(path)
    reader = YamlReader(path)
    top = dict(reader.items(root, "", allowed=("default", "models")))
    if "models" not in top:
        reader.refuse(root, "models", "is missing")
    specs = tuple(_model(reader, key, node) for key, node in reader.items(top["models"], "models"))
    if not specs:
        reader.refuse(top["models"], "models", "must name at least one model, got none")
    ids = tuple(spec.id for spec in specs)
    if "default" not in top:
        return Registry(specs, ids[0])
    return Registry(specs, reader.choice(top["default"], "default", ids))


def availability(spec: ModelSpec, *, safety: bool = False) -> str | None:
    """Why the model cannot be used here, in one sentence; None if it can.

    With `safety` its safety checker must be there as well, where the model has one.
    """
    if not spec.source:
        return None
    lack = _lack(spec, safety=safety)
    if lack is None:
        return None
    if not weights.is_hub_id(spec.source):
        return f"{spec.title} cannot be used: {lack}."
    if weights.hub_reachable():
        return None  # it is downloaded at its first use
    return (
        f"{spec.title} needs a download of {download_size(spec)} from the Hugging Face hub, which "
        f"cannot be reached from here ({lack}); the embedded engine `exemplar` works without."
    )


def download_size(spec: ModelSpec) -> str:
    """How much must be fetched, in words."""
    return f"about {spec.download_gib:g} GB" if spec.download_gib else "several GB"


def _lack(spec: ModelSpec, *, safety: bool) -> str | None:
    folder = weights.local_folder(spec.source, spec.revision)
    if folder is None:
        if weights.is_hub_id(spec.source):
            return "its weights are not on this machine"
        return f"the folder {spec.source} does not exist"
    lack = weights.missing_part(folder, spec.variant, safety=safety)
    if lack is not None:
        return f"the folder {folder} {lack}"
    if spec.lora and weights.local_folder(spec.lora) is None:
        return f"its LoRA {spec.lora} is not on this machine"
    return None


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


def _schedulers(reader: YamlReader, node: yaml.Node, key: str) -> tuple[str, ...]:
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        reader.refuse(node, key, f"must be a list of names, got {shown(node)}")
    allowed = (DEFAULT_SCHEDULER, *SCHEDULERS)
    return tuple(reader.choice(item, key, allowed) for item in node.value)


def _controls(reader: YamlReader, node: yaml.Node, key: str) -> tuple[tuple[str, str], ...]:
    pairs = reader.items(node, key)
    return tuple((kind, reader.source(value, f"{key}.{kind}")) for kind, value in pairs)


_Parse = Callable[[YamlReader, yaml.Node, str], Any]
_FIELDS: dict[str, _Parse] = {
    "title": YamlReader.text,
    "engine": lambda r, n, k: r.choice(n, k, ENGINES),
    "licence": YamlReader.text,
    "family": lambda r, n, k: r.choice(n, k, tuple(FAMILIES)),
    "source": YamlReader.source,
    "revision": YamlReader.text,
    "variant": YamlReader.text,
    "native_size": lambda r, n, k: r.whole(n, k, low=0, high=4096),
    "size_multiple": lambda r, n, k: r.whole(n, k, low=1, high=128),
    "memory_gib": lambda r, n, k: r.number(n, k, low=0, high=1024),
    "download_gib": lambda r, n, k: r.number(n, k, low=0, high=1024),
    "uses_prompt": YamlReader.flag,
    "uses_strength": YamlReader.flag,
    "uses_guidance": YamlReader.flag,
    "uses_steps": YamlReader.flag,
    "uses_fill": YamlReader.flag,
    "context_ratio": lambda r, n, k: r.number(n, k, low=0, high=10),
    "schedulers": _schedulers,
    "controls": _controls,
    "lora": YamlReader.source,
    "lora_scale": lambda r, n, k: r.number(n, k, low=0, high=2),
    "note": YamlReader.text,
    "default_strength": lambda r, n, k: r.number(n, k, low=0.01, high=1),
    "default_guidance_scale": lambda r, n, k: r.number(n, k, low=1, high=30),
    "default_steps": lambda r, n, k: r.whole(n, k, low=1, high=150),
}


def _model(reader: YamlReader, model_id: str, node: yaml.Node) -> ModelSpec:
    key = f"models.{model_id}"
    if isinstance(node, yaml.ScalarNode):
        own: dict[str, Any] = {"source": reader.source(node, key)}
    else:
        pairs = reader.items(node, key, allowed=tuple(_FIELDS))
        own = {name: _FIELDS[name](reader, value, f"{key}.{name}") for name, value in pairs}
    engine = own.setdefault("engine", "diffusers")
    if engine == "diffusers":
        if "source" not in own:
            reader.refuse(node, f"{key}.source", "is missing: a hub id or a folder")
        own.setdefault("family", _family(own["source"], own.get("revision")))
        own = dict(FAMILIES[own["family"]]) | own
    elif "source" in own:
        reader.refuse(node, f"{key}.source", f"is not used by the engine {engine}")
    named = {"title": own.get("source", model_id), "licence": "not stated: see the model's page"}
    return ModelSpec(id=model_id, **(named | own))


def _family(source: str, revision: str | None) -> str:
    """By the index on disk; else by the name. The loader refuses a guess that proves wrong."""
    folder = weights.local_folder(source, revision)
    known = None if folder is None else weights.recognise_family(folder)
    return known or ("sdxl" if "xl" in Path(source).name.lower() else "sd15")


def abilities(spec: ModelSpec) -> Abilities:
    """What `core.resolve` must know of a model."""
    return Abilities(
        id=spec.id,
        title=spec.title,
        uses_prompt=spec.uses_prompt,
        uses_strength=spec.uses_strength,
        uses_guidance=spec.uses_guidance,
        uses_steps=spec.uses_steps,
        schedulers=spec.schedulers,
        controls=tuple(kind for kind, _ in spec.controls),
    )
