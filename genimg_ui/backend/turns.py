"""One job at a time for an engine that keeps its weights between jobs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from genimg_ui.backend.base import CancelToken

WAIT_SECONDS = 0.1  # between two looks at the cancel token while another job has the turn


class Turns:
    """Hands the turn to one thread after the other."""

    def __init__(self) -> None:
        self._busy = threading.Lock()

    @contextmanager
    def mine(self, cancel: CancelToken | None = None) -> Iterator[None]:
        """Hold the turn; waiting for it raises Cancelled once `cancel` says so."""
        while not self._busy.acquire(timeout=WAIT_SECONDS):
            if cancel is not None:
                cancel.check()
        try:
            yield
        finally:
            self._busy.release()
