"""The table has a row for each result and starts no formula."""

import csv
import io
from collections.abc import Callable

from genimg_ui.history.export import COLUMNS, csv_of
from genimg_ui.history.record import EntryState, LogEntry

MakeEntry = Callable[..., LogEntry]


def rows_of(*entries: LogEntry) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(csv_of(entries)))))


def test_one_row_for_each_result(make_entry: MakeEntry) -> None:
    entry = make_entry("a" * 64, "b" * 64, prompt="a door,\nred", mask="c" * 64)
    first, second = rows_of(entry)
    assert list(first) == list(COLUMNS)
    assert (first["index"], second["index"], second["seed"]) == ("0", "1", "1")
    assert second["sha256"] == "b" * 64
    assert (first["prompt"], first["mask"]) == ("a door,\nred", "c" * 64)
    assert (first["changed_outside"], first["border"]) == ("0", "0,0,0,0")


def test_an_edit_without_result_has_a_row(make_entry: MakeEntry) -> None:
    (row,) = rows_of(make_entry(state=EntryState.CANCELLED))
    assert (row["state"], row["sha256"], row["seed"]) == ("cancelled", "", "")


def test_text_cannot_start_a_formula(make_entry: MakeEntry) -> None:
    (row,) = rows_of(make_entry(prompt="=HYPERLINK(1)"))
    assert row["prompt"] == "'=HYPERLINK(1)"
