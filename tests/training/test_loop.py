"""The loop that all trainings share: it ends, resumes exactly, and averages weights."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from training.curves import plot
from training.loop import CHECKPOINT, Average, Options, Run, rate_factor

pytestmark = pytest.mark.torch


def _run(out: Path, steps: int, *, report_seconds: float = 20.0) -> Run:
    torch.manual_seed(1)
    model = nn.Linear(4, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    options = Options(out=out, steps=steps, report_seconds=report_seconds)
    return Run(options, model, optimizer, rng=np.random.default_rng(5))


def _go(run: Run, until: int) -> None:
    for tick in run:
        if tick.step == until:
            run.save()
            return
        tick.set_rate(0.1, warmup=2)
        numbers = torch.from_numpy(run.rng.random((8, 4), dtype=np.float32)) + torch.rand(8, 4)
        loss = (run.model(numbers) - numbers.sum(1, keepdim=True)).square().mean()
        run.optimizer.zero_grad()
        torch.autograd.backward(loss)
        run.optimizer.step()
        run.record(pictures=8, loss=loss)


def _state(run: Run) -> list[Tensor]:
    return [*run.model.state_dict().values(), *run.average.weights.values()]


def test_an_interrupted_run_ends_as_one_that_went_through(tmp_path: Path) -> None:
    through = _run(tmp_path / "a", 9)
    _go(through, 100)
    first = _run(tmp_path / "b", 9)
    _go(first, 4)
    torch.manual_seed(77)  # what the process drew since must not matter
    second = _run(tmp_path / "b", 9)
    assert second.step == 4 and second.pictures == 32
    _go(second, 100)
    assert second.step == through.step == 9
    for a, b in zip(_state(through), _state(second), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    assert (tmp_path / "b" / "loss.png").exists()
    assert not list((tmp_path / "b").glob("*.tmp"))


def test_minutes_count_over_restarts(tmp_path: Path) -> None:
    run = _run(tmp_path, 3)
    run.seconds = 50.0
    run.save()
    again = Run(
        Options(out=tmp_path, minutes=1.0), run.model, run.optimizer, rng=np.random.default_rng(0)
    )
    assert 50 / 60 <= again.fraction() < 1
    again.seconds = 60.0
    assert not list(again)


def test_a_finished_run_does_nothing_more(tmp_path: Path) -> None:
    _go(_run(tmp_path, 3), 100)
    assert not list(_run(tmp_path, 3))


def test_the_average_follows_and_gives_the_weights_back() -> None:
    model = nn.Linear(1, 1, bias=False)
    model.weight.data.fill_(0.0)
    average = Average(model, decay=0.5)
    model.weight.data.fill_(1.0)
    for _ in range(40):
        average.update(model)
    model.weight.data.fill_(3.0)
    with average.applied_to(model):
        assert not model.training and not torch.is_grad_enabled()
        assert model.weight.item() == pytest.approx(1.0, abs=1e-3)
    assert model.weight.item() == 3.0
    assert torch.is_grad_enabled()


def test_frozen_weights_are_not_averaged() -> None:
    model = nn.Linear(1, 1)
    model.bias.requires_grad_(False)
    assert list(Average(model).weights) == ["weight"]


def test_the_rate_warms_up_and_falls_to_its_floor() -> None:
    rates = [rate_factor(step / 1000, step, warmup=100) for step in range(1000)]
    top = int(np.argmax(rates))
    assert 90 <= top <= 101 and rates[0] == pytest.approx(0.01)
    assert all(a <= b for a, b in zip(rates[:top], rates[1 : top + 1], strict=True))
    assert all(a >= b for a, b in zip(rates[top:-1], rates[top + 1 :], strict=True))
    assert rate_factor(1.0, 1000, 100) == pytest.approx(0.02)


def test_a_run_needs_an_end(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--minutes"):
        Options(out=tmp_path)


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    run = _run(tmp_path, 3, report_seconds=0.0)
    with pytest.raises(FloatingPointError, match="smaller learning rate"):
        run.record(pictures=1, loss=math.nan)
    assert not (tmp_path / CHECKPOINT).exists()


def test_the_plot_is_drawn_also_of_nothing(tmp_path: Path) -> None:
    plot([], tmp_path / "empty.png")
    plot([{"step": 1.0, "minutes": 0.1, "loss": 2.0}], tmp_path / "one.png")
    assert (tmp_path / "empty.png").stat().st_size > 0
    assert (tmp_path / "one.png").read_bytes() != (tmp_path / "empty.png").read_bytes()
