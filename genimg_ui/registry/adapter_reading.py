"""The LoRAs, embeddings and reference adapters of an entry of models.yaml, read and checked."""

from pathlib import Path
from typing import Any

import yaml

from genimg_ui.core.adapters import LORA_RANGE, FewSteps
from genimg_ui.registry.adapters import SUFFIX, EmbeddingSpec, LoraSpec, ReferenceSpec
from genimg_ui.registry.spec import ModelSpec
from genimg_ui.yaml_reader import YamlReader

REFERENCE_KINDS = ("ip_adapter",)
MOST_STEPS = 50  # of a LoRA that is distilled for few
UNET_FAMILIES = ("sd15", "sdxl")  # which embeddings, references and prompt weighting exist for


def read_loras(reader: YamlReader, node: yaml.Node, key: str) -> tuple[LoraSpec, ...]:
    """`loras`: name → source, or a table."""
    known = ("source", "file", "scale", "trigger", "note", "licence", "few_steps")
    low, high = LORA_RANGE
    specs = []
    for name, value in reader.items(node, key):
        own: dict[str, Any] = {}
        place = f"{key}.{name}"
        for field, item in _fields(reader, value, place, known):
            full = f"{place}.{field}"
            if field == "scale":
                own[field] = reader.number(item, full, low=low, high=high)
            elif field == "few_steps":
                own[field] = _few_steps(reader, item, full)
            else:
                own[field] = _text(reader, field, item, full)
        specs.append(LoraSpec(name=name, **own))
    return tuple(specs)


def read_embeddings(reader: YamlReader, node: yaml.Node, key: str) -> tuple[EmbeddingSpec, ...]:
    """`embeddings`: token → source, or a table."""
    specs = []
    for token, value in reader.items(node, key):
        place = f"{key}.{token}"
        if not token or token.split() != [token]:
            reader.refuse(value, place, "must be one word without spaces")
        pairs = _fields(reader, value, place, ("source", "file"))
        own = {field: _text(reader, field, item, f"{place}.{field}") for field, item in pairs}
        specs.append(EmbeddingSpec(token=token, **own))
    return tuple(specs)


def read_references(reader: YamlReader, node: yaml.Node, key: str) -> tuple[ReferenceSpec, ...]:
    """`references`: kind → source, or a table."""
    specs = []
    for kind, value in reader.items(node, key, allowed=REFERENCE_KINDS):
        place = f"{key}.{kind}"
        pairs = _fields(reader, value, place, ("source", "file", "encoder"))
        own = {field: _text(reader, field, item, f"{place}.{field}") for field, item in pairs}
        specs.append(ReferenceSpec(kind=kind, **own))
    return tuple(specs)


def misplaced(model: ModelSpec) -> tuple[str, str] | None:
    """The first key that the model's family cannot have, and why; None where all fits."""
    if model.family not in UNET_FAMILIES:
        given = {
            "embeddings": model.embeddings,
            "references": model.references,
            "uses_prompt_weighting": model.uses_prompt_weighting,
        }
        for key, value in given.items():
            if value:
                return key, f"is for {' and '.join(UNET_FAMILIES)} only, got {model.family}"
    for lora in model.loras:
        few = lora.few_steps
        if few is not None and few.scheduler not in model.schedulers:
            allowed = ", ".join(model.schedulers)
            key = f"loras.{lora.name}.few_steps.scheduler"
            return key, f'must be one of {allowed}, got "{few.scheduler}"'
    return None


def _fields(
    reader: YamlReader, node: yaml.Node, key: str, known: tuple[str, ...]
) -> list[tuple[str, yaml.Node]]:
    """The pairs of a table that has a source; a plain text is the source alone."""
    if isinstance(node, yaml.ScalarNode):
        return [("source", node)]
    pairs = list(reader.items(node, key, allowed=known))
    if "source" not in dict(pairs):
        reader.refuse(node, f"{key}.source", "is missing: a hub id, a folder or a file")
    return pairs


def _text(reader: YamlReader, field: str, node: yaml.Node, key: str) -> str:
    if field == "source":
        return reader.source(node, key)
    value = reader.text(node, key)
    if field in ("file", "encoder"):
        _check_inside(reader, node, key, value)
    if field == "file" and not value.endswith(SUFFIX):
        reader.refuse(node, key, f'must be a {SUFFIX} file, got "{value}"')
    return value


def _check_inside(reader: YamlReader, node: yaml.Node, key: str, value: str) -> None:
    path = Path(value)
    if path.is_absolute() or ".." in path.parts:
        reader.refuse(node, key, f'must lie inside its source, got "{value}"')


def _few_steps(reader: YamlReader, node: yaml.Node, key: str) -> FewSteps:
    names = ("scheduler", "num_inference_steps", "guidance_scale")
    found = dict(reader.items(node, key, allowed=names))
    for name in names:
        if name not in found:
            reader.refuse(node, f"{key}.{name}", "is missing")
    steps, guidance = f"{key}.num_inference_steps", f"{key}.guidance_scale"
    return FewSteps(
        scheduler=reader.text(found["scheduler"], f"{key}.scheduler"),
        num_inference_steps=reader.whole(
            found["num_inference_steps"], steps, low=1, high=MOST_STEPS
        ),
        guidance_scale=reader.number(found["guidance_scale"], guidance, low=1, high=30),
    )
