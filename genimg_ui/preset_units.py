"""What a preset holds of controls, LoRAs and references: their settings, never their pictures.

    controls:
      - {kind: canny, controlnet_conditioning_scale: 0.7, parameters: {low_threshold: 50}}
    loras: {ink: 0.8}
    references: [{scale: 0.6, end: 0.8}]

A control that was shown a ready map says `ready_map: true`. References are the numbers of the
pictures that are here when the preset is chosen, in their order.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

import yaml

from genimg_ui.core.adapters import LORA_RANGE, MAX_LORAS, MAX_REFERENCES, check_references
from genimg_ui.core.control import check_controls
from genimg_ui.core.request import ControlUnit, EditRequest, LoraUnit, ReferenceUnit
from genimg_ui.errors import RefusedInput
from genimg_ui.registry import ModelSpec
from genimg_ui.yaml_reader import YamlReader, shown

_READY = "ready_map"
_CONTROL = tuple(field.name for field in fields(ControlUnit) if field.name != "map")
_REFERENCE = tuple(field.name for field in fields(ReferenceUnit) if field.name != "picture")
_TEXTS = ("kind", "annotator")
_WIDE = 1e6  # of numbers whose own ranges are looked at afterwards

Noted = tuple[EditRequest, list[str]]


def read_controls(reader: YamlReader, node: yaml.Node, key: str) -> list[dict[str, Any]]:
    """The list under `controls`, as `controls_of` makes it; raises RefusedInput."""
    found = []
    for index, item in enumerate(_items(reader, node, key)):
        where = f"{key}.{index}"
        table: dict[str, Any] = {}
        for name, value in reader.items(item, where, allowed=(*_CONTROL, _READY)):
            table[name] = _control_value(reader, value, f"{where}.{name}", name)
        if "kind" not in table:
            reader.refuse(item, f"{where}.kind", "is missing")
        found.append(table)
    units = [_unit(table) for table in found]
    _checked(reader, node, key, lambda: check_controls(units, [u.kind for u in units], "A preset"))
    return found


def read_loras(reader: YamlReader, node: yaml.Node, key: str) -> dict[str, float]:
    """The table under `loras`: names with weights."""
    low, high = LORA_RANGE
    found = {
        name: reader.number(value, f"{key}.{name}", low=low, high=high)
        for name, value in reader.items(node, key)
    }
    if len(found) > MAX_LORAS:
        reader.refuse(node, key, f"may name {MAX_LORAS} LoRAs, got {len(found)}")
    return found


def read_references(reader: YamlReader, node: yaml.Node, key: str) -> list[dict[str, Any]]:
    """The list under `references`."""
    found: list[dict[str, Any]] = []
    for index, item in enumerate(_items(reader, node, key)):
        where = f"{key}.{index}"
        pairs = reader.items(item, where, allowed=_REFERENCE)
        found.append(
            {name: _text_or_number(reader, v, f"{where}.{name}", name) for name, v in pairs}
        )
    if not 1 <= len(found) <= MAX_REFERENCES:
        reader.refuse(node, key, f"must name 1 to {MAX_REFERENCES} references, got {len(found)}")
    units = [ReferenceUnit(picture="", **table) for table in found]
    _checked(
        reader, node, key, lambda: check_references(units, [u.kind for u in units], "A preset")
    )
    return found


def controls_of(request: EditRequest) -> list[dict[str, Any]]:
    """The request's controls as plain data; [] where it has none."""
    found = []
    for unit in request.controls:
        table = {name: getattr(unit, name) for name in _CONTROL}
        kept = {name: value for name, value in table.items() if value not in ("", {})}
        found.append(kept | ({_READY: True} if unit.map is not None else {}))
    return found


def loras_of(request: EditRequest) -> dict[str, float]:
    """The same of its LoRAs."""
    return {unit.name: unit.scale for unit in request.loras}


def references_of(request: EditRequest) -> list[dict[str, Any]] | None:
    """The same of its references, without their pictures; None where it has none."""
    found = [{name: getattr(unit, name) for name in _REFERENCE} for unit in request.references]
    return found or None


def put_units(request: EditRequest, settings: Mapping[str, Any], spec: ModelSpec) -> Noted:
    """`request` with the units that a preset's settings name; notes say what is not here."""
    notes: list[str] = []
    for name, put in (("controls", _controls), ("loras", _loras), ("references", _references)):
        if name in settings:
            request, more = put(request, settings[name], spec)
            notes += more
    return request, notes


def _controls(request: EditRequest, tables: list[dict[str, Any]], spec: ModelSpec) -> Noted:
    offered = {kind for kind, _ in spec.controls}
    ready = {unit.kind: unit.map for unit in request.controls if unit.map is not None}
    units, notes = [], []
    for table in tables:
        unit = _unit(table)
        if unit.kind not in offered:
            notes.append(f"{spec.title} has no control {unit.kind}: it is left out.")
            continue
        if table.get(_READY) and unit.kind in ready:
            unit = replace(unit, map=ready[unit.kind])
        elif table.get(_READY):
            notes.append(
                f"The preset's control {unit.kind} was shown a ready map, which a preset does not "
                "hold: its map is drawn from the picture unless you upload one."
            )
        units.append(unit)
    return replace(request, controls=tuple(units)), notes


def _loras(request: EditRequest, weights: Mapping[str, float], spec: ModelSpec) -> Noted:
    offered = {lora.name for lora in spec.loras}
    units = tuple(LoraUnit(name=name, scale=w) for name, w in weights.items() if name in offered)
    absent = [name for name in weights if name not in offered]
    notes = [f"{spec.title} has no LoRA {name}: it is left out." for name in absent]
    return replace(request, loras=units), notes


def _references(request: EditRequest, tables: list[dict[str, Any]], spec: ModelSpec) -> Noted:
    offered = {reference.kind for reference in spec.references}
    notes = [
        f"{spec.title} reads no reference pictures of the kind {kind}: its weight is left out."
        for kind in dict.fromkeys(ReferenceUnit(picture="", **table).kind for table in tables)
        if kind not in offered
    ]
    if notes:
        return request, notes
    here = request.references
    changed = tuple(replace(unit, **table) for unit, table in zip(here, tables, strict=False))
    if len(here) < len(tables):
        notes.append(
            f"The preset weighs {len(tables)} reference pictures, and {len(here)} are here: add "
            "the pictures and choose the preset again."
        )
    return replace(request, references=(*changed, *here[len(tables) :])), notes


def _unit(table: Mapping[str, Any]) -> ControlUnit:
    return ControlUnit(**{name: value for name, value in table.items() if name != _READY})


def _control_value(reader: YamlReader, node: yaml.Node, key: str, name: str) -> Any:
    if name == _READY:
        return reader.flag(node, key)
    if name == "parameters":
        return {
            knob: reader.number(value, f"{key}.{knob}", low=-_WIDE, high=_WIDE)
            for knob, value in reader.items(node, key)
        }
    return _text_or_number(reader, node, key, name)


def _text_or_number(reader: YamlReader, node: yaml.Node, key: str, name: str) -> str | float:
    if name in _TEXTS:
        return reader.text(node, key)
    return reader.number(node, key, low=-_WIDE, high=_WIDE)


def _items(reader: YamlReader, node: yaml.Node, key: str) -> list[yaml.Node]:
    if not isinstance(node, yaml.SequenceNode):
        reader.refuse(node, key, f"must be a list, got {shown(node)}")
    return list(node.value)


def _checked(reader: YamlReader, node: yaml.Node, key: str, check: Callable[[], None]) -> None:
    try:
        check()
    except RefusedInput as problem:
        reader.refuse(node, key, f"cannot be meant: {problem.sentence}")
