"""What a UNet's layers make of the prompt is made once for a picture, and equal in every bit."""

from typing import Any

import numpy as np
import pytest
from sampling_support import generate, job, spec

from genimg_ui.backend.diffusion import prompt_layers, sampling
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.backend.diffusion.prompt_layers import projected_once
from genimg_ui.core.request import ControlUnit

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


class _Network(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.add_embedding = torch.nn.Linear(4, 4)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often layers were run, and how often they were asked."""
    runs = [0, 0]
    once = prompt_layers.Once

    class Counting(once):  # type: ignore[misc,valid-type]
        def __init__(self, ask: Any) -> None:
            def counting(*places: Any, **named: Any) -> Any:
                runs[0] += 1
                return ask(*places, **named)

            super().__init__(counting)

        def __call__(self, *places: Any, **named: Any) -> Any:
            runs[1] += 1
            return super().__call__(*places, **named)

    monkeypatch.setattr(prompt_layers, "Once", Counting)
    return runs


@pytest.mark.parametrize("kind", ["sd15_inpaint", "sdxl"])
def test_the_prompt_is_projected_once_for_a_picture_and_pixels_stay(models, kind, monkeypatch):
    control = ControlUnit(kind="canny") if kind == "sdxl" else None
    work = job(spec(models / kind), seeds=(1, 2), control=control)
    backend = DiffusersBackend()
    with monkeypatch.context() as patch:
        patch.setattr(sampling, "projected_once", lambda *_, **__: projected_once(()))
        every_time = generate(backend, work).patches
    runs = counted(monkeypatch)
    once = generate(backend, work).patches
    assert all(np.array_equal(a, b) for a, b in zip(once, every_time, strict=True))
    steps = work.resolved.request.sampling.num_inference_steps
    assert 0 < runs[0] * min(steps, 2) <= runs[1]
    forwards = [vars(m).get("forward") for m in backend._loaded.pipe.unet.modules()]
    assert not any(isinstance(each, prompt_layers.Once) for each in forwards)


def test_a_tensor_that_is_written_into_is_another():
    network, given = _Network(), torch.ones(1, 4)
    plain = network.add_embedding.forward
    with torch.no_grad(), projected_once((network, None)):
        first = network.add_embedding(given)
        assert network.add_embedding(given) is first
        given += 1
        assert torch.equal(network.add_embedding(given), plain(given))
        assert torch.equal(network.add_embedding(torch.ones(1, 4)), first)
    assert network.add_embedding(given) is not network.add_embedding(given)


def test_where_layers_must_run_they_do():
    network, given = _Network(), torch.ones(1, 4)
    with torch.no_grad(), projected_once((network,), possible=False):
        assert network.add_embedding(given) is not network.add_embedding(given)
