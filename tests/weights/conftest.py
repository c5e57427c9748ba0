"""A hub on this machine and an empty cache, for everything that fetches."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub_server import Hub, be_the_only_hub, running


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """The local hub as the only one; its cache is empty."""
    with running(Hub()) as served:
        be_the_only_hub(served, monkeypatch, tmp_path / "hub")
        yield served
