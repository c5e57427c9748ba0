"""States, turns, owners and crashes of the queue, without a worker process."""

import threading
from collections.abc import Callable

import pytest

from genimg_ui.core.request import EditInputs, EditRequest, SamplingParams
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.history.names import session_id, utc, utc_now
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.history.store import Store
from genimg_ui.jobs.job import Job
from genimg_ui.jobs.lease import WorkerLease
from genimg_ui.jobs.limits import JobLimits
from genimg_ui.jobs.queue import INTERRUPTED, JobQueue, JobState

Add = Callable[..., str]


def done(job: Job) -> LogEntry:
    return LogEntry(
        id=job.id,
        created=utc_now(),
        state=EntryState.DONE,
        request=job.request,
        inputs=job.inputs,
    )


def claimed(queue: JobQueue, worker: str = "w") -> Job:
    job = queue.claim(worker)
    assert job is not None
    return job


def test_a_job_waits_runs_and_is_done(queue: JobQueue, add: Add, ann: str) -> None:
    job_id = add(ann, "a red door")
    waiting = queue.job(ann, job_id)
    assert (waiting.state, waiting.position, waiting.started) == (JobState.QUEUED, 0, None)
    assert waiting.request.sampling.prompt == "a red door"
    running = claimed(queue)
    assert (running.id, running.state, running.ended) == (job_id, JobState.RUNNING, None)
    assert queue.claim("w") is None
    queue.beat(job_id, fraction=0.5, text="step 3 of 6", preview_rev=2)
    seen = queue.job(ann, job_id)
    assert (seen.fraction, seen.text, seen.preview_rev) == (0.5, "step 3 of 6", 2)
    assert seen.preview is not None and seen.preview.name == f"job-{job_id}-2.jpg"
    queue.finish(running, done(running))
    after = queue.job(ann, job_id)
    assert (after.state, after.entry_id, after.preview) == (JobState.DONE, job_id, None)
    assert after.created <= (after.started or 0) <= (after.ended or 0)
    assert queue.store.entry_of(ann, job_id).state is EntryState.DONE
    assert (queue.active(ann), [job.id for job in queue.recent(ann)]) == ([], [job_id])


def test_sessions_take_turns_and_positions_say_so(
    queue: JobQueue, add: Add, ann: str, bob: str
) -> None:
    first, second, third = (add(ann) for _ in range(3))
    assert claimed(queue).id == first
    his_first, his_second = add(bob), add(bob)
    expected = [his_first, second, his_second, third]
    owners = {second: ann, third: ann, his_first: bob, his_second: bob}
    assert [queue.job(owners[job], job).position for job in expected] == [0, 1, 2, 3]
    assert [claimed(queue).id for _ in range(4)] == expected


def test_a_stream_of_newcomers_starves_nobody(queue: JobQueue, add: Add, ann: str) -> None:
    add(ann)
    claimed(queue)
    again = add(ann)
    newcomers = [add(session_id(f"{number:032x}")) for number in range(2)]
    order = []
    for number in range(2, 8):
        order.append(claimed(queue).id)
        add(session_id(f"{number:032x}"))
    assert set(newcomers) < set(order)
    assert order.index(again) <= 2


def test_two_threads_never_take_the_same_job(queue: JobQueue, add: Add, ann: str) -> None:
    ids = [add(ann) for _ in range(20)]
    taken: list[str] = []

    def work(name: str) -> None:
        while (job := queue.claim(name)) is not None:
            taken.append(job.id)

    threads = [threading.Thread(target=work, args=(f"w{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(ids)


def test_a_waiting_job_is_cancelled_at_once_and_logged(queue: JobQueue, add: Add, ann: str) -> None:
    job = queue.cancel(ann, add(ann))
    assert (job.state, job.entry_id) == (JobState.CANCELLED, job.id)
    assert queue.store.entry_of(ann, job.id).state is EntryState.CANCELLED
    assert queue.claim("w") is None


def test_a_running_job_is_asked_to_end(queue: JobQueue, add: Add, ann: str) -> None:
    job_id = add(ann)
    claimed(queue)
    assert not queue.is_cancelling(job_id)
    job = queue.cancel(ann, job_id)
    assert (job.state, job.cancelling) == (JobState.RUNNING, True)
    assert queue.is_cancelling(job_id)


def test_an_ended_job_stays_as_it_is_when_cancelled(queue: JobQueue, add: Add, ann: str) -> None:
    add(ann)
    job = claimed(queue)
    queue.finish(job, done(job))
    assert queue.cancel(ann, job.id).state is JobState.DONE


def test_only_the_owner_sees_and_cancels(queue: JobQueue, add: Add, ann: str, bob: str) -> None:
    job_id = add(ann)
    for act in (queue.job, queue.cancel, queue.retry):
        with pytest.raises(UnknownItem, match="is not in this session"):
            act(bob, job_id)
    assert queue.active(bob) == queue.recent(bob) == []
    assert queue.job(ann, job_id).state is JobState.QUEUED


def test_running_jobs_whose_worker_is_gone_are_interrupted(
    queue: JobQueue, add: Add, ann: str, store: Store
) -> None:
    dead, alive, waiting = add(ann), add(ann), add(ann)
    assert claimed(queue, "dead").id == dead
    with WorkerLease(store.data_dir, "alive"):
        assert claimed(queue, "alive").id == alive
        assert queue.mark_interrupted() == [dead]
        assert queue.mark_interrupted() == []
        job = queue.job(ann, dead)
        assert (job.state, job.error, job.entry_id) == (JobState.INTERRUPTED, INTERRUPTED, dead)
        assert queue.job(ann, alive).state is JobState.RUNNING
    assert queue.mark_interrupted() == [alive]
    entry = queue.store.entry(dead)
    assert entry.state is EntryState.INTERRUPTED
    assert job.started is not None and entry.created == utc(job.started) <= entry.ended
    again = queue.retry(ann, dead)
    assert queue.job(ann, again).request == job.request
    assert [claimed(queue).id for _ in range(2)] == [waiting, again]


def test_a_worker_that_died_after_logging_keeps_its_result(
    queue: JobQueue, add: Add, ann: str
) -> None:
    add(ann)
    job = claimed(queue)
    queue.store.record(ann, done(job))
    queue.mark_interrupted()
    assert queue.job(ann, job.id).state is JobState.DONE
    assert len(list(queue.store.entries(ann))) == 1


def test_a_crash_while_a_waiting_job_is_cancelled_leaves_it_cancelled(
    queue: JobQueue, add: Add, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = add(ann)
    with monkeypatch.context() as patch:
        patch.setattr(queue, "finish", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            queue.cancel(ann, job_id)
    assert queue.claim("w") is None
    assert queue.mark_interrupted() == [job_id]
    assert queue.job(ann, job_id).state is JobState.CANCELLED
    assert queue.store.entry_of(ann, job_id).state is EntryState.CANCELLED


def test_an_end_is_in_the_log_before_it_is_seen(
    queue: JobQueue, add: Add, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[JobState] = []
    record = queue.store.record

    def recording(session: str, entry: LogEntry) -> None:
        seen.append(queue.job(session, entry.id).state)
        record(session, entry)

    monkeypatch.setattr(queue.store, "record", recording)
    queue.cancel(ann, add(ann))
    add(ann)
    claimed(queue)
    queue.mark_interrupted()
    assert seen == [JobState.RUNNING] * 2


def test_jobs_of_a_dead_worker_fail_or_are_cancelled(queue: JobQueue, add: Add, ann: str) -> None:
    failed, cancelled = add(ann), add(ann)
    assert (claimed(queue).id, claimed(queue).id) == (failed, cancelled)
    queue.cancel(ann, cancelled)
    assert queue.fail_jobs_of("other", "It died.") == []
    assert queue.fail_jobs_of("w", "It died.") == [failed, cancelled]
    jobs = [queue.job(ann, job_id) for job_id in (failed, cancelled)]
    assert [(job.state, job.error) for job in jobs] == [
        (JobState.FAILED, "It died."),
        (JobState.CANCELLED, ""),
    ]
    assert queue.store.entry(failed).error == "It died."


def test_what_is_done_or_waits_is_not_run_again(queue: JobQueue, add: Add, ann: str) -> None:
    job_id = add(ann)
    with pytest.raises(RefusedInput, match="failed, cancelled, interrupted can be .* got queued"):
        queue.retry(ann, job_id)


def test_limits_refuse_with_what_is_and_what_may_be(
    store: Store, ann: str, bob: str, inputs: EditInputs
) -> None:
    queue = JobQueue(store, JobLimits(queue_length=3, jobs_per_session=2))
    for _ in range(2):
        queue.enqueue(ann, EditRequest(), inputs)
    with pytest.raises(RefusedInput, match="A session may have 2 edits .* and this one has 2"):
        queue.enqueue(ann, EditRequest(), inputs)
    queue.enqueue(bob, EditRequest(), inputs)
    with pytest.raises(RefusedInput, match="The queue may hold 3 edits, and it holds 3"):
        queue.enqueue(session_id("c" * 32), EditRequest(), inputs)
    job = claimed(queue)
    queue.finish(job, done(job))
    queue.enqueue(bob, EditRequest(), inputs)


def test_inputs_that_are_not_stored_are_refused(
    queue: JobQueue, ann: str, inputs: EditInputs, bob: str, add: Add
) -> None:
    with pytest.raises(UnknownItem, match="the source 0{64} is not in the data folder"):
        queue.enqueue(ann, EditRequest(), EditInputs(source="0" * 64))
    with pytest.raises(UnknownItem, match="the mask"):
        queue.enqueue(ann, EditRequest(), EditInputs(source=inputs.source, mask="0" * 64))
    with pytest.raises(RefusedInput, match="sha256 must be 64 hex digits"):
        queue.enqueue(ann, EditRequest(), EditInputs(source="../secret"))
    his = queue.cancel(bob, add(bob)).id
    with pytest.raises(UnknownItem, match="is not in this session"):
        queue.enqueue(ann, EditRequest(), inputs, parent=his)


def test_the_queue_outlives_the_program(queue: JobQueue, add: Add, ann: str) -> None:
    ids = [add(ann, f"edit {number}") for number in range(3)]
    queue.store.close()
    again = JobQueue(Store.open(queue.store.data_dir))
    assert [job.id for job in again.active(ann)] == ids
    assert again.job(ann, ids[2]).request.sampling == SamplingParams(prompt="edit 2")
    assert claimed(again).id == ids[0]
