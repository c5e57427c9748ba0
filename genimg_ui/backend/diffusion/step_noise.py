"""Noise that ancestral and stochastic samplers add at each step, drawn by us instead of by them.

Such a scheduler draws noise of the crop's shape, so the same seed gives another texture as soon as
the crop grows or moves. Here every draw within `scheduler.step` is answered with noise that
belongs to the canvas (`noise`), whichever scheduler and family it is.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from itertools import count
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from genimg_ui.errors import BackendError

Draw = Callable[[int], torch.Tensor]
"""Number of the draw, from 1 → its noise, in the layout that the pipeline samples in."""


def anchor_steps(scheduler: Any, draw: Draw) -> None:
    """Let every noise of `scheduler.step` come from `draw`; the scheduler is changed in place.

    A step then raises BackendError where it wants noise of another shape.
    """
    step = scheduler.step
    numbers = count(1)

    @wraps(step)  # pipelines look at the signature to see what a step takes
    def anchored(*arguments: Any, **options: Any) -> Any:
        with _Answered(lambda: draw(next(numbers)), type(scheduler).__name__):
            return step(*arguments, **options)

    scheduler.step = anchored


class _Answered(TorchFunctionMode):
    """Within it, `torch.randn` on this thread is answered by `draw`."""

    def __init__(self, draw: Callable[[], torch.Tensor], name: str) -> None:
        super().__init__()
        self._draw = draw
        self._name = name

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        options = kwargs or {}
        if func is not torch.randn:
            return func(*args, **options)
        noise, wanted = self._draw(), torch.Size(args[0] if len(args) == 1 else args)
        if noise.shape != wanted:
            raise BackendError(
                f"{self._name} wants noise of the shape {tuple(wanted)}, and the canvas's has "
                f"{tuple(noise.shape)}: switch `Anchored step noise` off."
            )
        return noise.to(dtype=options.get("dtype"), device=options.get("device"))
