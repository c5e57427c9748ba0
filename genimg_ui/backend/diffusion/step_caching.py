"""Step caches of transformers: blocks that answer as in the step before, by diffusers' hooks.

Neighbouring steps ask nearly the same of most blocks. First-block cache (after ParaAttention),
TaylorSeer (Liu et al. 2025, arXiv:2503.06923) and MagCache (Ma et al. 2025, arXiv:2506.09045)
decide in three ways when that is near enough.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from diffusers import FirstBlockCacheConfig, TaylorSeerCacheConfig
from diffusers.hooks import MagCacheConfig
from diffusers.hooks.mag_cache import FLUX_MAG_RATIOS

from genimg_ui.core.speed import THRESHOLDS, SpeedParams, StepCache
from genimg_ui.errors import RefusedInput

CONTEXT = "cond"  # what a pipeline that names no context is run in


@contextmanager
def step_cached(denoiser: Any, speed: SpeedParams, steps: int, *, apart: bool) -> Iterator[None]:
    """While the block runs, `denoiser` takes over from its last step what `speed` allows.

    `steps` is how many there are. `apart` says whether the pipeline tells the denoiser when it
    runs with the prompt and when without. Raises RefusedInput where it cannot be done.
    """
    if speed.step_cache is StepCache.OFF:
        yield
        return
    if not hasattr(denoiser, "enable_cache"):
        raise RefusedInput(
            f"{type(denoiser).__name__} takes no step cache, got {speed.step_cache}.",
            remedy="Choose off.",
        )
    if not apart:
        raise RefusedInput(
            "A step cache cannot tell guidance's two evaluations apart in this pipeline.",
            remedy="Set True CFG to 1, or choose the step cache off.",
        )
    denoiser.enable_cache(_config(denoiser, speed, steps))
    try:
        with denoiser.cache_context(CONTEXT):
            yield
    finally:
        denoiser.disable_cache()


def _config(denoiser: Any, speed: SpeedParams, steps: int) -> Any:
    threshold = speed.step_cache_threshold
    if threshold is None:
        threshold = THRESHOLDS.get(speed.step_cache, 0.0)
    if speed.step_cache is StepCache.FIRST_BLOCK:
        return FirstBlockCacheConfig(threshold=threshold)
    if speed.step_cache is StepCache.TAYLORSEER:
        return TaylorSeerCacheConfig(taylor_factors_dtype=denoiser.dtype)
    return MagCacheConfig(
        threshold=threshold, num_inference_steps=steps, mag_ratios=FLUX_MAG_RATIOS
    )
