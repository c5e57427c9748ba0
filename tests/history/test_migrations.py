"""A line of every schema that was ever written still loads, from a log, an index and a PNG."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

from genimg_ui.core.picture import Picture
from genimg_ui.core.png import write_png
from genimg_ui.errors import RefusedInput
from genimg_ui.history import migrations
from genimg_ui.history.metadata import ENTRY_KEY, entry_from_file, entry_from_json
from genimg_ui.history.migrations import MIGRATIONS, migrate
from genimg_ui.history.record import SCHEMA
from genimg_ui.history.seed_log import entry_line, read_line
from genimg_ui.history.store import Store

LINES = Path(__file__).parent / "lines"
EXAMPLES = [
    pytest.param(line, id=f"{path.stem}-{number}")
    for path in sorted(LINES.glob("schema_*.jsonl"))
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
]


def test_there_is_an_example_of_every_schema() -> None:
    written = {json.loads(example.values[0])["schema"] for example in EXAMPLES}
    assert written == set(range(1, SCHEMA + 1))
    assert sorted(MIGRATIONS) == list(range(1, SCHEMA))


@pytest.mark.parametrize("line", EXAMPLES)
def test_a_line_of_any_schema_loads(line: str) -> None:
    entry = read_line(line)
    assert entry.schema == SCHEMA
    assert read_line(entry_line(entry)) == entry == entry_from_json(json.loads(line))
    assert entry.environment["genimg_ui"]
    if entry.results:
        assert entry.resolved is not None and entry.model is not None


@pytest.mark.parametrize("line", EXAMPLES)
def test_a_log_of_any_schema_is_indexed(line: str, store: Store, ann: str) -> None:
    log = store.seed_log_path(ann)
    log.parent.mkdir(parents=True)
    log.write_text(line + "\n", "utf-8")
    again = Store.open(store.data_dir)
    assert list(again.entries(ann)) == [read_line(line)]
    assert log.read_text("utf-8") == line + "\n"
    again.close()


@pytest.mark.parametrize("line", EXAMPLES)
def test_a_row_of_any_schema_is_read(line: str, store: Store, ann: str) -> None:
    entry = read_line(line)
    store.record(ann, entry)
    with store.database.writing() as connection:
        connection.execute("UPDATE entries SET line = ?", (line,))
    assert store.entry(entry.id) == entry


@pytest.mark.parametrize("line", EXAMPLES)
def test_a_file_of_any_schema_is_read(line: str) -> None:
    picture = Picture(np.zeros((4, 5, 3), np.uint8))
    buffer = io.BytesIO()
    write_png(buffer, picture, {ENTRY_KEY: line})
    assert entry_from_file(buffer.getvalue()) == read_line(line)


def test_what_schema_1_kept_together_is_told_apart() -> None:
    first, second = map(read_line, (LINES / "schema_1.jsonl").read_text("utf-8").splitlines())
    assert first.model is not None and second.model is not None
    assert first.runtime is not None and second.runtime is not None
    assert (first.model.engine, first.runtime.threads) == ("exemplar 2", 2)
    assert first.environment == {"genimg_ui": "0.1.0", "numba": "0.68.1", "numpy": "2.4.6"}
    assert second.model.revision == "8a4288a76071f7280aedbdb3253bdb9e9d5d84bb"
    assert (second.runtime.device, second.runtime.dtype) == ("cuda (NVIDIA H200)", "float16")
    assert second.facts["masking"] == "native" and "torch" not in second.facts


@pytest.mark.parametrize("facts", [None, [], {"threads": 2}, {"threads": "²"}, {"model": ["x"]}])
def test_a_hostile_entry_of_schema_1_is_refused_or_read(facts: object) -> None:
    data = json.loads((LINES / "schema_1.jsonl").read_text("utf-8").splitlines()[0])
    try:
        entry = entry_from_json({**data, "facts": facts})
    except RefusedInput as problem:
        assert "not one of this program's" in str(problem)
    else:
        assert entry.facts == {"threads": "²"}


def test_steps_are_taken_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "SCHEMA", 3)
    steps = {
        1: lambda data: {**data, "trail": [1]},
        2: lambda data: {**data, "trail": [*data.get("trail", []), 2]},
    }
    monkeypatch.setattr(migrations, "MIGRATIONS", steps)
    assert migrate({"schema": 1}) == {"schema": 3, "trail": [1, 2]}
    assert migrate({"schema": 2}) == {"schema": 3, "trail": [2]}
    assert migrate({"schema": 3}) == {"schema": 3}


def test_a_line_of_a_newer_schema_is_no_line() -> None:
    line = (LINES / "schema_1.jsonl").read_text("utf-8").splitlines()[0]
    newer = json.dumps({**json.loads(line), "schema": SCHEMA + 1})
    with pytest.raises(ValueError, match="newer version of this program"):
        read_line(newer)
