"""What is done once an hour while the program serves: each trash is emptied when it is due."""

import logging
import threading

from genimg_ui.errors import GenimgError
from genimg_ui.history.store import Store

PERIOD = 3600.0  # seconds
_LOG = logging.getLogger(__name__)


class Housekeeping:
    """A thread of its own; an error is logged, and the next round comes all the same."""

    def __init__(self, store: Store, period: float = PERIOD) -> None:
        self._store = store
        self._period = period
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Clean up now, and then once every period."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round that runs."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                freed = self._store.purge_bins()
            except GenimgError as problem:
                _LOG.warning("The trash could not be emptied: %s", problem)
            except Exception:  # a disk or an index in trouble may be well again in an hour
                _LOG.exception("The trash could not be emptied.")
            else:
                if freed:
                    _LOG.info("The trash was emptied: %.1f MB are free again.", freed / 1e6)
            if self._ended.wait(self._period):
                return
