"""What a killed removal left behind in the hub's cache goes at the next start."""

from pathlib import Path

import pytest
from huggingface_hub import constants

from genimg_ui.weights.fetch import locked_name
from genimg_ui.weights.removal import GOING, sweep


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def test_remains_go_and_models_stay(cache: Path) -> None:
    sweep()
    assert not list(cache.iterdir())  # nothing to do leaves no lock behind
    for name in (f"{GOING}123", "models--tiny--model"):
        (cache / name / "blobs").mkdir(parents=True)
        (cache / name / "blobs" / "one").write_bytes(b"weights")
    with locked_name(GOING, wait=lambda: None):
        sweep()  # a removal is going on
        assert (cache / f"{GOING}123" / "blobs" / "one").is_file()
    sweep()
    assert not (cache / f"{GOING}123").exists()
    assert (cache / "models--tiny--model" / "blobs" / "one").is_file()
