"""An editor that does what the prompt says, in this process or in a worker's."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from genimg_ui.backend.base import CancelToken, OnEvent, Preview, Progress
from genimg_ui.core.request import EditInputs, EditRequest
from genimg_ui.errors import RefusedInput
from genimg_ui.history.names import utc_now
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.history.store import Store

STEP = 0.02  # seconds


class ScriptedEditor:
    """Prompts: `sleep S`, `deaf S`, `exit CODE`, `refuse`, `bug`, `restless`; others do nothing."""

    def __init__(self, rests: Path | None = None) -> None:
        """`rests` is a file that gets a line for each rest: how many edits there were before."""
        self.asked: list[str] = []
        self._rests = rests
        self._last = ""

    def apply(
        self,
        request: EditRequest,
        inputs: EditInputs,
        *,
        parent: str | None,
        entry_id: str | None,
        on_event: OnEvent,
        cancel: CancelToken,
    ) -> LogEntry:
        assert entry_id is not None
        self.asked.append(entry_id)
        self._last = request.sampling.prompt
        verb, _, number = request.sampling.prompt.partition(" ")
        if verb == "exit":
            os._exit(int(number))
        if verb == "refuse":
            raise RefusedInput("strength must be in (0, 1], got 2")
        if verb == "bug":
            raise ValueError("no such tensor")
        if verb in ("sleep", "deaf"):
            _sleep(float(number), on_event, cancel if verb == "sleep" else CancelToken())
        return LogEntry(
            id=entry_id,
            created=utc_now(),
            state=EntryState.DONE,
            request=request,
            inputs=inputs,
            parent=parent,
            facts={"pid": str(os.getpid())},
        )

    def settle(self) -> None:
        if self._rests is not None:
            with self._rests.open("a") as file:
                file.write(f"{len(self.asked)}\n")
        if self._last == "restless":
            raise ValueError("no rest")


def build(store: Store, models: Path, options: Mapping[str, object]) -> ScriptedEditor:
    """What the worker calls; `warm_up` below is called beside it."""
    assert store.data_dir.is_dir()
    if models.name == "broken.yaml":
        raise RefusedInput("broken.yaml, line 1: models is missing")
    if "note" in options:
        (store.data_dir / "options").write_text(str(options["note"]))
    return ScriptedEditor(store.data_dir / "rests" if "rests" in options else None)


def warm_up() -> None:
    note = Path(os.environ["SCRIPTED_WARM"]) if "SCRIPTED_WARM" in os.environ else None
    if note is not None:
        with note.open("a") as file:
            file.write(f"{os.nice(0)} {os.environ['NUMBA_CACHE_DIR']}\n")


def _sleep(seconds: float, on_event: OnEvent, cancel: CancelToken) -> None:
    start = time.monotonic()
    while (passed := time.monotonic() - start) < seconds:
        cancel.check()
        on_event(Progress(passed / seconds, f"slept {passed:.1f} s"))
        on_event(Preview(0, np.full((600, 800, 3), 200, np.uint8)))
        time.sleep(STEP)
