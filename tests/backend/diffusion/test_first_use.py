"""A model of the hub is downloaded by the first edit that needs it: told, cancelled, then used."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sampling_support import generate, job, spec

from genimg_ui.backend.base import BackendJob, CancelToken, Preview, Progress
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.core.request import ControlUnit
from genimg_ui.errors import Cancelled, ModelUnavailable
from genimg_ui.registry import ModelSpec
from genimg_ui.weights.folders import cached_snapshot
from tests.hub_server import Hub, Trouble, be_the_only_hub, running

pytestmark = pytest.mark.torch
CANNY = ControlUnit(kind="canny")


@pytest.fixture
def hub(models: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub that has the tiny model of sd15 and its ControlNet."""
    with running(Hub()) as served:
        be_the_only_hub(served, monkeypatch, tmp_path / "hub")
        served.add_folder("tiny/sd15", models / "sd15")
        served.add_folder("tiny/control", models / "sd15_control")
        yield served


@pytest.fixture
def on_hub(models: Path) -> ModelSpec:
    return spec(models / "sd15", source="tiny/sd15", controls=(("canny", "tiny/control"),))


class Watcher:
    """Notes what a job tells, and cancels it once `word` is told."""

    def __init__(self, word: str = "") -> None:
        self.told: list[str] = []
        self.cancel = CancelToken()
        self._word = word

    def __call__(self, event: Progress | Preview) -> None:
        if isinstance(event, Progress):
            self.told.append(event.text)
            if self._word and self._word in event.text:
                self.cancel.cancel()


def run(backend: DiffusersBackend, work: BackendJob, watcher: Watcher) -> np.ndarray:
    return backend.generate(work, watcher, watcher.cancel).patches[0]


def test_the_first_edit_downloads_and_the_next_does_not(hub, on_hub, models):
    watcher = Watcher()
    painted = run(DiffusersBackend(), job(on_hub, control=CANNY), watcher)
    weights = [text for text in watcher.told if text.startswith("downloading unet/")]
    assert " of " in weights[-1] and "B" in weights[-1]
    assert cached_snapshot("tiny/sd15") and cached_snapshot("tiny/control")
    here = spec(models / "sd15")
    again = generate(DiffusersBackend(), job(here, control=CANNY)).patches[0]
    assert np.array_equal(painted, again)
    hub.asked.clear()
    run(DiffusersBackend(), job(on_hub, control=CANNY), Watcher())
    assert not hub.asked


def test_a_cancel_ends_the_download(hub, on_hub):
    hub.slow = 0.02
    watcher = Watcher("downloading unet/")
    with pytest.raises(Cancelled):
        run(DiffusersBackend(), job(on_hub), watcher)
    assert cached_snapshot("tiny/sd15") is None


def test_wrong_weights_are_told_and_not_loaded(hub, on_hub, monkeypatch):
    monkeypatch.setattr("genimg_ui.weights.transfer.PAUSE_SECONDS", 0.0)
    hub.trouble = Trouble("wrong", only=".safetensors")
    with pytest.raises(ModelUnavailable, match="arrived twice with the digest"):
        run(DiffusersBackend(), job(on_hub), Watcher())
    hub.trouble = Trouble("gated")
    with pytest.raises(ModelUnavailable, match="is gated: accept its terms"):
        run(DiffusersBackend(), job(on_hub), Watcher())
