"""Tiny models on disk, made once for the whole run."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from genimg_ui.backend.base import Backend
from genimg_ui.backend.pool import BackendPool
from genimg_ui.registry import ModelSpec
from genimg_ui.weights import folders


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """The builders; imported late because torch is slow to start."""
    return pytest.importorskip("tiny_models", reason="torch and diffusers are not installed")


@pytest.fixture(scope="session")
def models(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one of each tiny model, by the builder's name."""
    root = tmp_path_factory.mktemp("models")
    plain = ("sd15", "sd15_inpaint", "sdxl", "sdxl_inpaint")
    for name in (*plain, "sd15_control", "sdxl_control", "sdxl_union", "sdxl_refiner"):
        getattr(tiny, f"make_{name}")(root / name)
    return root


@pytest.fixture(scope="session")
def flow_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of the flow families."""
    builders = pytest.importorskip(
        "tests.backend.tiny_flow_models", reason="torch is not installed"
    )
    root = tmp_path_factory.mktemp("flow_models")
    for name in vars(builders):
        if name.startswith("make_"):
            getattr(builders, name)(root / name.removeprefix("make_"))
    return root


@pytest.fixture
def small_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The edit variant of Qwen-Image looks at 128 × 128 pixels instead of a megapixel."""
    module = importlib.import_module("diffusers.pipelines.qwenimage.pipeline_qwenimage_edit")
    usual = module.calculate_dimensions
    monkeypatch.setattr(module, "calculate_dimensions", lambda _, ratio: usual(128 * 128, ratio))


@pytest.fixture(scope="module")
def backend(tiny: ModuleType) -> Backend:
    """A sampler that a module's tests share, so that models are loaded seldom."""
    tiny.torch.set_num_threads(1)  # more only wait for each other on models this small
    return BackendPool().get(
        ModelSpec(id="tiny", title="Tiny", engine="diffusers", licence="Apache-2.0")
    )


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, and a hub that nobody answers for."""
    monkeypatch.setattr(folders, "hub_reachable", lambda: False)
    monkeypatch.setattr(folders.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"
