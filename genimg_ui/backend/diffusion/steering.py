"""What is told to the denoiser before each of its evaluations, besides what a pipeline tells it.

Reference adapters hold for a part of the steps only, and pipelines for inpainting have no
argument for T2I-Adapters. Both are done by a hook of torch on the denoiser, for one picture.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

Steer = Callable[[float, dict[str, Any]], None]
"""(fraction of the evaluations that are over, [0, 1); the denoiser's keyword arguments)."""


@contextmanager
def steered(denoiser: Any, steers: Sequence[Steer], evaluations: int) -> Iterator[None]:
    """Call each of `steers` before each of the `evaluations` of one picture.

    They may change the arguments that they are given.
    """
    if not steers:
        yield
        return
    calls = count()

    def before(_module: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        done = next(calls) / evaluations
        for steer in steers:
            steer(done, kwargs)
        return args, kwargs

    handle = denoiser.register_forward_pre_hook(before, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


def holds(fraction: float, start: float, end: float) -> bool:
    """Whether something from `start` until `end` holds at this fraction of the evaluations.

    As diffusers decides for ControlNets: the first evaluation at or after `start` is the first.
    """
    return start <= fraction < end
