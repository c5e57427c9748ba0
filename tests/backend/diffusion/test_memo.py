"""Answers that are kept: found by equal inputs only, bounded, and the same pixels as without."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genimg_ui.backend.diffusion.memo import Memo, copied, held_bytes, same  # noqa: E402

pytestmark = pytest.mark.torch


class Asked:
    """Counts how often it is asked; its answers differ."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> "torch.Tensor":
        self.times += 1
        return torch.full((4,), float(self.times))


def test_an_equal_input_is_answered_without_asking():
    memo, ask = Memo(), Asked()
    first = memo.answer("vae", (torch.arange(3),), ask)
    again = memo.answer("vae", (torch.arange(3),), ask)
    assert ask.times == 1 and torch.equal(first, again)
    assert (memo.hits, memo.misses) == (1, 1)


@pytest.mark.parametrize(
    "other",
    [
        ("text", (torch.arange(3), {"skip": 1})),
        ("vae", (torch.arange(4), {"skip": 1})),
        ("vae", (torch.arange(3) + 1, {"skip": 1})),
        ("vae", (torch.arange(3).float(), {"skip": 1})),
        ("vae", (torch.arange(3), {"skip": 2})),
        ("vae", (torch.arange(3), {"skip": 1, "more": None})),
        ("vae", (torch.arange(3),)),
        ("vae", (torch.tensor([[0, 9], [1, 9], [2, 9]])[:, 0], {"skip": 1})),
    ],
)
def test_whatever_differs_is_asked_anew(other):
    memo, ask = Memo(), Asked()
    memo.answer("vae", (torch.arange(3), {"skip": 1}), ask)
    memo.answer(*other, ask)
    assert ask.times == 2


def test_inputs_that_are_written_into_later_do_not_deceive():
    memo, ask = Memo(), Asked()
    given = torch.zeros(3)
    memo.answer("vae", (given,), ask)
    given += 1
    memo.answer("vae", (given,), ask)
    assert ask.times == 2


def test_the_least_used_answers_go_first():
    memo, ask = Memo(count=2), Asked()
    for key in (1, 2, 1, 3, 1, 2):
        memo.answer("vae", key, ask)
    assert ask.times == 4  # 1, 2, 3, and 2 again


def test_answers_take_no_more_than_their_budget():
    memo, ask = Memo(limit=40), Asked()
    for key in range(9):
        memo.answer("vae", key, ask)
        assert memo.bytes <= 40
    big = memo.answer("vae", "big", lambda: torch.zeros(100))
    assert big.shape == (100,) and memo.bytes <= 40


def test_bytes_are_counted_wherever_they_are_held():
    class Output(dict):
        pass

    tensor = torch.zeros(5)
    assert held_bytes((tensor, [tensor], Output(a=torch.zeros(2)))) == 28
    assert same(copied({"a": [tensor, (1, None)]}), {"a": [tensor, (1, None)]})
    assert not same(np.float32(1), 1.0)
