"""Presets: named settings for a task, built in or a person's own, kept and handed on as YAML.

    presets:
      Soft change:
        task: subtle change
        about: One sentence for the person who chooses.
        settings: {strength: 0.35, feather: 12}
        template: "[subject], [light]"
        fields: {light: soft daylight | evening sun}

A preset changes the settings that it names, and nothing else. Every refusal names file, line and
key. A template becomes the prompt once its fields are filled (`core.template`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from genimg_ui.core.request import ColourMatch, ControlUnit, EditRequest, FillMode, FillUnderMask
from genimg_ui.core.resolve import MAX_PROMPT
from genimg_ui.core.template import is_field_name, join_values, parse_template, split_values
from genimg_ui.errors import RefusedInput
from genimg_ui.preset_units import (
    controls_of,
    loras_of,
    put_units,
    read_controls,
    read_loras,
    read_references,
    references_of,
)
from genimg_ui.registry import DEFAULT_SCHEDULER, SCHEDULERS, ModelSpec, Registry, availability
from genimg_ui.yaml_reader import YamlReader, compose, shown

MAX_FILE_BYTES = 256_000
MAX_PRESETS = 200  # in one file
MAX_NAME = 60  # characters
MAX_TEXT = 300  # characters of `task` and of `about`
NO_CONTROL = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Named settings; `settings` has the keys of `SETTINGS` only."""

    name: str
    task: str = ""
    about: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    template: str = ""
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a preset makes of a request; `notes` say what of it could not be done, and why."""

    request: EditRequest
    notes: tuple[str, ...] = ()


_Read = Callable[[YamlReader, yaml.Node, str], Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """One key under `settings`: its group on the page, how it is read, where it belongs."""

    group: str
    part: str  # of the request: sampling, speed, mask, inpaint, "" (itself), controls or units
    read: _Read


def _words(reader: YamlReader, node: yaml.Node, key: str, most: int = MAX_PROMPT) -> str:
    if not isinstance(node, yaml.ScalarNode):
        reader.refuse(node, key, f"must be a text, got {shown(node)}")
    text = str(node.value)
    if len(text) > most:
        reader.refuse(node, key, f"may have at most {most} characters, got {len(text)}")
    return text


def _number(low: float, high: float) -> _Read:
    return lambda reader, node, key: reader.number(node, key, low=low, high=high)


def _whole(low: int, high: int) -> _Read:
    return lambda reader, node, key: reader.whole(node, key, low=low, high=high)


def _choice(kind: type[StrEnum]) -> _Read:
    return lambda reader, node, key: kind(reader.choice(node, key, tuple(kind)))


def _scheduler(reader: YamlReader, node: yaml.Node, key: str) -> str:
    return reader.choice(node, key, (DEFAULT_SCHEDULER, *SCHEDULERS))


_UNIT = "controls"  # the first control alone, as presets had it before `controls`
_UNITS = "units"  # see preset_units
SETTINGS: Mapping[str, Setting] = {
    "model": Setting("model", "", YamlReader.text),
    "prompt": Setting("prompt", "sampling", _words),
    "negative_prompt": Setting("prompt", "sampling", _words),
    "strength": Setting("sampling", "sampling", _number(0.01, 1)),
    "guidance_scale": Setting("sampling", "sampling", _number(1, 30)),
    "true_cfg_scale": Setting("sampling", "sampling", _number(1, 30)),
    "refiner_switch_at": Setting("sampling", "sampling", _number(0.01, 1)),
    "guidance_end": Setting("sampling", "speed", _number(0, 1)),
    "num_inference_steps": Setting("sampling", "sampling", _whole(1, 150)),
    "scheduler": Setting("sampling", "sampling", _scheduler),
    "variants": Setting("sampling", "sampling", _whole(1, 16)),
    "grow": Setting("mask and context", "mask", _whole(-256, 256)),
    "feather": Setting("mask and context", "mask", _whole(0, 256)),
    "fill": Setting("mask and context", "inpaint", _choice(FillUnderMask)),
    "fill_mode": Setting("mask and context", "inpaint", _choice(FillMode)),
    "only_masked": Setting("mask and context", "inpaint", YamlReader.flag),
    "colour_match": Setting("mask and context", "inpaint", _choice(ColourMatch)),
    "padding": Setting("mask and context", "inpaint", _whole(0, 2048)),
    "control": Setting("control", _UNIT, YamlReader.text),
    "controlnet_conditioning_scale": Setting("control", _UNIT, _number(0, 2)),
    "control_guidance_start": Setting("control", _UNIT, _number(0, 1)),
    "control_guidance_end": Setting("control", _UNIT, _number(0.01, 1)),
    "controls": Setting("control", _UNITS, read_controls),
    "loras": Setting("LoRAs", _UNITS, read_loras),
    "references": Setting("reference weights", _UNITS, read_references),
}
GROUPS = tuple(dict.fromkeys(setting.group for setting in SETTINGS.values()))
_KEYS = ("task", "about", "settings", "template", "fields")


def read_presets(path: Path) -> tuple[Preset, ...]:
    """Every preset of a file; raises RefusedInput that names line and key."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise RefusedInput(f"{path.name} cannot be read: {error.strerror}.") from error
    if size > MAX_FILE_BYTES:
        raise RefusedInput(
            f"A file of presets may have {MAX_FILE_BYTES:,} bytes, {path.name} has {size:,}."
        )
    root, reader = compose(path), YamlReader(path)
    top = dict(reader.items(root, "", allowed=("presets",)))
    if "presets" not in top:
        reader.refuse(root, "presets", "is missing")
    found = tuple(_preset(reader, name, n) for name, n in reader.items(top["presets"], "presets"))
    if not 1 <= len(found) <= MAX_PRESETS:
        reader.refuse(
            top["presets"], "presets", f"must hold 1 to {MAX_PRESETS} presets, got {len(found)}"
        )
    return found


def write_presets(presets: Iterable[Preset]) -> str:
    """The inverse of `read_presets`, as text."""
    plain = {preset.name: _plain(preset) for preset in presets}
    return yaml.safe_dump({"presets": plain}, sort_keys=False, allow_unicode=True, width=100)


def preset_of(name: str, request: EditRequest, groups: Iterable[str]) -> Preset:
    """The settings of `request` that belong to `groups`, under a name; raises RefusedInput."""
    chosen = set(groups)
    if not chosen:
        raise RefusedInput(f"Choose what to keep: {', '.join(GROUPS)}.")
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME:
        raise RefusedInput(
            f"A preset's name must have 1 to {MAX_NAME} characters, got {len(name)}."
        )
    settings = {
        key: _value(request, key) for key, setting in SETTINGS.items() if setting.group in chosen
    }
    return Preset(
        name=name,
        settings={key: value for key, value in settings.items() if value is not None},
    )


def apply_preset(request: EditRequest, preset: Preset, registry: Registry) -> Applied:
    """`request` with the settings that the preset names; the others stay as they are."""
    notes: list[str] = []
    settings = dict(preset.settings)
    spec, lack = _model(request, settings, registry)
    notes += [lack] if lack else []
    scheduler = settings.get("scheduler", DEFAULT_SCHEDULER)
    if scheduler not in (DEFAULT_SCHEDULER, *spec.schedulers):
        notes.append(f"{spec.title} has no scheduler {scheduler}: the scheduler stays as it is.")
        del settings["scheduler"]
    if not spec.uses_prompt and (preset.template or settings.get("prompt")):
        notes.append(f"{spec.title} reads no prompt: choose a model that does.")
    for part in ("sampling", "speed", "mask", "inpaint"):
        changes = {k: v for k, v in settings.items() if SETTINGS[k].part == part}
        request = replace(request, **{part: replace(getattr(request, part), **changes)})
    units, note = _controls(request, settings, spec)
    notes += [note] if note else []
    request, said = put_units(replace(request, model=spec.id, controls=units), settings, spec)
    return Applied(request=request, notes=(*notes, *said))


def _model(
    request: EditRequest, settings: Mapping[str, Any], registry: Registry
) -> tuple[ModelSpec, str | None]:
    named = settings.get("model", request.model)
    known = {spec.id: spec for spec in registry.all()}
    if named not in known:
        return registry.get(request.model), (
            f"The preset names the model {named}, which is not among those that are here "
            f"({', '.join(known)}): the model stays as it is."
        )
    return known[named], availability(known[named]) if "model" in settings else None


def _controls(
    request: EditRequest, settings: Mapping[str, Any], spec: ModelSpec
) -> tuple[tuple[ControlUnit, ...], str | None]:
    named = [key for key in settings if SETTINGS[key].part == _UNIT]
    if not named:
        return request.controls, None
    now = request.controls[0] if request.controls else None
    kind = settings.get("control", now.kind if now else NO_CONTROL)
    if kind == NO_CONTROL:
        note = "The preset's control settings need a control, and none is chosen."
        return (), None if "control" in named else note
    if kind not in {known for known, _ in spec.controls}:
        return request.controls, f"{spec.title} has no control {kind}: it stays as it is."
    unit = now if now and now.kind == kind else ControlUnit(kind=kind)
    changes = {key: settings[key] for key in named if key != "control"}
    return (replace(unit, **changes), *request.controls[1:]), None


def _value(request: EditRequest, key: str) -> Any:
    part = SETTINGS[key].part
    if part == _UNIT:  # kept whole under `controls`
        return None
    if part == _UNITS:
        return {"controls": controls_of, "loras": loras_of, "references": references_of}[key](
            request
        )
    return getattr(getattr(request, part) if part else request, key)


def _preset(reader: YamlReader, name: str, node: yaml.Node) -> Preset:
    key = f"presets.{name}"
    if not 1 <= len(name.strip()) <= MAX_NAME:
        reader.refuse(node, key, f"must have a name of 1 to {MAX_NAME} characters")
    given = dict(reader.items(node, key, allowed=_KEYS))
    settings = {}
    if "settings" in given:
        for setting, value in reader.items(
            given["settings"], f"{key}.settings", allowed=tuple(SETTINGS)
        ):
            settings[setting] = SETTINGS[setting].read(reader, value, f"{key}.settings.{setting}")
        if "controls" in settings and any(SETTINGS[each].part == _UNIT for each in settings):
            reader.refuse(
                given["settings"], f"{key}.settings", "may name one control or `controls`, not both"
            )
    template = _words(reader, given["template"], f"{key}.template") if "template" in given else ""
    try:
        parse_template(template)
    except RefusedInput as problem:
        reader.refuse(given["template"], f"{key}.template", f"is broken: {problem}")
    if not settings and not template:
        reader.refuse(node, key, "must have settings, a template or both")
    return Preset(
        name=name.strip(),
        **{k: _words(reader, given[k], f"{key}.{k}", MAX_TEXT) for k in given if k in _KEYS[:2]},
        settings=settings,
        template=template,
        fields=_fields(reader, given.get("fields"), f"{key}.fields"),
    )


def _fields(reader: YamlReader, node: yaml.Node | None, key: str) -> Mapping[str, tuple[str, ...]]:
    if node is None:
        return {}
    fields = {}
    for name, value in reader.items(node, key):
        if not is_field_name(name):
            reader.refuse(value, f"{key}.{name}", "is no field's name")
        fields[name] = split_values(_words(reader, value, f"{key}.{name}"))
    return fields


def _plain(preset: Preset) -> dict[str, Any]:
    settings = {
        key: str(value) if isinstance(value, str) else value
        for key, value in preset.settings.items()
    }
    whole = {
        "task": preset.task,
        "about": preset.about,
        "settings": settings,
        "template": preset.template,
        "fields": {name: join_values(values) for name, values in preset.fields.items()},
    }
    return {key: value for key, value in whole.items() if value}
