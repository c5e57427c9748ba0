"""How far an evaluation is, and how long it will still take, in one line."""

import time
from collections.abc import Callable


class Progress:
    """Counts cases of models that run one after the other; `tell` gets a line now and then.

    The time left takes the running model at its own pace, and models that have not begun at the
    mean pace of those that have.
    """

    EVERY = 2.0  # seconds between two lines

    def __init__(
        self, models: int, cases: int, tell: Callable[[str], None], clock: Callable[[], float]
    ) -> None:
        self._models, self._cases = models, cases
        self._tell, self._clock = tell, clock
        self._told = clock() - self.EVERY
        self._spent, self._run = 0.0, 0  # of all models: seconds, and cases that ran
        self._own_spent, self._own_run = 0.0, 0  # of the running one
        self._model, self._number, self._done = "", 0, 0
        self._begun = clock()

    def begin(self, model: str, done: int) -> None:
        """The next model begins; `done` of its cases were there already."""
        self._model, self._number, self._done = model, self._number + 1, done
        self._own_spent, self._own_run = 0.0, 0
        self._begun = self._clock()

    def ran(self, cases: int) -> None:
        """So many cases more have ended."""
        now = self._clock()
        seconds = now - self._begun
        self._begun = now
        self._done += cases
        self._own_spent, self._own_run = self._own_spent + seconds, self._own_run + cases
        self._spent, self._run = self._spent + seconds, self._run + cases
        if now - self._told >= self.EVERY or self._done == self._cases:
            self._told = now
            self._tell(self.line)

    @property
    def line(self) -> str:
        """As `exemplar (1 of 4): case 24 of 280, 0.52 s each, 8 min left`."""
        each = self._own_spent / max(1, self._own_run)
        usual = self._spent / max(1, self._run)
        left = each * (self._cases - self._done)
        left += usual * self._cases * (self._models - self._number)
        return (
            f"{self._model} ({self._number} of {self._models}): case {self._done} of "
            f"{self._cases}, {each:.2f} s each, {duration(left)} left"
        )


def duration(seconds: float) -> str:
    """A few words: `40 s`, `8 min`, `2 h 5 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def steady_clock() -> float:
    """Seconds of a clock that never goes back."""
    return time.monotonic()
