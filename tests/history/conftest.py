"""A store in a fresh folder, and entries without an engine."""

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from genimg_ui.core.request import EditInputs, EditRequest, SamplingParams
from genimg_ui.history.names import session_id, utc_now
from genimg_ui.history.record import EntryState, LogEntry, ResultRecord, ResultReport
from genimg_ui.history.schema import MIGRATIONS
from genimg_ui.history.store import Store

MakeEntry = Callable[..., LogEntry]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def ann() -> str:
    return session_id("a" * 32)


@pytest.fixture
def bob() -> str:
    return session_id("b" * 32)


@pytest.fixture
def make_entry() -> MakeEntry:
    """Build entries; `results` are sha256 of result files, the n-th has seed n."""
    numbers = itertools.count()

    def make(
        *results: str,
        source: str = "5" * 64,
        mask: str | None = None,
        prompt: str = "",
        state: EntryState = EntryState.DONE,
    ) -> LogEntry:
        report = ResultReport(
            changed_outside=0,
            pixels_outside=9,
            changed_inside=1,
            pixels_inside=1,
            seam=1.0,
            colour_shift=0.5,
        )
        records = (
            ResultRecord(sha256=sha, pixels_sha256=sha[::-1], seed=i, report=report)
            for i, sha in enumerate(results)
        )
        return LogEntry(
            id=f"entry{next(numbers):04d}",
            created=utc_now(),
            state=state,
            request=EditRequest(sampling=SamplingParams(prompt=prompt)),
            inputs=EditInputs(source=source, mask=mask),
            results=tuple(records),
        )

    return make


def bring_back(store: Store, version: int) -> None:
    """Make the store's index what a program of that schema would have written."""
    store.close()
    path = store.data_dir / "genimg.db"
    kept = path.with_name("kept.db")
    path.rename(kept)
    with sqlite3.connect(path, isolation_level=None) as old:
        for script in MIGRATIONS[:version]:
            old.executescript(script)
        old.execute("ATTACH ? AS kept", (str(kept),))
        for table in ("entries", "results", "logs", "drafts", "jobs"):
            names = ", ".join(row[1] for row in old.execute(f"PRAGMA main.table_info({table})"))
            old.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM kept.{table}")
        old.execute("DETACH kept")
        old.execute(f"PRAGMA user_version = {version}")
    old.close()
    for extra in store.data_dir.glob("kept.db*"):
        extra.unlink()
