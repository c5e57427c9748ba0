"""Edits on a small disk of their own, for `test_disk_trouble`; prints what happened as JSON.

Runs in a mount namespace: `unshare --map-root-user --mount python disk_scene.py SCENE DATA`.
"""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from genimg_ui.core.request import EditInputs
from genimg_ui.errors import GenimgError
from genimg_ui.history.names import session_id
from genimg_ui.history.record import EntryState
from genimg_ui.history.reindex import reindex
from genimg_ui.history.seed_log import read_line
from genimg_ui.history.store import Store
from genimg_ui.jobs.queue import JobQueue
from genimg_ui.jobs.runner import InlineRunner
from tests.editing import Desk, noise, painted, png, request

ANN = session_id("a" * 32)
SPARE = 400_000  # bytes that are freed again
MASK = painted(64, 48, (20, 12, 40, 30))


def main() -> None:
    scene, data = sys.argv[1], Path(sys.argv[2])
    data.mkdir()
    mount("-t", "tmpfs", "-o", "size=3m", "none", str(data))
    print(json.dumps({"full": full, "read-only": read_only}[scene](data)))


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def run_one(desk: Desk, queue: JobQueue, inputs: EditInputs) -> str:
    """One edit through the queue; why it failed, or ""."""
    try:
        queue.enqueue(ANN, request(seed=None), inputs)
        runner = InlineRunner(queue, desk.editor)
        runner._runner._patience = 0.0
        return runner.run_next().error
    except GenimgError as problem:
        return str(problem)


def full(data: Path) -> dict[str, object]:
    """Edit until the disk is full, some times more, then free some space and go on."""
    desk = Desk(data)
    (data / "spare").write_bytes(b"\0" * SPARE)
    queue, inputs = JobQueue(desk.store), desk.inputs(png(noise(64, 48)), MASK)
    done = 0
    while not (said := run_one(desk, queue, inputs)):
        done += 1
    sentences = {said} | {run_one(desk, queue, inputs) for _ in range(5)}
    before = state_of(desk.store)
    (data / "spare").unlink()
    desk.close()
    again = Desk(data)
    queue = JobQueue(again.store)
    queue.mark_interrupted()
    after = run_one(again, queue, inputs)
    return {
        "done": done,
        "sentences": sorted(sentences),
        "before": before,
        "after": after,
        "state": state_of(again.store),
        "unfinished": len(list(data.glob("*/*.tmp"))),
        "running": sum(job.state == "running" for job in queue.recent(ANN, 500)),
    }


def read_only(data: Path) -> dict[str, object]:
    """Edit, take away the right to write, open twice, give it back and go on."""
    desk = Desk(data)
    queue, inputs = JobQueue(desk.store), desk.inputs(png(noise(64, 48)), MASK)
    run_one(desk, queue, inputs)
    before = state_of(desk.store)
    desk.close()
    mount("-o", "remount,ro", str(data))
    sentences = []
    for start in (Store.open, reindex):
        try:
            start(data)
        except GenimgError as problem:
            sentences.append(str(problem))
    mount("-o", "remount,rw", str(data))
    again = Desk(data)
    after = run_one(again, JobQueue(again.store), inputs)
    return {
        "sentences": sentences,
        "before": before,
        "after": after,
        "state": state_of(again.store),
    }


def state_of(store: Store) -> dict[str, object]:
    """What log and index say, and whether every result of them has its file."""
    lines = store.seed_log_path(ANN).read_text("utf-8").splitlines()
    logged = [read_line(line) for line in lines]
    whole = 0
    for entry in logged:
        with suppress(GenimgError):
            for record in entry.results:
                store.result_path(record.sha256).read_bytes()
                store.thumb_path(record.sha256).read_bytes()
            whole += 1
    return {
        "done": sum(entry.state is EntryState.DONE for entry in logged),
        "whole": whole == len(logged),
        "same": [entry.id for entry in logged] == [entry.id for entry in store.entries(ANN)],
    }


if __name__ == "__main__":
    main()
