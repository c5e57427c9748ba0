"""A hub on this machine, an empty cache, and a shelf over a data folder of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from genimg_ui.registry.live import OWN_FILE, LiveRegistry
from genimg_ui.shelf.machine import Machine
from genimg_ui.shelf.shelf import ModelShelf
from tests.hub_models import pipeline
from tests.hub_server import Hub, be_the_only_hub, running

MODELS = """
default: exemplar
models:
  exemplar: {engine: exemplar, title: Exemplar, licence: Apache-2.0, memory_gib: 1}
  tiny:
    source: tiny/model
    family: sd15
    title: Tiny
    licence: OpenRAIL
    controls: {canny: tiny/control, depth: tiny/control}
  twin: {source: tiny/model, family: sd15, title: Twin, licence: OpenRAIL}
  gift: {source: tiny/gift, family: sd15, title: Gift, licence: NC-1, non_commercial: true}
"""
MakeShelf = Callable[..., ModelShelf]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """The local hub as the only one; its cache is empty."""
    with running(Hub()) as served:
        be_the_only_hub(served, monkeypatch, tmp_path / "hub")
        for name in ("tiny/model", "tiny/gift", "tiny/other"):
            served.models[name] = pipeline()
        yield served


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeShelf]:
    """Makes shelves over one data folder, as restarts of the program do."""
    made: list[ModelShelf] = []
    (tmp_path / "models.yaml").write_text(MODELS)

    def shelf(**options: Any) -> ModelShelf:
        data = tmp_path / "data"
        data.mkdir(exist_ok=True)
        registry = LiveRegistry(tmp_path / "models.yaml", data / OWN_FILE)
        machine = Machine(cores=2, ram_gib=16.0)
        made.append(ModelShelf(data, registry, machine=lambda: machine, **options))
        return made[-1]

    yield shelf
    for one in made:
        one.close()
