"""What saves time is refused where a model cannot do it."""

import pytest

from genimg_ui.core.speed import SpeedParams, StepCache, check_speed
from genimg_ui.errors import RefusedInput

CACHES = (StepCache.FIRST_BLOCK, StepCache.TAYLORSEER)


@pytest.mark.parametrize(
    "speed",
    [
        SpeedParams(),
        SpeedParams(guidance_end=0.0),
        SpeedParams(step_cache=StepCache.TAYLORSEER),
        SpeedParams(step_cache=StepCache.FIRST_BLOCK, step_cache_threshold=0.2),
    ],
)
def test_what_a_model_can_do_is_taken(speed):
    check_speed(speed, guides=True, caches=CACHES, title="Tiny")


@pytest.mark.parametrize(
    ("speed", "sentence"),
    [
        (SpeedParams(guidance_end=1.1), r"guidance_end must be in \[0, 1\], got 1.1"),
        (SpeedParams(guidance_end=0.5), "guidance_end must be 1, got 0.5"),
        (SpeedParams(step_cache=StepCache.MAGCACHE), "first_block, taylorseer; got magcache"),
        (
            SpeedParams(step_cache=StepCache.TAYLORSEER, step_cache_threshold=0.1),
            "belongs to first_block and magcache, got taylorseer",
        ),
        (
            SpeedParams(step_cache=StepCache.FIRST_BLOCK, step_cache_threshold=0.0),
            r"step_cache_threshold must be in \(0, 1\], got 0",
        ),
    ],
)
def test_what_it_cannot_is_refused(speed, sentence):
    with pytest.raises(RefusedInput, match=sentence):
        check_speed(speed, guides=False, caches=CACHES, title="Tiny")
