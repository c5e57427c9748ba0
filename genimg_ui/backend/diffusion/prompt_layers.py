"""What a UNet's layers make of the prompt alone: made once for a picture, not in each of its steps.

Cross-attention projects the prompt's embeddings to keys and values in every step, and some UNets
pool them again, though the sampler hands over the very same tensor each time. Here such a layer
gives its last answer again for as long as its input is that tensor, unchanged: it is the one that
it would compute, equal in every bit.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from genimg_ui.backend.diffusion.overlay import overlaid

PROJECTIONS = (".attn2.to_k", ".attn2.to_v", ".attn2.to_kv")  # the last where they are fused
POOLED = "add_embedding"


@contextmanager
def projected_once(networks: Sequence[Any], *, possible: bool = True) -> Iterator[None]:
    """While the block runs, layers of `networks` that see the prompt alone answer once for it.

    What is no network is passed over. Not `possible` where layers are compiled, or come and go
    with their weights: both rely on every layer being run.
    """
    with ExitStack() as stack:
        for network in networks if possible else ():
            if isinstance(network, torch.nn.Module):
                for name, layer in network.named_modules():
                    if name.endswith(PROJECTIONS) or name == POOLED:
                        stack.enter_context(overlaid(layer, "forward", _Once(layer.forward)))
        yield


class _Once:
    """A layer's forward with its last answer."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        self._ask = ask
        self._given: torch.Tensor | None = None  # held, so that no other can take its place
        self._version = 0
        self._answer: Any = None

    def __call__(self, given: Any, *places: Any, **named: Any) -> Any:
        if places or named or not isinstance(given, torch.Tensor) or given.is_inference():
            return self._ask(given, *places, **named)
        if given is not self._given or given._version != self._version:  # torch counts writes
            self._given, self._version = given, given._version
            self._answer = self._ask(given)
        return self._answer
