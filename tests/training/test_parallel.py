"""Lanes: the gradient of a batch is the same on one core and on several."""

import pytest
import torch
from torch import Tensor, nn

from training.parallel import Lanes

pytestmark = pytest.mark.torch


def test_several_lanes_give_the_gradient_of_one() -> None:
    threads = torch.get_num_threads()
    model = nn.Linear(5, 3)
    given = torch.randn(8, 5)

    def loss_of(rows: slice) -> Tensor:
        out: Tensor = model(given[rows])
        return out.square().mean()

    try:
        found = {}
        for count in (1, 2):
            loss = Lanes(list(model.parameters()), count).backward(loss_of, len(given))
            assert model.weight.grad is not None
            found[count] = (loss, model.weight.grad.clone())
    finally:
        torch.set_num_threads(threads)
    assert torch.allclose(found[1][0], found[2][0], atol=1e-6)
    assert torch.allclose(found[1][1], found[2][1], atol=1e-6)
