"""Downloads that run in the background of the program, one after the other.

Each is kept as a small file in the data folder. What a stopped or killed program left is shown as
interrupted, and goes on from its last byte when it is asked for again.
"""

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from genimg_ui.core.serial import from_json, to_json
from genimg_ui.errors import Cancelled, GenimgError
from genimg_ui.history.files import make_folder, write_whole
from genimg_ui.registry.parts import Part, bring
from genimg_ui.weights.fetch import Fetching, OnFetching

SPEED_SECONDS = 5.0  # over which the speed is measured
KEEP_SECONDS = 3.0  # between two writes of how far a download is
_LOG = logging.getLogger(__name__)


class State(StrEnum):
    """Where a download stands."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    DONE = "done"

    @property
    def active(self) -> bool:
        return self in (State.QUEUED, State.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One download. Bytes, bytes per second; `error` is a sentence."""

    model: str
    part: str = ""  # Part.key
    state: State = State.QUEUED
    done: int = 0
    total: int = 0
    speed: float = 0.0
    text: str = ""
    error: str = ""

    @property
    def remaining(self) -> float | None:
        """Seconds that are left at this speed; None where it is not known."""
        return (self.total - self.done) / self.speed if self.speed and self.total else None


class Downloads:
    """The downloads of one installation."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = make_folder(data_dir / "fetches")
        self._lock = threading.Lock()
        self._all = {(one.model, one.part): one for one in self._left()}
        self._queue: deque[Part] = deque()
        self._stops: dict[tuple[str, str], threading.Event] = {}
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._kept = 0.0  # monotonic seconds of the last write

    def all(self) -> dict[tuple[str, str], Download]:
        """Every download by model and part."""
        with self._lock:
            return dict(self._all)

    def active(self) -> bool:
        """Whether one runs or waits."""
        return any(one.state.active for one in self.all().values())

    def start(self, part: Part) -> None:
        """Queue the download of a part, unless it runs or waits already and is not stopping."""
        key = (part.spec.id, part.key)
        with self._lock:
            known = self._all.get(key)
            if known is not None and known.state.active and not self._stops[key].is_set():
                return
            self._all[key] = Download(model=part.spec.id, part=part.key)
            self._stops[key] = threading.Event()
            self._queue.append(part)
            self._keep(self._all[key])
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="fetch", daemon=True)
                self._thread.start()

    def stop(self, model: str, part: str) -> None:
        """Stop a download; what has come stays for the next time."""
        key = (model, part)
        with self._lock:
            stop = self._stops.get(key)
            if stop is None:
                return
            stop.set()
            waiting = [one for one in self._queue if (one.spec.id, one.key) == key]
            for one in waiting:
                self._queue.remove(one)
            if waiting:
                self._all[key] = replace(self._all[key], state=State.STOPPED)
                self._keep(self._all[key])

    def forget(self, model: str, part: str) -> None:
        """Show no more how a download ended."""
        with self._lock:
            known = self._all.get((model, part))
            if known is not None and not known.state.active:
                del self._all[(model, part)]
                self._place(known).unlink(missing_ok=True)

    def close(self) -> None:
        """Stop everything; it is shown as interrupted at the next start."""
        self._closing.set()
        thread = self._thread
        if thread is not None:
            thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._queue or self._closing.is_set():
                    self._thread = None
                    return
                part = self._queue.popleft()
                stop = self._stops[(part.spec.id, part.key)]
            self._fetch(part, stop)

    def _fetch(self, part: Part, stop: threading.Event) -> None:
        one = Download(model=part.spec.id, part=part.key, state=State.RUNNING)
        watch = _Watch(
            lambda shown: self._tell(shown, stop),
            one,
            lambda: stop.is_set() or self._closing.is_set(),
        )
        try:
            watch.check()
            self._set(one, stop)
            bring(part, watch)
            ended = replace(watch.shown, state=State.DONE, text="")
        except Cancelled:
            state = State.INTERRUPTED if self._closing.is_set() else State.STOPPED
            ended = replace(watch.shown, state=state, text="")
        except GenimgError as problem:
            ended = replace(watch.shown, state=State.FAILED, text="", error=str(problem))
        except Exception as problem:
            _LOG.exception("the download of %s failed", part.source)
            sentence = f"The download failed unexpectedly ({type(problem).__name__}: {problem})."
            ended = replace(watch.shown, state=State.FAILED, text="", error=sentence)
        self._set(replace(ended, speed=0.0), stop)

    def _tell(self, one: Download, stop: threading.Event) -> None:
        with self._lock:
            if self._stops.get((one.model, one.part)) is not stop:
                return  # it was asked for anew meanwhile, and that is what is shown
            self._all[(one.model, one.part)] = one
            if time.monotonic() - self._kept > KEEP_SECONDS:
                self._keep(one)

    def _set(self, one: Download, stop: threading.Event) -> None:
        with self._lock:
            if self._stops.get((one.model, one.part)) is stop:
                self._all[(one.model, one.part)] = one
                self._keep(one)

    def _keep(self, one: Download) -> None:
        self._kept = time.monotonic()
        try:
            write_whole(self._place(one), json.dumps(to_json(one)).encode(), "the download's state")
        except GenimgError as problem:  # the download itself goes on
            _LOG.warning("%s", problem)

    def _place(self, one: Download) -> Path:
        name = sha256(f"{one.model}\n{one.part}".encode()).hexdigest()[:32]
        return self._folder / f"{name}.json"

    def _left(self) -> list[Download]:
        """What an earlier run of the program left."""
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                one = from_json(Download, json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError):
                continue
            if one.state.active:
                one = replace(one, state=State.INTERRUPTED, speed=0.0, text="")
            if one.state is not State.DONE:
                found.append(one)
        return found


class _Watch(OnFetching):
    """Turns what the fetch tells into what the page shows, with its speed."""

    def __init__(
        self, tell: Callable[[Download], None], one: Download, stopped: Callable[[], bool]
    ) -> None:
        self.shown = one
        self._tell_all = tell
        self._stopped = stopped
        self._seen: deque[tuple[float, int]] = deque()

    def tell(self, state: Fetching) -> None:
        now = time.monotonic()
        if self._seen and state.done < self._seen[-1][1]:
            self._seen.clear()  # the file began anew
        self._seen.append((now, state.done))
        while now - self._seen[0][0] > SPEED_SECONDS:
            self._seen.popleft()
        since, had = self._seen[0]
        speed = (state.done - had) / (now - since) if now - since > 0.5 else self.shown.speed
        self.shown = replace(
            self.shown, done=state.done, total=state.total, text=state.text, speed=speed
        )
        self._tell_all(self.shown)

    def check(self) -> None:
        if self._stopped():
            raise Cancelled
