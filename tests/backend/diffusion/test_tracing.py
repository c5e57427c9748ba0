"""Small UNets run as recorded graphs: equal in every bit, for whatever they are given next."""

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sampling_support import generate, job, spec

from genimg_ui.backend.diffusion import sampling, tracing
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.backend.diffusion.prompt_layers import projected_once
from genimg_ui.backend.diffusion.tracing import Traces, is_small, traced
from genimg_ui.backend.pool import BackendPool
from genimg_ui.core.request import ControlUnit
from genimg_ui.core.speed import SpeedParams

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def settled(backend: DiffusersBackend, work: Any) -> Any:
    """The patches of an edit, and then what the worker does while nothing waits."""
    patches = generate(backend, work).patches
    backend.settle()
    return patches


@pytest.mark.parametrize("kind", ["sd15", "sd15_inpaint", "sdxl"])
def test_graphs_draw_the_very_same_pixels(models, kind, monkeypatch):
    monkeypatch.setattr(tracing, "RECURS", 2)
    monkeypatch.setattr(tracing, "WAITING", 4)
    control = None if kind == "sd15" else ControlUnit(kind="canny")
    first = job(spec(models / kind), control=control)
    other = job(spec(models / kind), control=control, seeds=(5, 6), prompt="a blue cat")
    request = other.resolved.request
    speed = replace(request, speed=SpeedParams(guidance_end=0.5))
    saving = replace(other, resolved=replace(other.resolved, request=speed))
    works = (first, other, saving, saving, first)
    plain, own = DiffusersBackend(), DiffusersBackend()
    with monkeypatch.context() as patch:
        patch.setattr(sampling, "traced", lambda *_, **__: nullcontext())
        wanted = [generate(plain, work).patches for work in works]
    found = [settled(own, work) for work in works]
    for one, two in zip(wanted, found, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    loaded = own._loaded
    assert loaded.traces.count(loaded.pipe.unet) >= 2  # with guidance, and without it
    if control is not None:
        assert loaded.traces.count(own._control.pipe.controlnet) >= 1


class UNet2DConditionModel(torch.nn.Module):
    """As small as a network can be whose kind is recorded."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        super().__init__()
        self.add_embedding = torch.nn.Linear(4, 4)
        self.runs = 0

    def forward(self, sample: Any, *, hidden: Any, scale: float) -> tuple[Any, ...]:
        self.runs += 1
        return (sample * scale + self.add_embedding(hidden),)


def evaluate(network: Any, traces: Traces, hidden: Any, *, times: int, scale: float = 1.0) -> Any:
    with (
        torch.no_grad(),
        projected_once((network,)) as once,
        traced((network,), traces, times, once=once, possible=True),
    ):
        for step in range(times):
            found = network(torch.full((2, 4), float(step)), hidden=hidden, scale=scale)
    return found[0]


def test_a_graph_is_made_between_edits_and_takes_what_it_is_given():
    network, traces, hidden = UNet2DConditionModel(), Traces(), torch.ones(2, 4)
    evaluate(network, traces, hidden, times=8)
    assert traces.count(network) == 0 and network.runs == 8
    traces.settle()
    assert traces.count(network) == 1
    before = network.runs
    other = torch.zeros(2, 4)
    found = evaluate(network, traces, other, times=8)
    assert network.runs == before  # Python was not asked again
    with torch.no_grad():
        assert torch.equal(found, torch.full((2, 4), 7.0) + network.add_embedding(other))
        wanted = torch.full((2, 4), 7.0) * 0.5 + network.add_embedding(hidden)
    assert torch.equal(evaluate(network, traces, hidden, times=8, scale=0.5), wanted)


def test_a_long_picture_is_recorded_on_the_way():
    network, traces = UNet2DConditionModel(), Traces()
    evaluate(network, traces, torch.ones(2, 4), times=tracing.PAYS + 2)
    assert traces.count(network) == 1 and network.runs == tracing.PRIMED


def test_other_weights_are_another_network():
    network, traces, hidden = UNet2DConditionModel(), Traces(), torch.ones(2, 4)
    evaluate(network, traces, hidden, times=tracing.PAYS + 2)
    with torch.no_grad():
        network.add_embedding.weight.mul_(2)
        wanted = torch.full((2, 4), 2.0) + network.add_embedding(hidden)
    assert torch.equal(evaluate(network, traces, hidden, times=3), wanted)
    assert traces.count(network) == 0


def test_what_is_large_or_of_another_kind_is_run_as_it_is(monkeypatch):
    network = UNet2DConditionModel()
    assert is_small(network)
    monkeypatch.setattr(tracing, "MOST_PARAMETERS", 19)
    assert not is_small(network)
    assert not is_small(torch.nn.Linear(1, 1)) and not is_small(None)


def test_the_pool_lets_its_engines_settle():
    class Engine:
        settled = 0

        def settle(self) -> None:
            self.settled += 1

    one = Engine()
    BackendPool(backends={"one": one, "other": object()}).settle()  # type: ignore[dict-item]
    assert one.settled == 1
