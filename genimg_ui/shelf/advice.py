"""Whether this machine can run a model, and which real models to take."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from genimg_ui.registry import ModelSpec, Registry
from genimg_ui.shelf.machine import Machine
from genimg_ui.weights.folders import is_hub_id

FLOAT32_FACTOR = 2.0  # weights that are published in 16 bits run in 32 on a processor
LIGHT_GIB = 1.0  # up to here a processor takes seconds
SUGGESTED = 3


class Level(StrEnum):
    """How well a model runs here."""

    YES = "yes"
    SLOW = "slow"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Fit:
    """A level and its sentence."""

    level: Level
    text: str


def fit(spec: ModelSpec, machine: Machine) -> Fit:
    """Compare what the model needs with what the machine has."""
    need = spec.memory_gib
    if not spec.source or need <= LIGHT_GIB:
        return Fit(Level.YES, "Runs here, also without a GPU.")
    if machine.gpu:
        if need <= machine.vram_gib:
            return Fit(Level.YES, f"Runs on this GPU, with about {need:g} GiB of its memory.")
        if need <= machine.ram_gib:
            return Fit(
                Level.SLOW,
                f"Larger than this GPU's {machine.vram_gib:.0f} GiB (about {need:g} GiB): parts of "
                "it wait in main memory, which is slower.",
            )
        return Fit(
            Level.NO,
            f"Needs about {need:g} GiB; this GPU has {machine.vram_gib:.0f} GiB, the main memory "
            f"{machine.ram_gib:.0f} GiB.",
        )
    need *= FLOAT32_FACTOR
    if need <= machine.ram_gib:
        how = (
            "but takes minutes for each picture" if spec.uses_steps else "but slower than with one"
        )
        return Fit(Level.SLOW, f"Runs here without a GPU, {how}.")
    return Fit(
        Level.NO,
        f"Needs about {need:g} GiB of memory without a GPU, here are {machine.ram_gib:.0f} GiB.",
    )


def suggested(registry: Registry, machine: Machine) -> tuple[ModelSpec, ...]:
    """Real models that run here: largest first on a GPU, the lightest one without.

    Those that read no prompt, or are for non-commercial work only, are left to whoever looks for
    them.
    """
    real = [spec for spec in registry.all() if is_hub_id(spec.source) and spec.uses_prompt]
    free = [spec for spec in real if not spec.non_commercial]
    able = [spec for spec in free if fit(spec, machine).level is not Level.NO]
    if machine.gpu:
        able = [spec for spec in able if fit(spec, machine).level is Level.YES] or able
        return tuple(sorted(able, key=lambda spec: -spec.memory_gib)[:SUGGESTED])
    return tuple(sorted(able, key=lambda spec: spec.memory_gib)[:1])


def headline(registry: Registry, machine: Machine) -> str:
    """One line: what this machine has, and what it can run."""
    chosen = suggested(registry, machine)
    names = _listed(spec.title for spec in chosen)
    if machine.gpu and chosen:
        return f"{machine.sentence} Suggested: {names}."
    if not machine.gpu and chosen:
        return (
            f"{machine.sentence} The embedded engines run here in seconds; {names} runs too, but "
            "takes minutes for each picture."
        )
    return f"{machine.sentence} The embedded engines run here; the larger models do not fit."


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
