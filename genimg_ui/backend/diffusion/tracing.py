"""Runs a small UNet on the processor as a recorded graph: the same kernels, without Python between.

A small network spends a third of its time in Python, between its layers. torch.jit records once
which kernels an evaluation calls, for arguments of one form (shapes, types, numbers), and calls the
same ones again in the same order from then on: the result is equal in every bit, so that nothing
of it need be asked for again. Recording takes as long as ten evaluations, so it is done between
two edits (`Traces.settle`), or within one that is long enough. Layers that see the prompt alone
(`prompt_layers`) stay outside the graph, and give it what they have answered already.
"""

import logging
import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch.utils import _pytree as trees

from genimg_ui.backend.device import is_out_of_memory
from genimg_ui.backend.diffusion.overlay import overlaid
from genimg_ui.backend.diffusion.prompt_layers import Once, projected_once
from genimg_ui.backend.diffusion.quantising import is_quantised

log = logging.getLogger(__name__)
PAYS = 40  # evaluations in which recording on the way pays off, and something is left
RECURS = 8  # evaluations that let expect more of the same form, in the next edit
WAITING = 2  # forms that wait to be recorded: guidance that ends early has two
PRIMED = 2  # the evaluation of a picture in which the prompt's layers have answered once
MOST_GRAPHS = 8  # of a network; a form more drops the one that was used longest ago
MOST_PARAMETERS = 100_000_000  # kernels of larger networks take so long that Python is nothing
KINDS = ("UNet2DConditionModel", "ControlNetModel")  # whose code asks no tensor for its values
_PLAIN = (bool, int, float, str, type(None))
_CANNOT: Any = None  # in place of a graph
_JIT: Any = torch.jit  # without types


@dataclass(frozen=True, slots=True)
class _Graph:
    """What was recorded: `run` maps tensors to a tuple of tensors, put together as `form` says.

    `once` tells for each layer that stays outside which of the arguments it reads; None: it is
    inside.
    """

    run: Callable[..., tuple[torch.Tensor, ...]]
    form: Any
    once: tuple[int | None, ...]


@dataclass(slots=True)
class _Kept:
    """All that is known of one network, as long as its weights are `weights`."""

    weights: Hashable
    seen: dict[Hashable, int] = field(default_factory=dict)
    graphs: OrderedDict[Hashable, _Graph | None] = field(default_factory=OrderedDict)
    waiting: OrderedDict[Hashable, tuple[list[Any], Any]] = field(default_factory=OrderedDict)

    def keep(self, key: Hashable, graph: _Graph | None) -> None:
        """Keep a graph, or that there can be none."""
        self.graphs[key] = graph
        self.waiting.pop(key, None)
        if len(self.graphs) > MOST_GRAPHS:
            self.graphs.popitem(last=False)

    def wait(self, key: Hashable, leaves: list[Any], form: Any) -> None:
        """Remember arguments of this form for `Traces.settle`; their values are of no account."""
        self.waiting[key] = (leaves, form)
        self.waiting.move_to_end(key)
        if len(self.waiting) > WAITING:
            self.waiting.popitem(last=False)


class Traces:
    """The graphs of a loaded model's networks; they share its weights, and go with them."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[torch.nn.Module, _Kept] = WeakKeyDictionary()

    def of(self, network: torch.nn.Module) -> _Kept:
        """What is kept of a network; nothing where its weights are others than before."""
        weights = tuple((each.data_ptr(), each._version) for each in network.parameters())
        kept = self._kept.get(network)
        if kept is None or kept.weights != weights:
            kept = self._kept[network] = _Kept(weights)
        return kept

    def settle(self) -> None:
        """Record, between two edits, what the last one has evaluated often."""
        for network in list(self._kept):
            kept = self.of(network)
            for key, (leaves, form) in list(kept.waiting.items()):
                if kept.seen[key] >= RECURS:
                    places, named = trees.tree_unflatten(leaves, form)
                    with torch.no_grad(), projected_once((network,)) as once:
                        network.forward(*places, **named)  # its layers read the prompt
                        kept.keep(key, _recorded(network.forward, once[network], leaves, form))
            kept.waiting.clear()

    def clear(self) -> None:
        """Forget every graph."""
        self._kept.clear()

    def count(self, network: torch.nn.Module) -> int:
        """How many graphs of a network there are."""
        kept = self._kept.get(network)
        return 0 if kept is None else sum(graph is not _CANNOT for graph in kept.graphs.values())


@contextmanager
def traced(
    networks: Sequence[Any],
    traces: Traces,
    evaluations: int,
    *,
    once: Mapping[Any, tuple[Once, ...]],
    possible: bool,
) -> Iterator[None]:
    """While the block runs, those of `networks` that are small run as graphs where that pays.

    `evaluations` is how often each is run in this picture, `once` are their layers that answer
    once for a prompt. Not `possible` where layers come and go, or are told numbers by the way.
    """
    with ExitStack() as stack:
        for network in networks if possible else ():
            if is_small(network):
                kept = traces.of(network.requires_grad_(False))  # constants of a graph have none
                run = _Traced(network.forward, kept, evaluations, once.get(network, ()))
                stack.enter_context(overlaid(network, "forward", run))
        yield


def is_small(network: Any) -> bool:
    """Whether a network is of a kind that can be recorded, and so small that it is worth it."""
    if type(network).__name__ not in KINDS or network.device.type != "cpu" or is_quantised(network):
        return False
    return bool(sum(each.numel() for each in network.parameters()) <= MOST_PARAMETERS)


class _Traced:
    """A network's forward for one picture."""

    def __init__(
        self, forward: Callable[..., Any], kept: _Kept, evaluations: int, once: tuple[Once, ...]
    ) -> None:
        self._forward = forward
        self._kept = kept
        self._left = evaluations
        self._calls = 0
        self._once = once

    def __call__(self, *places: Any, **named: Any) -> Any:
        self._calls += 1
        self._left -= 1
        leaves, form = trees.tree_flatten((places, named))
        key = _key(leaves, form)
        if key is None or torch.is_grad_enabled():
            return self._forward(*places, **named)
        kept = self._kept
        if key not in kept.graphs:
            seen = kept.seen[key] = kept.seen.get(key, 0) + 1
            if self._calls < PRIMED or seen + self._left < PAYS:
                kept.wait(key, leaves, form)
                return self._forward(*places, **named)
            kept.keep(key, _recorded(self._forward, self._once, leaves, form))
        kept.graphs.move_to_end(key)
        graph = kept.graphs[key]
        return self._forward(*places, **named) if graph is None else self._run(graph, leaves)

    def _run(self, graph: _Graph, leaves: Sequence[Any]) -> Any:
        answers = [
            once(leaves[place])
            for once, place in zip(self._once, graph.once, strict=True)
            if place is not None
        ]
        with _JIT.optimized_execution(False):  # as recorded: nothing is fused or reordered
            found = graph.run(*_tensors(leaves), *answers)
        return trees.tree_unflatten(list(found), graph.form)


def _recorded(
    forward: Callable[..., Any], layers: Sequence[Once], leaves: Sequence[Any], form: Any
) -> _Graph | None:
    """Record an evaluation with these arguments; None where it cannot be done."""
    places = tuple(once.place_in(leaves) for once in layers)
    outside = [once for once, place in zip(layers, places, strict=True) if place is not None]
    answers = [once(once.given) for once in outside]
    recording = _Recording(forward, leaves, form, outside)

    def evaluation(*tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return recording(*tensors)  # torch asks for a function with a name

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of shapes that become constants, as they shall
            run = _JIT.trace(evaluation, (*_tensors(leaves), *answers), check_trace=False)
    except (RuntimeError, TypeError, ValueError) as error:
        if is_out_of_memory(error):
            raise
        log.info("an evaluation could not be recorded: %s", error)
        return None
    finally:
        recording.forget()
    return _Graph(run, recording.answer_form, places)


class _Recording:
    """An evaluation as a function of tensors alone."""

    def __init__(
        self, forward: Callable[..., Any], leaves: Sequence[Any], form: Any, outside: Sequence[Once]
    ) -> None:
        self._forward: Any = forward
        self._leaves = list(leaves)
        self._form = form
        self._outside = outside
        self.answer_form: Any = None

    def __call__(self, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        given = iter(tensors)
        leaves = [next(given) if isinstance(leaf, torch.Tensor) else leaf for leaf in self._leaves]
        places, named = trees.tree_unflatten(leaves, self._form)
        with ExitStack() as stack:
            for once, answer in zip(self._outside, given, strict=True):
                stack.enter_context(once.answering(answer))
            found, self.answer_form = trees.tree_flatten(self._forward(*places, **named))
        return tuple(found)

    def forget(self) -> None:
        """Let go of the network and the arguments: torch keeps what it has recorded."""
        self._forward, self._leaves, self._outside = None, [], ()


def _tensors(leaves: Sequence[Any]) -> list[torch.Tensor]:
    return [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]


def _key(leaves: Sequence[Any], form: Any) -> Hashable:
    """What a graph depends on but for values of tensors; None where that cannot be told."""
    told: list[Hashable] = []
    for leaf in leaves:
        if isinstance(leaf, torch.Tensor):
            told.append((leaf.shape, leaf.stride(), leaf.dtype, leaf.device))
        elif isinstance(leaf, _PLAIN):
            told.append((type(leaf), leaf))
        else:
            return None
    return (form, *told)
