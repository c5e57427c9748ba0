"""What every training shares: a budget, a schedule, averaged weights, checkpoints, a loss plot.

A training is a plain loop over a `Run`:

    run = Run(options, model, optimizer, rng=rng)
    for tick in run:                       # goes on where a run in the same folder stopped
        tick.set_rate(2e-3, warmup=100)
        ...                                # backward and optimizer.step()
        run.record(pictures=32, loss=loss)
        if run.due("samples", minutes=5):
            with run.average.applied_to(model):
                ...
"""

import argparse
import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from training.curves import plot

OUTPUT = Path("training/output")
CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class Options:
    """Where a run writes, how long it may take and on what it computes.

    minutes: of computing, summed over all restarts; None for no limit.
    steps: optimizer steps, summed over all restarts; None for no limit.
    """

    out: Path
    minutes: float | None = None
    steps: int | None = None
    seed: int = 0
    device: str = "cpu"
    threads: int = 2
    checkpoint_minutes: float = 5.0
    report_seconds: float = 20.0

    def __post_init__(self) -> None:
        if self.minutes is None and self.steps is None:
            raise ValueError("a run needs an end: give --minutes, --steps or both")


def add_arguments(parser: argparse.ArgumentParser, part: str, minutes: float) -> None:
    """Give a command the flags of `Options`; the folder defaults to training/output/<part>."""
    parser.add_argument("--out", type=Path, default=OUTPUT / part, help="folder of the run")
    parser.add_argument("--minutes", type=float, default=minutes, help="computing time")
    parser.add_argument("--steps", type=int, help="end after so many steps, if earlier")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU")


def options_from(arguments: argparse.Namespace) -> Options:
    """The options that `add_arguments` asked for."""
    return Options(
        out=arguments.out,
        minutes=arguments.minutes,
        steps=arguments.steps,
        seed=arguments.seed,
        device=arguments.device,
        threads=arguments.threads,
    )


def prepare_device(options: Options) -> torch.device:
    """Set the number of threads, seed torch, make the folder; the device to compute on."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    return torch.device(options.device)


def rate_factor(fraction: float, step: int, warmup: int, floor: float = 0.02) -> float:
    """Linear warm-up over `warmup` steps times a cosine over the budget, from 1 to `floor`."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, fraction)))
    return min(1.0, (step + 1) / max(1, warmup)) * (floor + (1 - floor) * cosine)


class Average:
    """An exponential moving average of the trained weights (float32, on their device).

    The decay rises from 0.1 with the number of updates, so that early averages are not the
    random start: min(decay, (1 + n) / (10 + n)).
    """

    def __init__(self, model: nn.Module, decay: float = 0.999) -> None:
        self.decay, self.updates = decay, 0
        self.weights = {n: p.detach().clone() for n, p in _trained(model).items()}

    def update(self, model: nn.Module) -> None:
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        now = [p.detach() for p in _trained(model).values()]
        torch._foreach_lerp_(list(self.weights.values()), now, 1 - decay)

    @contextmanager
    def applied_to(self, model: nn.Module) -> Iterator[None]:
        """Within, the model has the averaged weights, in evaluation mode and without gradients."""
        kept = {n: p.detach().clone() for n, p in _trained(model).items()}
        training = model.training
        self.copy_to(model)
        model.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            _copy(kept, model)
            model.train(training)

    def copy_to(self, model: nn.Module) -> None:
        _copy(self.weights, model)

    def state(self) -> dict[str, Any]:
        return {"updates": self.updates, "weights": self.weights}

    def restore(self, state: dict[str, Any]) -> None:
        self.updates = state["updates"]
        for name, weight in self.weights.items():
            weight.copy_(state["weights"][name])


def _trained(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


def _copy(weights: dict[str, Tensor], model: nn.Module) -> None:
    for name, parameter in _trained(model).items():
        parameter.data.copy_(weights[name])


@dataclass(frozen=True)
class Tick:
    """One step of a run: its number from 0 and the fraction (0..1) of the budget that is used."""

    step: int
    fraction: float
    optimizer: torch.optim.Optimizer

    def set_rate(self, peak: float, warmup: int = 100) -> float:
        """Set the learning rate that the schedule has here; returns it."""
        rate = peak * rate_factor(self.fraction, self.step, warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        return rate


class Stateful(Protocol):
    """What goes into a checkpoint and comes back: modules, optimizers."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any: ...


class Run:
    """A training in a folder: counts its budget, keeps its state, says how it goes.

    Iterating yields a `Tick` per step until the budget is used and writes a last checkpoint then.
    Where the folder holds a checkpoint, its weights, optimizer, average, counters and random
    states are taken over first. The state file is checkpoint.pt, the plot loss.png.
    `beside` is what else learns (a discriminator and its optimizer): it is kept and taken over too.
    """

    def __init__(
        self,
        options: Options,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        rng: np.random.Generator,
        decay: float = 0.999,
        beside: Mapping[str, Stateful] | None = None,
    ) -> None:
        options.out.mkdir(parents=True, exist_ok=True)
        self.options, self.model, self.optimizer, self.rng = options, model, optimizer, rng
        self.average = Average(model, decay)
        self.beside = dict(beside or {})
        self.step, self.pictures, self.seconds = 0, 0, 0.0
        self.history: list[dict[str, float]] = []
        self._sums: dict[str, Tensor | float] = {}
        self._count = self._shown = 0
        self._done: dict[str, float] = {}
        self._since = self._told = time.monotonic()
        if (options.out / CHECKPOINT).exists():
            self._restore()

    def __iter__(self) -> Iterator[Tick]:
        self._since = self._told = time.monotonic()
        self._done.setdefault("checkpoint", self.elapsed())
        while (fraction := self.fraction()) < 1:
            yield Tick(self.step, fraction, self.optimizer)
        self.save()

    def elapsed(self) -> float:
        """Seconds of computing, those before restarts included."""
        return self.seconds + time.monotonic() - self._since

    def fraction(self) -> float:
        """How much of the budget is used: 0 at the start, 1 or more at the end."""
        used = [0.0]
        if self.options.minutes is not None:
            used.append(self.elapsed() / (60 * self.options.minutes))
        if self.options.steps is not None:
            used.append(self.step / self.options.steps)
        return max(used)

    def due(self, what: str, minutes: float) -> bool:
        """Whether `what` was last done `minutes` ago or more (the run's start counts as done)."""
        if self.elapsed() - self._done.setdefault(what, 0.0) < 60 * minutes:
            return False
        self._done[what] = self.elapsed()
        return True

    def record(self, *, pictures: int, **values: Tensor | float) -> None:
        """End a step: update the average, add the values (scalars) to the line, save when due."""
        self.average.update(self.model)
        self.step += 1
        self.pictures += pictures
        self._shown += pictures
        self._count += 1
        for name, value in values.items():
            value = value.detach() if isinstance(value, Tensor) else value
            self._sums[name] = self._sums.get(name, 0.0) + value
        if time.monotonic() - self._told >= self.options.report_seconds:
            self._report()
        if self.due("checkpoint", self.options.checkpoint_minutes):
            self.save()

    def say(self, text: str) -> None:
        """Print one line of progress with the time and the step in front."""
        print(f"[{self.elapsed() / 60:6.1f} min, step {self.step:6d}] {text}", flush=True)

    def _report(self) -> None:
        now = time.monotonic()
        means = {name: float(total) / self._count for name, total in self._sums.items()}
        if not all(math.isfinite(value) for value in means.values()):
            raise FloatingPointError(f"step {self.step}: {means}; use a smaller learning rate")
        speed = self._shown / (now - self._told)
        shown = " ".join(f"{name} {value:.4f}" for name, value in means.items())
        rate = self.optimizer.param_groups[0]["lr"]
        self.say(f"{shown} | rate {rate:.2e} | {speed:.0f} examples/s | {self.fraction():.0%}")
        self.history.append({"step": float(self.step), "minutes": self.elapsed() / 60, **means})
        self._sums, self._count, self._shown, self._told = {}, 0, 0, now

    def save(self) -> None:
        """Write checkpoint.pt (whole or not at all) and loss.png."""
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average.state(),
            "beside": {name: one.state_dict() for name, one in self.beside.items()},
            "counters": (self.step, self.pictures, self.elapsed()),
            "done": self._done,
            "history": self.history,
            "rng": self.rng.bit_generator.state,
            "torch_rng": torch.get_rng_state(),
        }
        path = self.options.out / CHECKPOINT
        torch.save(state, path.with_suffix(".tmp"))
        os.replace(path.with_suffix(".tmp"), path)
        plot(self.history, self.options.out / "loss.png")

    def _restore(self) -> None:
        path = self.options.out / CHECKPOINT
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.restore(state["average"])
        for name, one in self.beside.items():
            one.load_state_dict(state["beside"][name])
        self.step, self.pictures, self.seconds = state["counters"]
        self._done, self.history = state["done"], state["history"]
        self.rng.bit_generator.state = state["rng"]
        torch.set_rng_state(state["torch_rng"])
        self.say(f"goes on from {path}")
