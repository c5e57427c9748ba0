"""Guidance that ends early, and batches that are split: what is run, and that the sums agree."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from genimg_ui.backend.diffusion.guidance import Evaluations, Guided, evaluated  # noqa: E402

pytestmark = pytest.mark.torch


class Net(torch.nn.Module):
    """Answers with its inputs' sum, and remembers how many samples it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def forward(self, sample: Any, t: Any, words: Any = None, extra: Any = None) -> Any:
        self.batches.append(len(sample))
        if isinstance(sample, list):
            pairs = zip(sample, words, strict=True)
            return ([s + w for s, w in pairs], {0: t})
        shift = 0 if extra is None else extra["text"] + sum(extra["images"])
        return (sample + words + t + shift,)


def _run(how: Guided, what: Evaluations, calls: int, **named: Any) -> tuple[Net, list[Any]]:
    net = Net()
    with evaluated([net], None, how, what):
        answers = [net(**named) for _ in range(calls)]
    assert "forward" not in vars(net)
    return net, answers


BATCH = {
    "sample": torch.tensor([[1.0], [2.0]]),
    "t": torch.tensor(5.0),
    "words": torch.tensor([[10.0], [20.0]]),
    "extra": {"text": torch.tensor([[100.0], [200.0]]), "images": [torch.tensor([[1.0], [7.0]])]},
}


def test_a_batch_of_two_is_run_with_the_prompt_alone_after_the_end():
    net, answers = _run(Guided.BATCH, Evaluations(total=4, end=0.5), 4, **BATCH)
    assert net.batches == [2, 2, 1, 1]
    whole, prompt = answers[0][0], answers[3][0]
    assert torch.equal(prompt[0], whole[1]) and torch.equal(prompt[1], whole[1])


def test_a_batch_of_two_is_run_as_two_where_memory_is_short():
    net, answers = _run(Guided.BATCH, Evaluations(total=2, halved=True), 2, **BATCH)
    _, whole = _run(Guided.BATCH, Evaluations(total=2), 2, **BATCH)
    assert net.batches == [1, 1, 1, 1]
    assert torch.equal(answers[0][0], whole[0][0])


def test_lists_of_two_begin_with_the_prompt():
    given = {
        "sample": [torch.tensor([1.0]), torch.tensor([2.0])],
        "t": torch.tensor([3.0, 3.0]),
        "words": [torch.tensor([10.0]), torch.tensor([20.0])],
    }
    net, answers = _run(Guided.LIST, Evaluations(total=2, end=0.5), 2, **given)
    assert net.batches == [2, 1]
    assert answers[0][0] == [torch.tensor([11.0]), torch.tensor([22.0])]
    assert answers[1][0] == [torch.tensor([11.0]), torch.tensor([11.0])]
    assert torch.equal(answers[1][1][0], given["t"])


def test_the_second_of_two_calls_is_left_out():
    one = {name: value for name, value in BATCH.items() if name != "extra"}
    net, answers = _run(Guided.TURNS, Evaluations(total=3, end=0.4), 6, **one)
    assert net.batches == [2, 2, 2, 2]  # both, then the prompt's alone
    assert answers[4] is answers[5]


@pytest.mark.parametrize("what", [Evaluations(total=2), Evaluations(total=2, end=0, guides=False)])
def test_nothing_is_touched_where_nothing_is_asked(what):
    net = Net()
    with evaluated([net], None, Guided.TURNS, what):
        assert "forward" not in vars(net)


def test_a_controlnet_is_run_as_the_denoiser_is():
    net, control = Net(), Net()
    with evaluated([net], control, Guided.BATCH, Evaluations(total=2, end=0.5)):
        for _ in range(2):
            control(**BATCH)
            net(**BATCH)
    assert (net.batches, control.batches) == ([2, 1], [2, 1])


def test_a_refiner_goes_on_counting_where_the_model_stopped():
    net, refiner = Net(), Net()
    with evaluated([net, refiner], None, Guided.BATCH, Evaluations(total=4, end=0.75)):
        for network in (net, net, refiner, refiner):
            network(**BATCH)
    assert (net.batches, refiner.batches) == ([2, 2], [2, 1])
