"""What trades a little of the picture for time, and only where a person asks for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from genimg_ui.core.values import check_range
from genimg_ui.errors import RefusedInput


class StepCache(StrEnum):
    """What a transformer takes over from the step before instead of computing it."""

    OFF = "off"
    FIRST_BLOCK = "first_block"
    """All blocks but the first, where that one has hardly changed (ParaAttention)."""
    TAYLORSEER = "taylorseer"
    """Every block in most steps, continued by a Taylor series (Liu et al. 2025)."""
    MAGCACHE = "magcache"
    """All blocks, as long as the error that was measured beforehand is small (Ma et al. 2025)."""


# How large a change is still small, where nothing else is asked for: diffusers' own values.
THRESHOLDS = {StepCache.FIRST_BLOCK: 0.05, StepCache.MAGCACHE: 0.06}


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedParams:
    """The savings of an edit; what it starts with saves nothing."""

    guidance_end: float = 1.0  # [0, 1]: fraction of the steps after which guidance stops
    step_cache: StepCache = StepCache.OFF
    step_cache_threshold: float | None = None  # (0, 1]: more saves more; None: its usual value


def check_speed(speed: SpeedParams, *, guides: bool, caches: Sequence[str], title: str) -> None:
    """Refuse what the model `title` cannot do.

    `guides` says whether guidance runs it twice, `caches` which step caches it takes.
    """
    check_range("guidance_end", speed.guidance_end, 0, 1)
    if speed.guidance_end < 1 and not guides:
        raise RefusedInput(
            f"{title} is not run twice for guidance: guidance_end must be 1, "
            f"got {speed.guidance_end:g}."
        )
    if speed.step_cache is not StepCache.OFF and speed.step_cache not in caches:
        raise RefusedInput(
            f"{title} takes these step caches: {', '.join(caches) or 'none'}; "
            f"got {speed.step_cache}.",
            remedy="Choose off, or another model.",
        )
    if speed.step_cache_threshold is None:
        return
    if speed.step_cache not in THRESHOLDS:
        raise RefusedInput(
            f"step_cache_threshold belongs to {' and '.join(THRESHOLDS)}, got {speed.step_cache}."
        )
    check_range("step_cache_threshold", speed.step_cache_threshold, 0, 1, open_low=True)
