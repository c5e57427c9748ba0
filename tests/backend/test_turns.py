"""One job at a time, and a way out of the queue."""

import threading

import pytest

from genimg_ui.backend.base import CancelToken
from genimg_ui.backend.turns import Turns
from genimg_ui.errors import Cancelled


def test_who_waits_can_be_cancelled_and_the_turn_is_free_again_afterwards() -> None:
    turns, token = Turns(), CancelToken()
    token.cancel()
    with turns.mine(), pytest.raises(Cancelled), turns.mine(token):
        pass
    with turns.mine(token):
        pass


def test_a_failing_job_gives_its_turn_back() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="lost"), turns.mine():
        raise ValueError("lost")
    got = threading.Event()
    thread = threading.Thread(target=lambda: _taken(turns, got))
    thread.start()
    thread.join(5)
    assert got.is_set()


def _taken(turns: Turns, got: threading.Event) -> None:
    with turns.mine():
        got.set()
