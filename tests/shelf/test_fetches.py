"""Stopping downloads: those that wait leave at once, and what was stopped may be asked for anew."""

import threading
import time

import pytest

from genimg_ui.errors import Cancelled
from genimg_ui.shelf import fetches
from genimg_ui.shelf.fetches import State
from tests.hub_server import Hub
from tests.shelf.conftest import MakeShelf
from tests.shelf.test_shelf import ended


def test_a_waiting_download_is_stopped_at_once(hub: Hub, make: MakeShelf) -> None:
    shelf = make()
    hub.slow = 0.05
    shelf.fetch("tiny")
    while shelf.downloads.all()[("tiny", "")].done < 100_000:
        time.sleep(0.01)
    shelf.fetch("twin")
    shelf.stop("twin")
    states = {model: one.state for (model, _), one in shelf.downloads.all().items()}
    assert states == {"tiny": State.RUNNING, "twin": State.STOPPED}
    shelf.fetch("twin")
    assert shelf.downloads.all()[("twin", "")].state is State.QUEUED
    hub.slow = 0.0
    assert ended(shelf, "twin").state is State.DONE


@pytest.mark.usefixtures("hub")
def test_a_fetch_while_the_stop_takes_effect_is_not_lost(
    make: MakeShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = make()
    running, let_go, bring = threading.Event(), threading.Event(), fetches.bring

    def slow_to_stop(part: fetches.Part, watch: fetches.OnFetching) -> None:
        if running.is_set():
            bring(part, watch)
            return
        running.set()
        assert let_go.wait(30)
        raise Cancelled

    monkeypatch.setattr(fetches, "bring", slow_to_stop)
    shelf.fetch("tiny")
    assert running.wait(30)
    shelf.stop("tiny")
    shelf.fetch("tiny")
    assert shelf.downloads.all()[("tiny", "")].state is State.QUEUED
    let_go.set()
    assert ended(shelf, "tiny").state is State.DONE
