"""Replays wait beside the edits, end with a verdict, and leave no trace in the log."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genimg_ui.backend.base import CancelToken, OnEvent, Progress
from genimg_ui.errors import BackendError, RefusedInput, UnknownItem
from genimg_ui.history.names import session_id
from genimg_ui.history.record import LogEntry
from genimg_ui.jobs.compose import replay_entry
from genimg_ui.jobs.job import JobState
from genimg_ui.jobs.lease import WorkerLease, new_worker_name
from genimg_ui.jobs.limits import JobLimits
from genimg_ui.jobs.queue import JobQueue
from genimg_ui.jobs.replays import STOPPED, UNSEEN_SECONDS, ReplayQueue, ReplayRunner
from tests.editing import Desk, painted, photograph, png, request

SESSION, OTHER = session_id("a" * 32), session_id("b" * 32)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def entry(desk: Desk) -> LogEntry:
    mask = painted(48, 36, (14, 12, 26, 22))
    made = desk.edit(request("square", variants=2), png(photograph(48, 36)), mask)
    desk.store.record(SESSION, made)
    return made


@pytest.fixture
def worker(desk: Desk) -> Iterator[str]:
    with WorkerLease(desk.store.data_dir, new_worker_name()) as lease:
        yield lease.name


def runner(desk: Desk, queue: ReplayQueue) -> ReplayRunner:
    def run(entry: LogEntry, on_event: OnEvent, cancel: CancelToken) -> Any:
        return replay_entry(desk.editor, desk.store, entry, on_event, cancel)

    return ReplayRunner(queue, run)


def test_one_result_is_replayed_and_told(desk: Desk, entry: LogEntry, worker: str) -> None:
    queue = ReplayQueue(desk.store)
    asked = queue.ask(SESSION, entry.id, 1)
    assert queue.get(SESSION, asked).state is JobState.QUEUED
    run = runner(desk, queue)
    assert run.run_next(worker) and not run.run_next(worker)
    job = queue.get(SESSION, asked)
    assert job.state is JobState.DONE and job.verdict["verdict"] == "identical"
    assert [result["seed"] for result in job.verdict["results"]] == [entry.results[1].seed]
    assert list(desk.store.entries()) == [entry]
    with pytest.raises(UnknownItem):
        queue.get(OTHER, asked)


def test_a_difference_comes_with_its_heat_map(desk: Desk, entry: LogEntry, worker: str) -> None:
    queue = ReplayQueue(desk.store)
    asked = queue.ask(SESSION, entry.id, 0)
    desk.fake.colour = (1, 2, 3)
    runner(desk, queue).run_next(worker)
    verdict = queue.get(SESSION, asked).verdict
    assert verdict["verdict"] == "differs"
    shown = Path(verdict["results"][0]["heat_map"])
    assert shown.is_file() and shown.parent == desk.store.data_dir / "exports"


def test_what_fails_is_a_verdict(desk: Desk, entry: LogEntry, worker: str) -> None:
    queue = ReplayQueue(desk.store)
    for error, words in ((BackendError("No room."), "No room."), (KeyError("x"), "unexpectedly")):
        asked = queue.ask(SESSION, entry.id, 0)
        desk.fake.error = error
        runner(desk, queue).run_next(worker)
        verdict = queue.get(SESSION, asked).verdict
        assert verdict["verdict"] == "refused" and words in verdict["reason"]


def test_one_at_a_time_and_only_what_is_there(desk: Desk, entry: LogEntry) -> None:
    queue = ReplayQueue(desk.store)
    for session, index in ((OTHER, 0), (SESSION, 2), (SESSION, -1)):
        with pytest.raises(UnknownItem):
            queue.ask(session, entry.id, index)
    first = queue.ask(SESSION, entry.id, 0)
    with pytest.raises(RefusedInput, match="is under way"):
        queue.ask(SESSION, entry.id, 1)
    queue.cancel(OTHER)
    assert queue.get(SESSION, first).state is JobState.QUEUED
    queue.cancel(SESSION)
    assert queue.get(SESSION, first).state is JobState.CANCELLED
    assert queue.claim("anyone") is None
    assert queue.ask(SESSION, entry.id, 1) != first


def test_a_running_replay_is_stopped(desk: Desk, entry: LogEntry, worker: str) -> None:
    queue = ReplayQueue(desk.store)
    asked = queue.ask(SESSION, entry.id, 0)

    def run(_: LogEntry, on_event: OnEvent, cancel: CancelToken) -> Any:
        queue.cancel(SESSION)
        on_event(Progress(0.5, "step 1 of 2"))
        assert queue.get(SESSION, asked).text == "step 1 of 2"
        cancel.check()
        raise AssertionError("it went on")

    ReplayRunner(queue, run).run_next(worker)
    assert queue.get(SESSION, asked).state is JobState.CANCELLED


def test_a_replay_ends_with_its_worker(desk: Desk, entry: LogEntry) -> None:
    queue = ReplayQueue(desk.store)
    asked = queue.ask(SESSION, entry.id, 0)
    with WorkerLease(desk.store.data_dir, new_worker_name()) as lease:
        assert queue.claim(lease.name) is not None
        assert queue.get(SESSION, asked).state is JobState.RUNNING
    job = queue.get(SESSION, asked)
    assert job.state is JobState.INTERRUPTED and job.verdict["reason"] == STOPPED


def test_a_running_replay_makes_way_for_an_edit(desk: Desk, entry: LogEntry, worker: str) -> None:
    queue, edits = ReplayQueue(desk.store), JobQueue(desk.store)
    asked = queue.ask(SESSION, entry.id, 0)

    def run(_: LogEntry, on_event: OnEvent, cancel: CancelToken) -> Any:
        edits.enqueue(OTHER, entry.request, entry.inputs)
        on_event(Progress(0.5, "step 1 of 2"))
        cancel.check()
        raise AssertionError("it went on")

    assert ReplayRunner(queue, run, edits.waiting).run_next(worker)
    job = queue.get(SESSION, asked)
    assert job.state is JobState.QUEUED and not job.text
    waiting = edits.active(OTHER)[0]
    edits.cancel(OTHER, waiting.id)
    assert runner(desk, queue).run_next(worker)
    assert queue.get(SESSION, asked).verdict["verdict"] == "identical"


def test_a_replay_that_is_stopped_while_it_makes_way_ends(
    desk: Desk, entry: LogEntry, worker: str
) -> None:
    queue = ReplayQueue(desk.store)
    asked = queue.ask(SESSION, entry.id, 0)

    def run(_: LogEntry, on_event: OnEvent, cancel: CancelToken) -> Any:
        on_event(Progress(0.5, "step 1 of 2"))
        queue.cancel(SESSION)
        cancel.check()
        raise AssertionError("it went on")

    ReplayRunner(queue, run, lambda: True).run_next(worker)
    assert queue.get(SESSION, asked).state is JobState.CANCELLED


def _look_away(queue: ReplayQueue) -> None:
    with queue.store.database.writing() as connection:
        connection.execute("UPDATE replays SET seen = seen - ?", (UNSEEN_SECONDS + 1,))


def test_a_replay_at_which_nobody_looks_ends(desk: Desk, entry: LogEntry, worker: str) -> None:
    queue = ReplayQueue(desk.store)
    asked = queue.ask(SESSION, entry.id, 0)
    _look_away(queue)
    assert queue.claim(worker) is None
    assert queue.get(SESSION, asked).state is JobState.CANCELLED
    asked = queue.ask(SESSION, entry.id, 0)

    def run(_: LogEntry, on_event: OnEvent, cancel: CancelToken) -> Any:
        _look_away(queue)
        on_event(Progress(0.5, "step 1 of 2"))
        cancel.check()
        raise AssertionError("it went on")

    ReplayRunner(queue, run).run_next(worker)
    assert queue.get(SESSION, asked).state is JobState.CANCELLED


def test_a_look_keeps_a_replay(desk: Desk, entry: LogEntry, worker: str) -> None:
    queue = ReplayQueue(desk.store)
    asked = queue.ask(SESSION, entry.id, 0)
    _look_away(queue)
    queue.get(SESSION, asked)
    assert queue.claim(worker) is not None
    assert not queue.beat(asked, "step 1 of 2")


def test_replays_are_asked_for_under_the_limits_of_edits(desk: Desk, entry: LogEntry) -> None:
    limits = JobLimits(jobs_per_session=1, queue_length=2)
    edits, queue = JobQueue(desk.store, limits), ReplayQueue(desk.store, limits)
    job = edits.enqueue(SESSION, entry.request, entry.inputs)
    with pytest.raises(RefusedInput, match="A session may have 1 edit"):
        queue.ask(SESSION, entry.id, 0)
    edits.enqueue(OTHER, entry.request, entry.inputs)
    edits.cancel(SESSION, job)
    asked = queue.ask(SESSION, entry.id, 0)
    assert queue.get(SESSION, asked).state is JobState.QUEUED
    queue.cancel(SESSION)
    edits.enqueue(SESSION, entry.request, entry.inputs)
    third = session_id("c" * 32)
    other = replace(entry, id="d" * len(entry.id))
    desk.store.record(third, other)
    with pytest.raises(RefusedInput, match="The queue may hold 2 edits"):
        queue.ask(third, other.id, 0)
