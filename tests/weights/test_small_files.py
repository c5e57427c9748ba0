"""Named files of a hub repository: fetched together, checked, told where they are absent."""

import pytest

from genimg_ui.errors import ModelUnavailable
from genimg_ui.weights import folders
from genimg_ui.weights.fetch import OnFetching
from genimg_ui.weights.small_files import folder_with
from tests.hub_server import Hub, Trouble


def ask(*names: str) -> object:
    return folder_with("tiny/maps", names, OnFetching(), title="The annotator x", download_mb=3)


def test_named_files_come_from_the_hub(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "hub_reachable", lambda: True)
    hub.models["tiny/maps"] = {"a.pth": b"weights", "b.pth": b"more", "c.pth": b"others"}
    folder = folder_with(
        "tiny/maps", ["a.pth", "b.pth"], OnFetching(), title="The annotator x", download_mb=3
    )
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "a.pth": b"weights",
        "b.pth": b"more",
    }
    hub.asked.clear()
    assert ask("a.pth") == folder and not hub.asked
    with pytest.raises(ModelUnavailable, match="it has no file z.pth"):
        ask("z.pth")
    hub.trouble = Trouble("wrong")
    with pytest.raises(ModelUnavailable, match="arrived twice with the digest"):
        ask("c.pth")


def test_without_a_hub_it_says_what_is_needed(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    del hub
    monkeypatch.setattr(folders, "hub_reachable", lambda: False)
    with pytest.raises(ModelUnavailable, match="The annotator x needs a.pth of tiny/maps .about 3"):
        ask("a.pth")
