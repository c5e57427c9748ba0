"""Gradients of a batch on several cores, one part of it on each.

Threads of their own, each computing alone, lose nothing where other programs want the cores too;
the threads inside torch's operators wait for each other hundreds of times in a step and then do.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor, nn


class Lanes:
    """Computes the parts of a batch at the same time; with one lane, simply the batch.

    With several, torch's own operators are limited to one thread each. The loss must draw nothing
    at random, or a run would depend on which thread comes first.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], count: int) -> None:
        self.parameters, self.count = list(parameters), count
        if count > 1:
            torch.set_num_threads(1)
            self._pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))

    def backward(self, loss_of: Callable[[slice], Tensor], size: int) -> Tensor:
        """Set every parameter's gradient to that of the mean loss; returns that loss.

        `loss_of` gives the loss of a part of the batch of `size` examples.
        """
        ends = [size * lane // self.count for lane in range(self.count + 1)]
        parts = [slice(a, b) for a, b in zip(ends, ends[1:], strict=False)]
        if self.count == 1:
            results = [self._one(loss_of, parts[0])]
        else:
            results = list(self._pool.map(lambda part: self._one(loss_of, part), parts))
        total = [gradient / self.count for gradient in results[0][1]]
        for _, gradients in results[1:]:
            torch._foreach_add_(total, gradients, alpha=1 / self.count)
        for parameter, gradient in zip(self.parameters, total, strict=True):
            parameter.grad = gradient
        return torch.stack([loss for loss, _ in results]).mean()

    def _one(
        self, loss_of: Callable[[slice], Tensor], part: slice
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        with torch.enable_grad():
            loss = loss_of(part)
            return loss.detach(), torch.autograd.grad(loss, self.parameters)
