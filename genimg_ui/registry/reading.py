"""models.yaml → Registry. Every error names the file, the line and the key.

Capabilities are data: no code asks for a model's name. A family supplies what an entry leaves
out.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from genimg_ui.core.control import ANNOTATORS
from genimg_ui.core.request import ColourMatch
from genimg_ui.core.tasks import EVERY_TASK, UPSCALES, Task
from genimg_ui.errors import RefusedInput
from genimg_ui.registry.families import ENGINE_DEFAULTS, FAMILIES
from genimg_ui.registry.spec import DEFAULT_SCHEDULER, ENGINES, SCHEDULERS, ModelSpec, Registry
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


def _tasks(reader: YamlReader, node: yaml.Node, key: str) -> tuple[Task, ...]:
    if not isinstance(node, yaml.SequenceNode) or not node.value:
        reader.refuse(node, key, f"must be a list of tasks, got {shown(node)}")
    return tuple(Task(reader.choice(item, key, EVERY_TASK)) for item in node.value)


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
    "tasks": _tasks,
    "scale": _scale,
    "uses_seed": YamlReader.flag,
    "uses_colour_match": YamlReader.flag,
    "default_colour_match": lambda r, n, k: ColourMatch(r.choice(n, k, tuple(ColourMatch))),
    "file": YamlReader.text,
}


def _model(reader: YamlReader, model_id: str, node: yaml.Node) -> ModelSpec:
    key = f"models.{model_id}"
    if isinstance(node, yaml.ScalarNode):
        own: dict[str, Any] = {"source": reader.source(node, key)}
    else:
        pairs = reader.items(node, key, allowed=tuple(_FIELDS))
        own = {name: _FIELDS[name](reader, value, f"{key}.{name}") for name, value in pairs}
    engine = own.setdefault("engine", "diffusers")
    sourced = engine in ("diffusers", "spandrel")
    if sourced and "source" not in own:
        reader.refuse(node, f"{key}.source", "is missing: a hub id or a folder")
    own = dict(ENGINE_DEFAULTS[engine]) | own
    if engine == "diffusers":
        own.setdefault("family", _family(own["source"], own.get("revision")))
        own = dict(FAMILIES[own["family"]]) | own
    elif not sourced and "source" in own:
        reader.refuse(node, f"{key}.source", f"is not used by the engine {engine}")
    named = {"title": own.get("source", model_id), "licence": "not stated: see the model's page"}
    return ModelSpec(id=model_id, **(named | own))


def _family(source: str, revision: str | None) -> str:
    """By the index on disk; else by the name. The loader refuses a guess that proves wrong."""
    folder = folders.local_folder(source, revision)
    known = None if folder is None else recognise.recognise_family(folder)
    return known or ("sdxl" if "xl" in Path(source).name.lower() else "sd15")
