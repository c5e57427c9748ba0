"""A job run in this process: progress, previews, cancel and every end."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from scripted_editor import ScriptedEditor

from genimg_ui.errors import RefusedInput, StorageError
from genimg_ui.history.record import EntryState
from genimg_ui.history.store import Store
from genimg_ui.jobs import runner as module
from genimg_ui.jobs.job import Job
from genimg_ui.jobs.queue import JobQueue, JobState
from genimg_ui.jobs.runner import InlineRunner

Add = Callable[..., str]


@pytest.fixture
def runner(queue: JobQueue) -> InlineRunner:
    return InlineRunner(queue, ScriptedEditor())


def wait_for(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_the_very_job_is_run_and_logged(
    runner: InlineRunner, queue: JobQueue, add: Add, ann: str
) -> None:
    other, wanted = add(ann), add(ann)
    entry = runner.run_one(wanted)
    assert (entry.id, entry.state) == (wanted, EntryState.DONE)
    assert queue.store.entry_of(ann, wanted) == entry
    assert queue.job(ann, other).state is JobState.QUEUED
    assert runner.run_next().id == other
    assert runner.status().running
    with pytest.raises(RefusedInput, match="must be one that waits"):
        runner.run_one(wanted)


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("refuse", "strength must be in (0, 1], got 2"),
        ("bug", "The edit failed unexpectedly: ValueError: no such tensor"),
    ],
)
def test_a_failed_edit_is_logged_with_its_sentence(
    runner: InlineRunner, queue: JobQueue, add: Add, ann: str, prompt: str, sentence: str
) -> None:
    job_id = add(ann, prompt)
    assert runner.run_one(job_id).error == sentence
    job = queue.job(ann, job_id)
    assert (job.state, job.error, job.entry_id) == (JobState.FAILED, sentence, job_id)
    assert queue.store.entry(job_id).error == sentence


def test_progress_and_preview_are_seen_and_cancel_is_quick(
    runner: InlineRunner, queue: JobQueue, add: Add, ann: str
) -> None:
    job_id = add(ann, "sleep 30")
    thread = threading.Thread(target=runner.run_one, args=(job_id,))
    thread.start()
    seen: list[Job] = []

    def has_preview() -> bool:
        seen.append(queue.job(ann, job_id))
        return seen[-1].preview is not None and seen[-1].fraction > 0

    wait_for(has_preview)
    preview = seen[-1].preview
    assert preview is not None and seen[-1].text.startswith("slept")
    with Image.open(preview) as image:
        assert (image.format, image.size) == ("JPEG", (512, 384))
    start = time.monotonic()
    queue.cancel(ann, job_id)
    thread.join()
    assert time.monotonic() - start < 2.0
    assert queue.job(ann, job_id).state is JobState.CANCELLED
    assert queue.store.entry(job_id).state is EntryState.CANCELLED
    assert list(preview.parent.glob("job-*")) == []


def test_previews_are_throttled(
    runner: InlineRunner, queue: JobQueue, add: Add, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats: list[float] = []
    monkeypatch.setattr(queue, "beat", lambda *_a, **_k: beats.append(time.monotonic()))
    runner.run_one(add(ann, "sleep 1.5"))
    assert 2 <= len(beats) <= 8  # 15 if each look at the job wrote


def test_a_job_that_runs_here_is_not_taken_for_interrupted(
    runner: InlineRunner, queue: JobQueue, add: Add, ann: str, store: Store
) -> None:
    job_id = add(ann, "sleep 0.5")
    thread = threading.Thread(target=runner.run_one, args=(job_id,))
    thread.start()
    wait_for(lambda: queue.job(ann, job_id).state is JobState.RUNNING)
    assert queue.mark_interrupted() == []
    thread.join()
    assert queue.job(ann, job_id).state is JobState.DONE
    assert list(Path(store.data_dir / "workers").iterdir()) == []


def test_an_end_that_the_disk_refuses_is_recorded_when_it_takes_it_again(
    runner: InlineRunner,
    queue: JobQueue,
    add: Add,
    ann: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "DISK_SECONDS", 0.01)
    record, told = queue.store.record, []

    def refused(*_: object) -> None:
        told.append(queue.job(ann, job_id).text)
        if len(told) < 3:
            raise StorageError("The disk of the data folder is full.")
        record(*_)

    monkeypatch.setattr(queue.store, "record", refused)
    job_id = add(ann)
    runner.run_one(job_id)
    assert told[1:] == ["waiting: The disk of the data folder is full."] * 2
    assert queue.job(ann, job_id).state is JobState.DONE
    assert queue.store.entry(job_id).state is EntryState.DONE


def test_a_request_does_not_wait_for_ever(
    runner: InlineRunner, queue: JobQueue, add: Add, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise StorageError("The disk of the data folder is full.")

    monkeypatch.setattr(runner._runner, "_patience", 0.0)
    with monkeypatch.context() as full:
        full.setattr(queue.store, "record", refused)
        job_id = add(ann)
        with pytest.raises(StorageError, match="is full"):
            runner.run_one(job_id)
    assert queue.mark_interrupted() == [job_id]
    assert queue.store.entry(job_id).state is EntryState.INTERRUPTED
