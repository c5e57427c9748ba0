"""The trash is emptied at once and again after each period, whatever went wrong before."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from genimg_ui.errors import StorageError
from genimg_ui.history.store import Store
from genimg_ui.housekeeping import Housekeeping


class Counting(Store):
    """A store whose first emptyings fail, each in another way."""

    calls = 0
    troubles = (
        StorageError("The disk is full."),
        PermissionError("not yours"),
        sqlite3.IntegrityError("still named"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.well = threading.Event()

    def purge_bins(self, usual: float = 0.0) -> int:
        self.calls += 1
        if self.calls <= len(self.troubles):
            raise self.troubles[self.calls - 1]
        self.well.set()
        return super().purge_bins(usual)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Counting]:
    opened = Counting.open(tmp_path)
    yield opened
    opened.close()


def test_rounds_follow_each_other_and_end(
    store: Counting, caplog: pytest.LogCaptureFixture
) -> None:
    keeping = Housekeeping(store, period=0.01)
    keeping.start()
    assert store.well.wait(10)
    keeping.stop()
    assert "The trash could not be emptied: The disk is full." in caplog.text
    assert "PermissionError: not yours" in caplog.text and "still named" in caplog.text
    calls = store.calls
    threading.Event().wait(0.05)
    assert store.calls == calls
