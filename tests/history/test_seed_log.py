"""A log that is torn, wherever it is, is read up to there and goes on."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genimg_ui.history.record import LogEntry
from genimg_ui.history.seed_log import SeedLog, entry_line
from genimg_ui.history.store import Store

MakeEntry = Callable[..., LogEntry]
PROMPT = "Tür, “rot”, 赤い 🚪\n"  # characters of several bytes, which a tear may split
FIXTURES = (HealthCheck.function_scoped_fixture,)


def read(path: Path) -> list[LogEntry]:
    with SeedLog.opened(path) as log:
        return list(log.entries())


def appended(path: Path, *entries: LogEntry) -> None:
    with SeedLog.opened(path) as log:
        for entry in entries:
            log.append(entry)


@given(share=st.floats(0, 1), rest=st.sampled_from([b"", b"\0" * 40, b"\xff\xfe"]))
@settings(max_examples=60, deadline=None, suppress_health_check=FIXTURES)
def test_a_line_torn_at_any_byte(
    tmp_path: Path, make_entry: MakeEntry, share: float, rest: bytes
) -> None:
    """`rest` is what a power cut may leave where the line's end was to be."""
    path = tmp_path / "log.jsonl"
    path.unlink(missing_ok=True)
    first, torn, after = (make_entry(prompt=PROMPT) for _ in range(3))
    appended(path, first)
    line = entry_line(torn).encode()
    with path.open("ab") as log:
        log.write(line[: int(share * (len(line) - 1))] + rest)
    assert read(path) == [first]
    appended(path, after)
    assert read(path) == [first, after]
    kept = path.read_bytes().splitlines()
    assert json.loads(kept[0]) and json.loads(kept[-1])


def test_a_torn_line_costs_no_other_session(
    store: Store, ann: str, bob: str, make_entry: MakeEntry
) -> None:
    mine, other = make_entry(prompt=PROMPT), make_entry()
    store.record(ann, mine)
    store.record(bob, other)
    log = store.seed_log_path(ann)
    log.write_bytes(log.read_bytes()[:-20])
    store.close()
    again = Store.open(store.data_dir)
    assert list(again.entries(bob)) == [other]
    assert list(again.entries(ann)) == [mine]  # the index had it, and the log has it again
    assert read(log) == [mine]
    again.close()


@pytest.mark.parametrize("damage", [b"\n\n", b"null\n", b"[]\n", b"[" * 5000 + b"\n", b'"x"\n'])
def test_lines_that_are_no_entry_are_passed_over(
    tmp_path: Path, make_entry: MakeEntry, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "log.jsonl"
    first, after = make_entry(), make_entry()
    appended(path, first)
    with path.open("ab") as log:
        log.write(damage)
    appended(path, after)
    assert read(path) == [first, after]
    assert ("is passed over" in caplog.text) is bool(damage.strip())
