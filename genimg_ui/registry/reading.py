"""models.yaml → Registry. Every error names the file, the line and the key.

Capabilities are data: no code asks for a model's name. A family supplies what an entry leaves
out.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from genimg_ui.core.annotators import ANNOTATORS
from genimg_ui.core.request import ColourMatch
from genimg_ui.core.speed import StepCache
from genimg_ui.core.tasks import EVERY_TASK, UPSCALES, Task
from genimg_ui.errors import ModelUnavailable, RefusedInput
from genimg_ui.registry.adapter_reading import (
    misplaced,
    read_embeddings,
    read_loras,
    read_references,
)
from genimg_ui.registry.families import ENGINE_DEFAULTS, FAMILIES, PATCHED
from genimg_ui.registry.quantisation import METHODS, NETWORKS
from genimg_ui.registry.spec import (
    DEFAULT_SCHEDULER,
    ENGINES,
    SCHEDULERS,
    ModelSpec,
    Registry,
    Texture,
)
from genimg_ui.weights import folders, recognise
from genimg_ui.yaml_reader import YamlReader, compose, shown


def load_registry(path: Path, own: Path | None = None) -> Registry:
    """Read models.yaml, or refuse it in one sentence.

    `own` is a file with entries that a person has added, under `models`; it need not be there.
    """
    registry = _load(path)
    if own is None or not own.is_file():
        return registry
    taken = {spec.id for spec in registry.models}
    added = load_own(own)
    for spec in added:
        if spec.id in taken:
            raise RefusedInput(
                f"{own.name}: models.{spec.id} is the name of a model of {path.name} already."
            )
    ids = frozenset(spec.id for spec in added)
    return replace(registry, models=(*registry.models, *added), added=ids)


def load_own(path: Path) -> tuple[ModelSpec, ...]:
    """The entries of a person's own file; raises RefusedInput."""
    reader = YamlReader(path)
    top = dict(reader.items(compose(path), "", allowed=("models",)))
    if "models" not in top:
        return ()
    return tuple(_model(reader, key, node) for key, node in reader.items(top["models"], "models"))


def _load(path: Path) -> Registry:
    root = compose(path)
    reader = YamlReader(path)
    top = dict(reader.items(root, "", allowed=("default", "models", "annotators")))
    if "models" not in top:
        reader.refuse(root, "models", "is missing")
    specs = tuple(_model(reader, key, node) for key, node in reader.items(top["models"], "models"))
    if not specs:
        reader.refuse(top["models"], "models", "must name at least one model, got none")
    ids = tuple(spec.id for spec in specs)
    default = reader.choice(top["default"], "default", ids) if "default" in top else ids[0]
    return Registry(specs, default, annotators=_annotators(reader, top.get("annotators")))


def _annotators(reader: YamlReader, node: yaml.Node | None) -> dict[str, str]:
    """Where the weights of annotators lie, if not where they are published."""
    if node is None:
        return {}
    known = tuple(name for name, annotator in ANNOTATORS.items() if annotator.source)
    pairs = reader.items(node, "annotators", allowed=known)
    return {name: reader.source(value, f"annotators.{name}") for name, value in pairs}


def _schedulers(reader: YamlReader, node: yaml.Node, key: str) -> tuple[str, ...]:
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        reader.refuse(node, key, f"must be a list of names, got {shown(node)}")
    allowed = (DEFAULT_SCHEDULER, *SCHEDULERS)
    return tuple(reader.choice(item, key, allowed) for item in node.value)


def _controls(reader: YamlReader, node: yaml.Node, key: str) -> tuple[tuple[str, str], ...]:
    pairs = reader.items(node, key)
    return tuple((kind, reader.source(value, f"{key}.{kind}")) for kind, value in pairs)


def _quantisation(reader: YamlReader, node: yaml.Node, key: str) -> tuple[tuple[str, str], ...]:
    pairs = reader.items(node, key, allowed=NETWORKS)
    return tuple(
        (name, reader.choice(value, f"{key}.{name}", tuple(METHODS))) for name, value in pairs
    )


def _tasks(reader: YamlReader, node: yaml.Node, key: str) -> tuple[Task, ...]:
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        reader.refuse(node, key, f"must be a list of tasks, got {shown(node)}")
    return tuple(Task(reader.choice(item, key, EVERY_TASK)) for item in node.value)


def _step_caches(reader: YamlReader, node: yaml.Node, key: str) -> tuple[StepCache, ...]:
    if not isinstance(node, yaml.SequenceNode):
        reader.refuse(node, key, f"must be a list of names, got {shown(node)}")
    allowed = tuple(name for name in StepCache if name is not StepCache.OFF)
    return tuple(StepCache(reader.choice(item, key, allowed)) for item in node.value)


def _scale(reader: YamlReader, node: yaml.Node, key: str) -> int:
    return int(reader.choice(node, key, tuple(map(str, UPSCALES))))


_Parse = Callable[[YamlReader, yaml.Node, str], Any]
_FIELDS: dict[str, _Parse] = {
    "title": YamlReader.text,
    "engine": lambda r, n, k: r.choice(n, k, ENGINES),
    "licence": YamlReader.text,
    "non_commercial": YamlReader.flag,
    "family": lambda r, n, k: r.choice(n, k, tuple(FAMILIES)),
    "source": YamlReader.source,
    "config": YamlReader.source,
    "refiner": YamlReader.source,
    "prior": YamlReader.source,
    "allow_pickle": YamlReader.flag,
    "revision": YamlReader.text,
    "variant": YamlReader.text,
    "quantisation": _quantisation,
    "native_size": lambda r, n, k: r.whole(n, k, low=0, high=4096),
    "size_multiple": lambda r, n, k: r.whole(n, k, low=1, high=128),
    "memory_gib": lambda r, n, k: r.number(n, k, low=0, high=1024),
    "download_gib": lambda r, n, k: r.number(n, k, low=0, high=1024),
    "uses_prompt": YamlReader.flag,
    "uses_strength": YamlReader.flag,
    "uses_guidance": YamlReader.flag,
    "uses_true_cfg": YamlReader.flag,
    "uses_negative_prompt": YamlReader.flag,
    "uses_guidance_end": YamlReader.flag,
    "step_caches": _step_caches,
    "compile": YamlReader.flag,
    "preview": YamlReader.source,
    "uses_steps": YamlReader.flag,
    "uses_fill": YamlReader.flag,
    "enlarges": YamlReader.flag,
    "context_ratio": lambda r, n, k: r.number(n, k, low=0, high=10),
    "schedulers": _schedulers,
    "controls": _controls,
    "lora": YamlReader.source,
    "loras": read_loras,
    "embeddings": read_embeddings,
    "references": read_references,
    "uses_prompt_weighting": YamlReader.flag,
    "lora_scale": lambda r, n, k: r.number(n, k, low=0, high=2),
    "note": YamlReader.text,
    "default_strength": lambda r, n, k: r.number(n, k, low=0.01, high=1),
    "default_guidance_scale": lambda r, n, k: r.number(n, k, low=1, high=30),
    "default_true_cfg_scale": lambda r, n, k: r.number(n, k, low=1, high=30),
    "default_steps": lambda r, n, k: r.whole(n, k, low=1, high=150),
    "tasks": _tasks,
    "scale": _scale,
    "uses_seed": YamlReader.flag,
    "uses_colour_match": YamlReader.flag,
    "default_colour_match": lambda r, n, k: ColourMatch(r.choice(n, k, tuple(ColourMatch))),
    "file": YamlReader.text,
    "texture": lambda r, n, k: Texture(r.choice(n, k, tuple(Texture))),
}


def _model(reader: YamlReader, model_id: str, node: yaml.Node) -> ModelSpec:
    key = f"models.{model_id}"
    if isinstance(node, yaml.ScalarNode):
        own: dict[str, Any] = {"source": reader.source(node, key)}
    else:
        pairs = reader.items(node, key, allowed=tuple(_FIELDS))
        own = {name: _FIELDS[name](reader, value, f"{key}.{name}") for name, value in pairs}
    engine = own.setdefault("engine", "diffusers")
    sourced = engine in ("diffusers", "spandrel", "completion")
    if sourced and "source" not in own:
        reader.refuse(node, f"{key}.source", "is missing: a hub id or a folder")
    usual = dict(ENGINE_DEFAULTS[engine])
    if own.get("texture") is Texture.PATCHES:
        _check_patched(reader, node, key, own)
        usual |= PATCHED
    own = usual | own
    if engine == "diffusers":
        own.setdefault("family", _family(own))
        _check_schedulers(reader, node, key, own)
        own = dict(FAMILIES[own["family"]]) | own
    elif not sourced and "source" in own:
        reader.refuse(node, f"{key}.source", f"is not used by the engine {engine}")
    title = _title(own.get("source", ""), model_id)
    named = {"title": title, "licence": "not stated: see the model's page"}
    spec = ModelSpec(id=model_id, **(named | own))
    wrong = misplaced(spec) or _unquantised(spec)
    if wrong is not None:
        reader.refuse(node, f"{key}.{wrong[0]}", wrong[1])
    return spec


def _title(source: str, model_id: str) -> str:
    """What a model is called that has no title: its hub id, or the name of its folder or file."""
    return source if folders.is_hub_id(source) else Path(source).name or model_id


def _unquantised(spec: ModelSpec) -> tuple[str, str] | None:
    """Why an entry cannot be quantised: the key that must go, and a sentence that follows it."""
    if spec.quantisation and spec.engine != "diffusers":
        return "quantisation", f"is not used by the engine {spec.engine}"
    if spec.quantisation and spec.lora:
        return "lora", (
            "cannot be fused into quantised weights: list it under `loras`, or remove "
            "`quantisation`"
        )
    return None


def _check_patched(reader: YamlReader, node: yaml.Node, key: str, own: dict[str, Any]) -> None:
    """Refuse patches that nothing follows, and what has no meaning beside them."""
    if own["engine"] != "completion":
        reader.refuse(node, f"{key}.texture", f"is not used by the engine {own['engine']}")
    for name in PATCHED:
        if name in own:
            words = "is not used with texture: patches, which fill the picture at its own size"
            reader.refuse(node, f"{key}.{name}", words)


def _check_schedulers(reader: YamlReader, node: yaml.Node, key: str, own: dict[str, Any]) -> None:
    """Refuse a sampler that the family cannot use: flows are not sampled as noise, nor noise so."""
    allowed = FAMILIES[own["family"]]["schedulers"]
    for name in own.get("schedulers", ()):
        if name not in allowed:
            reader.refuse(
                node,
                f"{key}.schedulers",
                f"of family {own['family']} must be among {', '.join(allowed)}, got {name}",
            )


# A part of a model's name → its family, for models that are not on this machine yet.
_FAMILY_OF_NAME = (
    ("stable-diffusion-3", "sd3"),
    ("sd3", "sd3"),
    ("flux.1-fill", "flux-fill"),
    ("flux", "flux"),
    ("qwen-image-edit", "qwen-image-edit"),
    ("qwen-image", "qwen-image"),
    ("z-image", "z-image"),
    ("kandinsky-2-2", "kandinsky22"),
    ("xl", "sdxl"),
)


def _family(own: dict[str, Any]) -> str:
    """By what is on disk; else by the name. The loader refuses a guess that proves wrong."""
    source, revision, file = own["source"], own.get("revision"), own.get("file", "")
    known: str | None = None
    if folders.is_single_file(source, file):
        path = folders.local_file(source, revision, file)
        with suppress(ModelUnavailable):
            found = None if path is None else recognise.recognise_file(path)
            known = None if found is None else found.family
    else:
        folder = folders.local_folder(source, revision)
        known = None if folder is None else recognise.recognise_family(folder)
    if known:
        return known
    name = Path(source).name.lower()
    return next((family for part, family in _FAMILY_OF_NAME if part in name), "sd15")
