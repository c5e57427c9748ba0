"""The two processes that `kill.py` kills: a page that queues and shows edits, and a worker."""

import io
import json
import os
import random
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from genimg_ui.backend.fake import FakeBackend
from genimg_ui.backend.pool import BackendPool
from genimg_ui.core.request import ControlUnit, EditInputs, EditRequest, MaskParams, SamplingParams
from genimg_ui.editor import Editor
from genimg_ui.history.names import session_id
from genimg_ui.history.store import Store
from genimg_ui.jobs import worker
from genimg_ui.jobs.queue import Job, JobQueue, JobState
from genimg_ui.masks import mask_png
from genimg_ui.registry import ModelSpec, Registry

SHOWN = "shown"  # folder beside the data folder: a line for each edit that the page has shown
AT_ONCE = 3  # edits that the page keeps in the queue
CANCEL_CHANCE = 0.0005  # of each look that the page takes at its edits
SIZES = ((48, 36), (64, 64), (96, 40))
MODELS = (
    ModelSpec(id="exemplar", title="Exemplar", engine="exemplar", licence="-", context_ratio=1.5),
    ModelSpec(
        id="paint",
        title="Paint",
        engine="fake",
        licence="-",
        native_size=64,
        size_multiple=8,
        controls=(("canny", "-"),),
    ),
)


def session_of(number: int) -> str:
    """The session of a round."""
    return session_id(f"{number:032x}")


def shown_in(data: Path, number: int) -> int:
    """How many edits the page of a round has shown by now."""
    ledger = data.parent / SHOWN / session_of(number)
    return ledger.read_bytes().count(b"\n") if ledger.exists() else 0


def build_editor(store: Store, models: Path, options: Mapping[str, object]) -> Editor:  # noqa: ARG001 - the worker's factory
    """The editor of the worker: small edits in some milliseconds."""
    pool = BackendPool(backends={"fake": FakeBackend(steps=3, step_seconds=0.004)})
    return Editor(store, Registry(MODELS, "paint"), pool)


def work(data: Path, number: int, reader: int) -> None:
    """The real worker's main function; it ends when the page's end of the pipe does."""
    os.dup2(reader, 0)
    os.close(reader)
    sys.stdin = os.fdopen(0)
    arguments = ["--data-dir", str(data), "--models", "-", "--name", f"worker-{number}"]
    worker.main([*arguments, "--editor", "benchmarks.kill_scene:build_editor", "--cold"])


def serve(data: Path, number: int, begun: Path) -> None:
    """What the page's process does, until it is killed: queue, look, cancel, show.

    The file `begun` says that the worker has taken an edit.
    """
    store = Store.open(data)
    queue = JobQueue(store)
    queue.mark_interrupted()
    session, rng = session_of(number), random.Random(number)
    shown = data.parent / SHOWN
    shown.mkdir(exist_ok=True)
    ledger = os.open(shown / session, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    waiting: list[str] = []
    while True:
        while len(waiting) < AT_ONCE:
            waiting.append(queue.enqueue(session, _request(rng), _inputs(store, rng)))
        if rng.random() < CANCEL_CHANCE:
            queue.cancel(session, rng.choice(waiting))
        for job_id in list(waiting):
            job = queue.job(session, job_id)
            if job.state is not JobState.QUEUED:
                begun.touch()
            if job.state.ended:
                waiting.remove(job_id)
                os.write(ledger, _show(store, session, job))
        queue.mark_interrupted()  # as the supervisor does where a worker is gone
        time.sleep(0.005)


def _show(store: Store, session: str, job: Job) -> bytes:
    """Read all that the page would show of an edit; a line for the ledger."""
    entry = store.entry_of(session, job.entry_id or job.id)
    for record in entry.results:
        store.result_path(record.sha256).read_bytes()
        store.thumb_path(record.sha256).read_bytes()
    results = [record.sha256 for record in entry.results]
    line = {"id": entry.id, "state": str(job.state), "results": results}
    return (json.dumps(line) + "\n").encode()


def _request(rng: random.Random) -> EditRequest:
    model = rng.choice(MODELS)
    return EditRequest(
        model=model.id,
        sampling=SamplingParams(prompt="a door " * rng.randrange(200), variants=rng.choice((1, 3))),
        mask=MaskParams(grow=rng.randrange(3), feather=rng.randrange(3)),
        controls=(ControlUnit(kind="canny"),) if model.controls and rng.random() < 0.3 else (),
    )


def _inputs(store: Store, rng: random.Random) -> EditInputs:
    width, height = rng.choice(SIZES)
    pixels = np.random.default_rng(rng.randrange(2**32)).integers(0, 256, (height, width, 3))
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
    mask = np.zeros((height, width), np.uint8)
    mask[10:20, 12:26] = 255
    return EditInputs(
        source=store.put_source(buffer.getvalue()), mask=store.put_mask(mask_png(mask))
    )
