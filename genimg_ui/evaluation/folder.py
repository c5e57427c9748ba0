"""The folder of one evaluation: what it is of, its cases line by line, and its pictures.

    run.json       what is measured; a folder goes on only with the very same
    cases.jsonl    one line for each case and model, synced when it counts
    pictures/0007/ original.png, mask.png and one PNG for each model, with its entry inside
    store/         the edits' own data folder: sources, masks, results and their seed log
    result.json, cases.csv, report.html   written whole at the end

Light: reading a folder imports neither torch nor an engine.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from genimg_ui.core.serial import Json, from_json, to_json
from genimg_ui.errors import RefusedInput, StorageError
from genimg_ui.history.files import make_folder, sync_folder, write_whole
from genimg_ui.history.locks import hold
from genimg_ui.history.record import EntryState, ResultReport

RUN, CASES, PICTURES, STORE = "run.json", "cases.jsonl", "pictures", "store"
RESULT, CSV, REPORT = "result.json", "cases.csv", "report.html"
ORIGINAL, MASK = "original.png", "mask.png"
T = TypeVar("T")
_SHOWN = 60  # characters of a value that a refusal repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What an evaluation is of (run.json). All but `id` must be the same to go on.

    `models` are the entries of models.yaml as data, by id in the order asked for; `pictures` are
    the sha256 of the files by name; `environment` the versions of what takes part.
    """

    id: str
    protocol: dict[str, Json]
    protocol_digest: str
    models: dict[str, Json]
    pictures: dict[str, str]
    environment: dict[str, str]
    cases: int  # of each model

    @property
    def pictures_digest(self) -> str:
        """One digest of the names and contents of all pictures."""
        plain = json.dumps(self.pictures, sort_keys=True)
        return hashlib.sha256(plain.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """One case with one model (a line of cases.jsonl).

    `scores` are the metrics of the result by name; `undefined` says why one has no value here.
    A case without a result has `error`, in the words of its entry, and no scores. `result` and
    `source` are digests of files in the store, `model_digest` is of what the entry says of the
    model and its weights.
    """

    case: int
    model: str
    picture: str
    mask_kind: str
    mask_seed: int
    prompt: str
    seed: int
    entry: str  # id in the store's seed log, and in the PNG
    state: EntryState
    error: str = ""
    source: str = ""
    mask: str = ""
    result: str = ""
    pixels_sha256: str = ""
    model_digest: str = ""
    report: ResultReport | None = None
    scores: dict[str, float] = field(default_factory=dict)
    undefined: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0  # of the engine alone

    @property
    def done(self) -> bool:
        return self.state is EntryState.DONE


class EvaluationFolder:
    """Reads and writes one folder; `locked` keeps a second run out of it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder and hold it; RefusedInput while another run holds it."""
        make_folder(self.path)
        try:
            descriptor = hold(self.path / "lock")
        except BlockingIOError:
            raise RefusedInput(
                f"Another evaluation is running in {self.path}. Wait for its end, or choose "
                "another folder with --out."
            ) from None
        try:
            yield
        finally:
            os.close(descriptor)

    def begin(self, run: RunRecord) -> RunRecord:
        """Write what is measured, or take up what is there; RefusedInput where it is another."""
        if not (self.path / RUN).exists():
            self._refuse_strangers()
            self.write(RUN, _json_bytes(to_json(run)))
            return run
        kept = self.run()
        for name, word in _WORDS.items():
            differing = _difference(getattr(kept, name), getattr(run, name))
            if differing:
                raise RefusedInput(
                    f"{self.path} holds an evaluation of {word}: {differing}.",
                    remedy="Choose another folder with --out, or remove this one.",
                )
        return kept

    def run(self) -> RunRecord:
        """What the folder is of; raises RefusedInput where that cannot be read."""
        return read_record(self.path / RUN, RunRecord, "an evaluation's run.json")

    def cases(self) -> list[CaseRecord]:
        """The last whole line of each case and model, in the order in which they first came.

        A line that a crash tore is passed over.
        """
        try:
            raw = (self.path / CASES).read_bytes()
        except FileNotFoundError:
            return []
        found: dict[tuple[str, int], CaseRecord] = {}
        for line in raw.split(b"\n"):
            with suppress(ValueError):
                record = from_json(CaseRecord, json.loads(line))
                found[record.model, record.case] = record
        return list(found.values())

    def append(self, records: Iterable[CaseRecord]) -> None:
        """Add lines and sync them."""
        lines = b"".join(_line(record) for record in records)
        path = self.path / CASES
        new = not path.exists()
        try:
            with path.open("a+b") as file:
                end = file.seek(0, os.SEEK_END)
                if end and os.pread(file.fileno(), 1, end - 1) != b"\n":
                    lines = b"\n" + lines
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StorageError(f"{path} could not be written: {error.strerror}.") from error
        if new:
            sync_folder(self.path)

    def picture(self, case: int, name: str) -> Path:
        """Where a picture of a case lies: `ORIGINAL`, `MASK`, or what `file_of` says of a model."""
        return self.path / PICTURES / f"{case:04d}" / name

    def put_picture(self, case: int, name: str, source: Path) -> None:
        """Show a file of the store under the case, as a second name of it where that works."""
        target = make_folder(self.picture(case, name).parent) / name
        unfinished = target.with_suffix(".tmp")
        unfinished.unlink(missing_ok=True)
        try:
            try:
                os.link(source, unfinished)
            except OSError:  # a file system without second names
                shutil.copyfile(source, unfinished)
            os.replace(unfinished, target)
        except OSError as error:
            raise StorageError(f"{target} could not be written: {error.strerror}.") from error
        unfinished.unlink(missing_ok=True)  # replacing a name of the same file leaves both

    def write(self, name: str, content: bytes) -> Path:
        """Put a whole file into the folder."""
        write_whole(self.path / name, content, name)
        return self.path / name

    def _refuse_strangers(self) -> None:
        """A folder that holds something else is not written into."""
        other = sorted(path.name for path in self.path.iterdir() if path.name not in _OWN)
        if other:
            raise RefusedInput(
                f"--out must be a new or empty folder, or one of an evaluation; {self.path} "
                f"holds {other[0]!r}."
            )


def file_of(model: str) -> str:
    """The name of a model's picture within a case's folder: safe for any id."""
    return f"{quote(model, safe='')}.png"


def read_record(path: Path, kind: type[T], what: str) -> T:
    """Read a JSON file into a dataclass; raises RefusedInput that says what is wrong."""
    try:
        data = json.loads(path.read_bytes())
        return from_json(kind, data)
    except OSError as error:
        raise RefusedInput(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise RefusedInput(f"{path} must be {what}, and is none: {str(error)[:200]}.") from error


# Fields of RunRecord that decide the numbers, in the words of a refusal.
_WORDS = {
    "protocol_digest": "another protocol",
    "models": "other models",
    "pictures": "other pictures",
    "environment": "other versions",
}
_OWN = ("lock", PICTURES, STORE)


def _difference(kept: object, asked: object) -> str:
    """The first thing in which two values differ, "" where they are the same."""
    if kept == asked:
        return ""
    if isinstance(kept, dict) and isinstance(asked, dict):
        names = [*kept, *(name for name in asked if name not in kept)]
        for name in names:
            if kept.get(name) != asked.get(name):
                inner = _difference(kept.get(name), asked.get(name))
                return f"{name}, {inner}" if inner else str(name)
    return f"it has {str(kept)[:_SHOWN]!r}, asked for is {str(asked)[:_SHOWN]!r}"


def _line(record: CaseRecord) -> bytes:
    plain = to_json(record)
    return json.dumps(plain, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _json_bytes(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n"
