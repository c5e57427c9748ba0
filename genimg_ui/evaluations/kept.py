"""What is kept of an evaluation that the page started, and where it stands now."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from genimg_ui.errors import RefusedInput
from genimg_ui.evaluation.folder import CASES, EvaluationFolder

_LOG_TAIL = 4000  # bytes of the log that are looked at
_CASE = re.compile(rb'\{"case": \d+, "model": "(?:[^"\\]|\\.)*"')  # how a line begins
PROTOCOLS = Path(__file__).parents[2] / "assets" / "protocols"


class State(StrEnum):
    """Where an evaluation stands."""

    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    DONE = "done"

    @property
    def active(self) -> bool:
        return self in (State.RUNNING, State.STOPPING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to evaluate. `pictures`: a folder of this machine; None: what the protocol names.

    With `as_they_are` results are measured without a protocol, and no model runs.
    """

    protocol: str = ""  # a name of `protocols`, or a path
    models: tuple[str, ...] = ()
    pictures: str | None = None
    as_they_are: bool = False
    by_settings: bool = False  # of these: whether settings of a run are compared, not models


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """asked.json."""

    id: str
    owner: str  # session id
    created: str  # ISO 8601, UTC
    wanted: Wanted
    own_results: int = 0  # how many of the session's results are its pictures
    pid: int = 0  # of the last process
    stopped: bool = False  # whether that one was asked to stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """An evaluation as it is now. `text` is the last thing that its command said."""

    kept: Kept
    state: State
    fraction: float  # of its cases, 0 to 1
    text: str
    report: Path | None


def protocols() -> tuple[str, ...]:
    """The names of the protocols that come with the program."""
    return tuple(sorted(path.stem for path in PROTOCOLS.glob("*.yaml")))


def protocol_path(wanted: Wanted) -> Path:
    """The file of the protocol that is wanted, be it there or not."""
    if wanted.protocol in protocols():
        return PROTOCOLS / f"{wanted.protocol}.yaml"
    return Path(wanted.protocol).expanduser()


def check_wanted(wanted: Wanted) -> None:
    """Refuse what names nothing; everything else the command itself looks at."""
    if wanted.as_they_are:
        return
    if not wanted.models:
        raise RefusedInput("An evaluation needs one model or more, got none.")
    path = protocol_path(wanted)
    if path.suffix not in (".yaml", ".yml") or not path.is_file():
        raise RefusedInput(
            f"A protocol must be one of {', '.join(protocols())}, or the path of a YAML file on "
            f"the machine that runs this program, got {wanted.protocol[:200]!r}."
        )
    if wanted.pictures is not None and not Path(wanted.pictures).expanduser().is_dir():
        raise RefusedInput(
            "The pictures must be a folder on the machine that runs this program, got "
            f"{wanted.pictures[:200]!r}."
        )


def fraction(run: Path, models: int, results: int | None = None) -> float:
    """The share of all cases that have ended, by the lines of cases.jsonl.

    A case that is tried again counts once. `results` is how many there are in all, where they are
    not the cases of so many models.
    """
    try:
        total = EvaluationFolder(run).run().cases * models if results is None else results
        with (run / CASES).open("rb") as file:
            done = len({found.group() for line in file if (found := _CASE.match(line))})
    except (RefusedInput, OSError):
        return 0.0
    return min(1.0, done / total) if total else 0.0


def last_line(log: Path) -> str:
    """The last line of a log that says anything; "" where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LOG_TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
