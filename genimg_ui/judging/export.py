"""A study's answers and outcome as files: CSV with a row for each answer, JSON with everything."""

import json
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from genimg_ui.core.serial import Json, to_json
from genimg_ui.history.export import csv_row
from genimg_ui.history.exports import ExportFolder
from genimg_ui.judging.answers import Answer
from genimg_ui.judging.outcome import Outcome, outcome_of
from genimg_ui.judging.study import Study


class Form(StrEnum):
    """What a study is written as."""

    CSV = "csv"
    JSON = "json"


COLUMNS = (
    "study",
    "rater",
    "at",
    "seconds",
    "pair",
    "case",
    "choice",
    "winner",
    "left_player",
    "left_entry",
    "left_index",
    "right_player",
    "right_entry",
    "right_index",
)


def csv_of_answers(study: Study, answers: Sequence[Answer]) -> Iterator[str]:
    """Every answer, oldest first, also those that were changed later (RFC 4180, UTF-8).

    `winner` is a player, "tie" or "both bad".
    """
    items = {(item.entry, item.index): item for item in study.items}
    yield csv_row(COLUMNS)
    for answer in answers:
        left, right = items.get(answer.left), items.get(answer.right)
        if left is None or right is None:
            continue
        winner = {"left": left.player, "right": right.player}.get(answer.choice, answer.choice)
        row: tuple[object, ...] = (study.id, answer.rater, answer.at, answer.seconds, answer.pair)
        row += (left.case, str(answer.choice), str(winner))
        row += (left.player, left.entry, left.index, right.player, right.entry, right.index)
        yield csv_row(row)


def json_of(study: Study, answers: Sequence[Answer], outcome: Outcome) -> Json:
    """Study, answers and outcome as JSON values; the owner's session is not among them."""
    told: dict[str, Json] = to_json(study)
    del told["owner"]
    return {
        "format": "genimg_ui study 1",
        "study": told,
        "outcome": to_json(outcome),
        "answers": [to_json(answer) for answer in answers],
    }


def json_text(study: Study, answers: Sequence[Answer], outcome: Outcome) -> str:
    """`json_of` as text."""
    return json.dumps(json_of(study, answers, outcome), ensure_ascii=False, indent=1) + "\n"


def write_study(folder: ExportFolder, study: Study, answers: Sequence[Answer], form: Form) -> Path:
    """Put a study into the folder of downloads; one file of each study and form at a time."""
    if form is Form.CSV:
        text = "".join(csv_of_answers(study, answers))
    else:
        text = json_text(study, answers, outcome_of(study, answers))
    content = text.encode()
    return folder.write(
        f".{form}", lambda file: _write(file, content), owner=f"study {study.id} {form}"
    )


def _write(file: BinaryIO, content: bytes) -> None:
    file.write(content)
