"""What a UNet's layers make of the prompt alone: made once for a picture, not in each of its steps.

Cross-attention projects the prompt's embeddings to keys and values in every step, and some UNets
pool them again, though the sampler hands over the very same tensor each time. Here such a layer
gives its last answer again for as long as its input is that tensor, unchanged: it is the one that
it would compute, equal in every bit.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from genimg_ui.backend.diffusion.overlay import overlaid

PROJECTIONS = (".attn2.to_k", ".attn2.to_v", ".attn2.to_kv")  # the last where they are fused
POOLED = "add_embedding"
_JIT: Any = torch.jit  # without types


@contextmanager
def projected_once(
    networks: Sequence[Any], *, possible: bool = True
) -> Iterator[Mapping[Any, tuple["Once", ...]]]:
    """While the block runs, layers of `networks` that see the prompt alone answer once for it.

    Yields those layers for each network. What is no network is passed over. Not `possible` where
    layers are compiled, or come and go with their weights: both rely on every layer being run.
    """
    found: dict[Any, tuple[Once, ...]] = {}
    with ExitStack() as stack:
        for network in networks if possible else ():
            if isinstance(network, torch.nn.Module):
                layers: list[Once] = []
                for name, layer in network.named_modules():
                    if name.endswith(PROJECTIONS) or name == POOLED:
                        layers.append(Once(layer.forward))
                        stack.enter_context(overlaid(layer, "forward", layers[-1]))
                found[network] = tuple(layers)
        yield found


class Once:
    """A layer's forward with its last answer."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        self._ask = ask
        self.given: torch.Tensor | None = None  # held, so that no other can take its place
        self._version = 0
        self._answer: Any = None
        self._told: torch.Tensor | None = None

    def __call__(self, given: Any, *places: Any, **named: Any) -> Any:
        if _JIT.is_tracing():  # what was answered before must be no constant of a graph
            return self._ask(given, *places, **named) if self._told is None else self._told
        if places or named or not isinstance(given, torch.Tensor) or given.is_inference():
            return self._ask(given, *places, **named)
        if given is not self.given or given._version != self._version:  # torch counts writes
            self.given, self._version = given, given._version
            self._answer = self._ask(given)
        return self._answer

    def place_in(self, leaves: Sequence[Any]) -> int | None:
        """Which of a network's arguments it was given last; None where it was none of them."""
        if self.given is None:
            return None
        return next((place for place, leaf in enumerate(leaves) if leaf is self.given), None)

    @contextmanager
    def answering(self, told: torch.Tensor) -> Iterator[None]:
        """While the block runs, a graph that is recorded takes `told` for its answer."""
        self._told = told
        try:
            yield
        finally:
            self._told = None
