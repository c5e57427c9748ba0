"""The flags of controls: each `--control` begins a unit, what follows belongs to the last one."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from genimg_ui.core.image import decode
from genimg_ui.core.request import ControlUnit
from genimg_ui.errors import RefusedInput
from genimg_ui.history.store import Store

FORM = "KIND[/ANNOTATOR][:SCALE[:START[:END]]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlFlag:
    """One unit as the flags say it: `path` is the file of its ready map."""

    unit: ControlUnit
    path: Path | None = None
    parameters: dict[str, float] = field(default_factory=dict)


def add_control_flags(parser: argparse.ArgumentParser) -> None:
    """Add the three flags, which fill `control` with one ControlFlag for each unit."""
    add = parser.add_argument
    add(
        "--control",
        type=_control,
        action="append",
        default=[],
        metavar=FORM,
        help="canny:0.8:0:0.6, softedge/hed; may be given several times",
    )
    add("--control-map", action=_OfLast, metavar="FILE", help="a ready map for it")
    add("--control-set", action=_OfLast, metavar="NAME=VALUE", help="a number of its annotator")


def units_of(flags: argparse.Namespace, store: Store) -> tuple[ControlUnit, ...]:
    """The units of the flags, their ready maps kept in the store; raises RefusedInput."""
    return tuple(_stored(item, store) for item in flags.control)


class _OfLast(argparse.Action):
    """Puts a value into the unit of the `--control` before it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        if not namespace.control:
            parser.error(f"{option_string} belongs to a --control that stands before it, got none")
        *before, last = namespace.control
        try:
            changed = _with(last, self.dest, str(values))
        except ValueError:
            parser.error(f"{option_string} must be NAME=VALUE with a number, got {values!r}")
        namespace.control = [*before, changed]


def _with(flag: ControlFlag, name: str, value: str) -> ControlFlag:
    if name == "control_map":
        return replace(flag, path=Path(value))
    key, _, number = value.partition("=")
    return replace(flag, parameters={**flag.parameters, key.strip(): float(number)})


def _stored(flag: ControlFlag, store: Store) -> ControlUnit:
    unit = replace(flag.unit, parameters=flag.parameters)
    if flag.path is None:
        return unit
    if not flag.path.is_file():
        raise RefusedInput(f"There is no file {flag.path}.")
    decode(flag.path)
    return replace(unit, map=store.put_source(flag.path))


def _control(text: str) -> ControlFlag:
    what, *numbers = text.split(":")
    kind, _, annotator = what.partition("/")
    usual = ControlUnit(kind=kind, annotator=annotator)
    given = [*numbers, *[""] * (3 - len(numbers))]
    try:
        if len(given) > 3 or not kind:
            raise ValueError
        unit = replace(
            usual,
            controlnet_conditioning_scale=float(given[0] or usual.controlnet_conditioning_scale),
            control_guidance_start=float(given[1] or usual.control_guidance_start),
            control_guidance_end=float(given[2] or usual.control_guidance_end),
        )
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be {FORM}, got {text!r}") from None
    return ControlFlag(unit=unit)
