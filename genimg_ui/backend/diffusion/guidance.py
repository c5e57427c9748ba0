"""How often the denoiser is run for classifier-free guidance (Ho and Salimans 2022).

Guidance evaluates the denoiser with the prompt and without it. diffusers' pipelines do so in
every step: both at once as a batch of two, or one after the other. Here the second evaluation
can be left out once the picture's layout stands (`guidance_end`), and a batch of two can be run
in two halves where memory is short. What is left out is answered with the prompt's own
prediction, so guidance has nothing to add: u + s · (c - u) is exactly c where u is c.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import partial
from itertools import count
from types import MappingProxyType
from typing import Any

import torch

from genimg_ui.backend.diffusion.overlay import overlaid

PAIR = 2  # with the prompt and without


class Guided(Enum):
    """How a family's pipelines evaluate both."""

    BATCH = "a batch of two, the prompt's half last"
    LIST = "lists of two, the prompt's item first"
    TURNS = "two calls, the prompt's first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluations:
    """What is run in a picture's sampling.

    `total` is how often the denoiser is evaluated; `end` the fraction of them after which there
    is no guidance; `guides` whether there is any; `halved` runs a batch of two as two.
    """

    total: int
    end: float = 1.0
    guides: bool = True
    halved: bool = False

    def guided(self, index: int) -> bool:
        """Whether evaluation `index` (from 0) is guided; the law of control_guidance_end."""
        return (index + 1) / self.total <= self.end


@contextmanager
def evaluated(
    denoisers: Sequence[Any], control: Any, how: Guided, what: Evaluations
) -> Iterator[None]:
    """While the block runs, all networks run as `what` says.

    `denoisers` take turns in one picture, as a model and its refiner do; `control` is what holds
    the ControlNets beside them, or None.
    """
    acts = what.guides and (what.end < 1 or (what.halved and how is Guided.BATCH))
    with ExitStack() as stack:
        if acts:
            calls = count()
            for network in denoisers:
                wrapped = _WRAPPERS[how](network.forward, what, calls)
                stack.enter_context(overlaid(network, "forward", wrapped))
            if control is not None and how is not Guided.TURNS:  # there it is run once anyway
                wrapped = _WRAPPERS[how](control.forward, what, count())
                stack.enter_context(overlaid(control, "forward", wrapped))
        yield


class _InTurns:
    """A denoiser that is called with the prompt, then without it."""

    def __init__(
        self, forward: Callable[..., Any], what: Evaluations, calls: Iterator[int]
    ) -> None:
        self._forward = forward
        self._what = what
        self._calls = calls
        self._last: Any = None

    def __call__(self, *places: Any, **named: Any) -> Any:
        index, second = divmod(next(self._calls), PAIR)
        if not second or self._what.guided(index):
            self._last = self._forward(*places, **named)
        return self._last


class _AtOnce:
    """A network that is called with both, as halves of tensors or (`lists`) items of lists."""

    def __init__(
        self,
        forward: Callable[..., Any],
        what: Evaluations,
        calls: Iterator[int],
        *,
        prompt: int,
        lists: bool = False,
    ) -> None:
        self._forward = forward
        self._what = what
        self._prompt = prompt
        self._lists = lists
        self._calls = calls

    def __call__(self, *places: Any, **named: Any) -> Any:
        index = next(self._calls)
        sample = places[0] if places else named.get("hidden_states", named.get("sample"))
        if sample is None or len(sample) != PAIR:
            return self._forward(*places, **named)
        if not self._what.guided(index):
            alone = self._run(self._prompt, places, named)
            return self._joined(alone, alone)
        if not self._what.halved:
            return self._forward(*places, **named)
        return self._joined(self._run(0, places, named), self._run(1, places, named))

    def _run(self, side: int, places: Any, named: Any) -> Any:
        return self._forward(*self._half(places, side), **self._half(named, side))

    def _half(self, given: Any, side: int) -> Any:
        """One half of every tensor, and of every list, that is two long."""
        if isinstance(given, torch.Tensor):
            return given[side : side + 1] if given.dim() and len(given) == PAIR else given
        if isinstance(given, dict):
            return {key: self._half(value, side) for key, value in given.items()}
        if isinstance(given, list) and self._lists and len(given) == PAIR:
            return given[side : side + 1]
        if isinstance(given, list | tuple):
            return type(given)(self._half(value, side) for value in given)
        return given

    def _joined(self, one: Any, other: Any) -> Any:
        """The answers for both halves as one."""
        if isinstance(one, torch.Tensor):
            return torch.cat([one, other])
        if isinstance(one, dict):
            return {key: self._joined(value, other[key]) for key, value in one.items()}
        if isinstance(one, list) and self._lists:
            return [*one, *other]
        if isinstance(one, list | tuple):
            return type(one)(map(self._joined, one, other))
        return one


_WRAPPERS: Mapping[Guided, Callable[..., Any]] = MappingProxyType(
    {
        Guided.BATCH: partial(_AtOnce, prompt=1),
        Guided.LIST: partial(_AtOnce, prompt=0, lists=True),
        Guided.TURNS: _InTurns,
    }
)
