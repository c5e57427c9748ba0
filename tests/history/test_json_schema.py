"""docs/log-entry.schema.json is what the dataclasses say, and holds real lines to it."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from genimg_ui.history.json_schema import log_entry_schema, schema_text
from genimg_ui.history.record import SCHEMA

ROOT = Path(__file__).parents[2]
LINES = (Path(__file__).parent / "lines" / f"schema_{SCHEMA}.jsonl").read_text("utf-8").splitlines()


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = log_entry_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_file_is_the_one_that_is_made() -> None:
    written = (ROOT / "docs" / "log-entry.schema.json").read_text("utf-8")
    assert written == schema_text(), "run: python -m genimg_ui.history.json_schema > docs/..."


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_real_lines_are_valid(validator: Draft202012Validator, line: str) -> None:
    validator.validate(json.loads(line))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), SCHEMA - 1),
        (("state",), "running"),
        (("composite_sha256",), "../../etc/passwd"),
        (("results", 0, "seed"), "7"),
        (("request", "border"), [0, 0, 0]),
        (("resolved", "request", "inpaint", "fill"), "magic"),
        (("model", "files"), [{"name": "unet", "bytes": 1}]),
        (("timings", "generate"), "1 s"),
        (("session",), "0" * 32),
    ],
)
def test_other_lines_are_not(
    validator: Draft202012Validator, path: tuple[Any, ...], value: object
) -> None:
    data = json.loads(LINES[0])
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ValidationError):
        validator.validate(data)
