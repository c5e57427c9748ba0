"""Reads a protocol from its YAML file; every refusal names file, line, key, and what is allowed."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import yaml

from genimg_ui.core.request import SEED_LIMIT, EditRequest
from genimg_ui.core.resolve import MAX_PROMPT
from genimg_ui.core.serial import from_json, to_json
from genimg_ui.evaluation.mask_shapes import SHAPES, Blob, Border, MaskShape, Rectangles, Strokes
from genimg_ui.evaluation.metrics.catalogue import METRICS, USUAL
from genimg_ui.evaluation.protocol import MaskSet, PictureSet, Protocol
from genimg_ui.presets import SETTINGS
from genimg_ui.yaml_reader import YamlReader, compose, shown

T = TypeVar("T")
MAX_NAME = 60  # characters
MAX_ITEMS = 1000  # of a list
_KEYS = (
    "name",
    "version",
    "pictures",
    "masks",
    "prompts",
    "seeds",
    "parameters",
    "metrics",
    "tolerances",
)
# The parts of a request whose values are plain words and numbers, whatever the picture.
_PARTS = ("sampling", "mask", "inpaint", "passes", "speed")
_ELSEWHERE = {
    "sampling.prompt": "prompts",
    "sampling.seed": "seeds",
    "sampling.variants": "seeds",
    "inpaint.box": "masks",
}


def read_protocol(path: Path) -> Protocol:
    """The protocol of a file; raises RefusedInput that names line and key."""
    reader = YamlReader(path)
    root = compose(path)
    top = dict(reader.items(root, "", allowed=_KEYS))
    for key in ("name", "version", "masks"):
        if key not in top:
            reader.refuse(root, key, "is missing")
    name = reader.text(top["name"], "name")
    if len(name) > MAX_NAME:
        reader.refuse(top["name"], "name", f"may have {MAX_NAME} characters, got {len(name)}")
    given: dict[str, Any] = {
        key: read(reader, top[key], key) for key, read in _OPTIONAL.items() if key in top
    }
    given.setdefault("metrics", USUAL)
    return Protocol(
        name=name,
        version=reader.whole(top["version"], "version", low=1, high=1_000_000),
        masks=_masks(reader, top["masks"]),
        **given,
    )


def parameter_names() -> tuple[str, ...]:
    """Every name that `parameters` of a protocol may have."""
    plain = to_json(EditRequest())
    names = (f"{part}.{key}" for part in _PARTS for key in plain[part])
    return tuple(name for name in names if name not in _ELSEWHERE)


def _items(
    reader: YamlReader,
    node: yaml.Node,
    key: str,
    read: Callable[[yaml.Node, str], T],
    *,
    least: int = 1,
) -> tuple[T, ...]:
    """The values of a list, each once."""
    if not isinstance(node, yaml.SequenceNode):
        reader.refuse(node, key, f"must be a list, got {shown(node)}")
    if not least <= len(node.value) <= MAX_ITEMS:
        reader.refuse(node, key, f"must have {least} to {MAX_ITEMS} items, got {len(node.value)}")
    found: list[T] = []
    for number, item in enumerate(node.value):
        value = read(item, f"{key}[{number}]")
        if value in found:
            reader.refuse(item, f"{key}[{number}]", f"appears twice, got {shown(item)}")
        found.append(value)
    return tuple(found)


def _absent(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _pictures(reader: YamlReader, node: yaml.Node, key: str) -> PictureSet:
    given: dict[str, Any] = {}
    for name, value in reader.items(node, key, allowed=("folder", "glob", "limit", "side")):
        full = f"{key}.{name}"
        if _absent(value):
            continue
        if name == "folder":
            given[name] = reader.text(value, full)
        elif name == "glob":
            given[name] = _glob(reader, value, full)
        elif name == "limit":
            given[name] = reader.whole(value, full, low=1, high=1_000_000)
        else:
            given[name] = reader.whole(value, full, low=16, high=4096)
    return PictureSet(**given)


def _glob(reader: YamlReader, node: yaml.Node, key: str) -> str:
    pattern = reader.text(node, key)
    if PurePosixPath(pattern).is_absolute() or ".." in PurePosixPath(pattern).parts:
        reader.refuse(node, key, f'must stay inside the folder, got "{pattern}"')
    return pattern


def _masks(reader: YamlReader, node: yaml.Node) -> MaskSet:
    given: dict[str, Any] = {}
    for name, value in reader.items(node, "masks", allowed=("seed", "per_picture", "kinds")):
        full = f"masks.{name}"
        if name == "seed":
            given[name] = reader.whole(value, full, low=0, high=SEED_LIMIT - 1)
        elif name == "per_picture":
            given[name] = reader.whole(value, full, low=1, high=100)
        else:
            shapes = {shape.kind: shape for shape in SHAPES}
            found = reader.items(value, full, allowed=tuple(shapes))
            given[name] = tuple(_shape(reader, item, shapes[kind]) for kind, item in found)
    if not given.get("kinds"):
        allowed = ", ".join(shape.kind for shape in SHAPES)
        reader.refuse(node, "masks.kinds", f"must name at least one kind of {allowed}")
    return MaskSet(**given)


# (least, most) of each number; a pair of values where the default is a pair.
_LIMITS: dict[type[MaskShape], dict[str, tuple[float, float]]] = {
    Rectangles: {"count": (1, 20), "side": (0.01, 1), "cover": (0.001, 0.9)},
    Strokes: {
        "count": (1, 20),
        "segments": (1, 20),
        "length": (1, 512),
        "width": (1, 256),
        "cover": (0.001, 0.9),
    },
    Blob: {"cover": (0.001, 0.5), "roughness": (0, 1), "elongation": (0, 1)},
    Border: {"share": (0.01, 0.9)},
}


def _shape(reader: YamlReader, node: yaml.Node, shape: type[MaskShape]) -> MaskShape:
    """A kind's numbers; `{}` or nothing at all is its usual ones."""
    if _absent(node):
        return shape()
    limits, usual, key = _LIMITS[shape], to_json(shape()), f"masks.kinds.{shape.kind}"
    given: dict[str, Any] = {}
    for name, value in reader.items(node, key, allowed=tuple(usual)):
        full = f"{key}.{name}"
        if name == "sides":
            given[name] = _items(reader, value, full, _side_of(reader))
            continue
        low, high = limits[name]
        if not isinstance(usual[name], list):
            given[name] = reader.number(value, full, low=low, high=high)
        else:
            whole = name in ("count", "segments")
            given[name] = _pair(reader, value, full, (low, high), whole=whole)
    return shape(**given)


def _side_of(reader: YamlReader) -> Callable[[yaml.Node, str], str]:
    return lambda node, key: reader.choice(node, key, Border().sides)


def _pair(
    reader: YamlReader,
    node: yaml.Node,
    key: str,
    limits: tuple[float, float],
    *,
    whole: bool = False,
) -> tuple[float, float]:
    if not isinstance(node, yaml.SequenceNode) or len(node.value) != 2:
        reader.refuse(node, key, f"must be [least, most], got {shown(node)}")
    first, second = (
        reader.whole(item, key, low=int(limits[0]), high=int(limits[1]))
        if whole
        else reader.number(item, key, low=limits[0], high=limits[1])
        for item in node.value
    )
    if first > second:
        reader.refuse(node, key, f"must be [least, most], got [{first:g}, {second:g}]")
    return first, second


def _prompts(reader: YamlReader, node: yaml.Node, key: str) -> tuple[str, ...]:
    def read(item: yaml.Node, full: str) -> str:
        if not isinstance(item, yaml.ScalarNode):
            reader.refuse(item, full, f"must be a text, got {shown(item)}")
        if len(item.value) > MAX_PROMPT:
            complaint = f"may have {MAX_PROMPT} characters, got {len(item.value)}"
            reader.refuse(item, full, complaint)
        return str(item.value)

    return _items(reader, node, key, read)


def _seeds(reader: YamlReader, node: yaml.Node, key: str) -> tuple[int, ...]:
    return _items(
        reader, node, key, lambda item, full: reader.whole(item, full, low=0, high=SEED_LIMIT - 1)
    )


def _metrics(reader: YamlReader, node: yaml.Node, key: str) -> tuple[str, ...]:
    return _items(reader, node, key, lambda item, full: reader.choice(item, full, tuple(METRICS)))


def _tolerances(reader: YamlReader, node: yaml.Node, key: str) -> dict[str, float]:
    return {
        name: reader.number(value, f"{key}.{name}", low=0, high=1e9)
        for name, value in reader.items(node, key, allowed=tuple(METRICS))
    }


def _parameters(reader: YamlReader, node: yaml.Node, key: str) -> dict[str, Any]:
    given: dict[str, Any] = {}
    allowed = parameter_names()
    for name, value in reader.items(node, key):
        full = f"{key}.{name}"
        if name in _ELSEWHERE:
            reader.refuse(value, full, f"is set by `{_ELSEWHERE[name]}` of the protocol")
        if name not in allowed:
            reader.refuse(value, full, f"is unknown; known names: {', '.join(allowed)}")
        given[name] = _parameter(reader, value, full, name)
    return given


def _parameter(reader: YamlReader, node: yaml.Node, full: str, name: str) -> Any:
    part, _, key = name.partition(".")
    setting = SETTINGS.get(key)
    if setting is not None and setting.part == part:
        return to_json(setting.read(reader, node, full))
    if not isinstance(node, yaml.ScalarNode):
        reader.refuse(node, full, f"must be one value, got {shown(node)}")
    value = yaml.safe_load(node.value) if node.style is None else node.value
    try:
        from_json(EditRequest, {part: {key: value}})
    except ValueError as error:
        reader.refuse(node, full, str(error).partition(f"{key} ")[2])
    return value


_OPTIONAL: dict[str, Callable[[YamlReader, yaml.Node, str], Any]] = {
    "pictures": _pictures,
    "prompts": _prompts,
    "seeds": _seeds,
    "parameters": _parameters,
    "metrics": _metrics,
    "tolerances": _tolerances,
}
