"""answers.jsonl: what raters said, one answer a line, only ever appended to.

A line is synced before it counts. One that a crash tore is closed by a line feed and passed over
when read. A rater may go back and answer a pair again: the log keeps both, the later one counts.
"""

import json
import logging
import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from genimg_ui.core.serial import from_json, to_json
from genimg_ui.errors import RefusedInput
from genimg_ui.history.files import storage_error, sync_folder
from genimg_ui.history.locks import locked

MOST_BYTES = 50_000_000  # of one study's answers: a hundred thousand of them
_RATER = re.compile(r"[0-9a-f]{32}")
_LOG = logging.getLogger(__name__)


class Choice(StrEnum):
    """What a rater says of a pair, as it was shown."""

    LEFT = "left"
    RIGHT = "right"
    TIE = "tie"
    BOTH_BAD = "both bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer. `left` and `right` are the results that stood there: entry id and index."""

    rater: str  # 32 hex digits that the rater's browser drew
    pair: int
    first_left: bool  # which side the pair's first item was shown on
    left: tuple[str, int]
    right: tuple[str, int]
    choice: Choice
    at: str  # ISO 8601, UTC
    seconds: float = 0.0  # from the pictures' appearance to the answer, as the browser says

    @property
    def prefers_first(self) -> bool | None:
        """Whether the pair's first item was chosen; None where neither was."""
        if self.choice in (Choice.TIE, Choice.BOTH_BAD):
            return None
        return (self.choice is Choice.LEFT) == self.first_left


class AnswerLog:
    """The answers of one study; safe to share between threads, and other processes may append."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reading = threading.Lock()
        self._known: list[Answer] = []
        self._read = 0  # bytes

    def append(self, answer: Answer) -> None:
        """Add a line and sync it; raises RefusedInput where there are too many, StorageError."""
        line = json.dumps(to_json(answer), ensure_ascii=False) + "\n"
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                with locked(descriptor):
                    self._write(descriptor, line)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise storage_error(error, self._path.parent, "the answer") from error

    def read(self) -> list[Answer]:
        """Every readable answer, oldest first. Lines that were read before are not read again."""
        with self._reading:
            try:
                with self._path.open("rb") as file:
                    size = os.fstat(file.fileno()).st_size
                    if size < self._read:  # a full disk has taken a line back
                        self._read, self._known = 0, []
                    file.seek(self._read)
                    new = file.read()
            except FileNotFoundError:
                return []
            whole = new[: new.rfind(b"\n") + 1]
            self._read += len(whole)
            self._known += self._parsed(whole)
            return list(self._known)

    def _parsed(self, lines: bytes) -> Iterator[Answer]:
        for line in lines.splitlines():
            if not line.strip():
                continue
            try:
                yield from_json(Answer, json.loads(line))
            except (ValueError, TypeError, RecursionError) as problem:
                _LOG.warning("A line of %s is passed over: %s", self._path, problem)

    def _write(self, descriptor: int, line: str) -> None:
        before = os.fstat(descriptor).st_size
        if before > MOST_BYTES:
            raise RefusedInput("This study has as many answers as it can keep. Thank you.")
        torn = before > 0 and os.pread(descriptor, 1, before - 1) != b"\n"
        data = ("\n" * torn + line).encode()
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
            if before == 0:
                sync_folder(self._path.parent)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, before)
            raise


def latest(answers: Iterable[Answer]) -> list[Answer]:
    """One answer for each rater and pair: the last one, in the order of the first ones."""
    return list({(answer.rater, answer.pair): answer for answer in answers}.values())


def check_rater(rater: object) -> str:
    """The id that a rater's browser drew; raises RefusedInput for anything else."""
    if isinstance(rater, str) and _RATER.fullmatch(rater):
        return rater
    raise RefusedInput(f"A rater's id must be 32 hex digits, got {str(rater)[:40]!r}.")
