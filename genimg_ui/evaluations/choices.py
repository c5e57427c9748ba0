"""Which models an evaluation may ask for."""

from collections.abc import Callable
from dataclasses import dataclass

from genimg_ui.core.tasks import Task
from genimg_ui.errors import RefusedInput
from genimg_ui.evaluation.baselines import baselines
from genimg_ui.registry import ModelSpec, Registry

Lack = Callable[[ModelSpec], str | None]  # why a model cannot be used here; None where it can


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The models that can be evaluated here, and how many more fill masks but lack something."""

    usable: tuple[ModelSpec, ...]
    absent: int


def choices(registry: Registry, lack: Lack) -> Choices:
    """Models that fill masks, and after them the plain fills to measure them against."""
    filling = [spec for spec in registry.all() if Task.INPAINT in spec.tasks]
    usable = [spec for spec in filling if lack(spec) is None]
    absent = len(filling) - len(usable)
    return Choices(usable=(*usable, *baselines()), absent=absent)


def chosen(registry: Registry, lack: Lack, asked: list[object]) -> tuple[str, ...]:
    """The ids that are asked for, each once; raises RefusedInput for what cannot be used."""
    plain = {spec.id for spec in baselines()}
    for name in asked:
        if name in plain:
            continue
        spec = registry.get(str(name))
        if Task.INPAINT not in spec.tasks:
            raise RefusedInput(f"An evaluation needs models that fill masks, and got {spec.id}.")
        reason = lack(spec)
        if reason:
            raise RefusedInput(reason, remedy="Leave that model out.")
    return tuple(dict.fromkeys(map(str, asked)))


def titles(registry: Registry) -> dict[str, str]:
    """What each model and baseline is called, by id."""
    return {spec.id: spec.title for spec in (*registry.all(), *baselines())}
