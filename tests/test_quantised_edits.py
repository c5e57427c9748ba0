"""Whole edits with networks in fewer bits: kept in the entry, replayed, and told where undone."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from genimg_ui.backend.base import CancelToken
from genimg_ui.core.geometry import Size
from genimg_ui.editor import Editor
from genimg_ui.history.record import EntryState
from genimg_ui.registry import Registry, load_registry
from genimg_ui.replay import Subject, Verdict, replay
from genimg_ui.replay.changes import changes
from tests.editing import Desk, changed, may_change, painted, photograph, png, request

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(
        importlib.util.find_spec("torchao") is None, reason="torchao is not installed"
    ),
]
MODELS = """
models:
  small: {{source: {root}/flux, native_size: 64, quantisation: {{transformer: int8}}}}
"""
PLAIN = "models:\n  small: {{source: {root}/flux, native_size: 64}}\n"
SIZE = Size(53, 37)
MASK = painted(*SIZE, (20, 10, 31, 20))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    builders = "tests.backend.tiny_flow_models"
    tiny = pytest.importorskip(builders, reason="torch and diffusers are not installed")
    tiny.torch.set_num_threads(1)  # more only wait for each other on models this small
    folder: Path = tmp_path_factory.mktemp("tiny")
    tiny.make_flux(folder / "flux")
    for name, text in (("models.yaml", MODELS), ("plain.yaml", PLAIN)):
        (folder / name).write_text(text.format(root=folder), encoding="utf-8")
    return folder


@pytest.fixture
def desk(root: Path, tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path / "data", *load_registry(root / "models.yaml").all())
    yield opened
    opened.pool.release()
    opened.close()


def test_an_edit_is_recorded_replays_and_tells_what_was_undone(desk: Desk, root: Path) -> None:
    asked = request("small", prompt="a red house", num_inference_steps=2, guidance_scale=3.5)
    source = photograph(*SIZE)
    entry = desk.edit(asked, png(source), MASK)
    assert entry.state is EntryState.DONE, entry.error
    assert entry.model is not None and entry.model.quantisation == "transformer int8"
    assert entry.environment["torchao"]
    difference = changed(source, desk.result(entry), asked.border)
    assert not (difference & ~may_change(MASK, source.size, asked)).any()
    assert np.any(difference)
    subject = Subject(entry=entry, store=desk.store)
    assert replay(desk.editor, subject).verdict is Verdict.IDENTICAL
    undone = Registry(load_registry(root / "plain.yaml").all(), "small")
    other = Editor(desk.store, undone, desk.pool)
    outcome = replay(other, subject)
    assert outcome.verdict is not Verdict.IDENTICAL
    plain = other.apply(asked, entry.inputs, on_event=lambda _: None, cancel=CancelToken())
    assert "quantisation was transformer int8, is absent" in set(changes(entry, plain))
