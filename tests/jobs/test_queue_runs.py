"""Runs in the queue: queued whole or not at all, counted as one, cancelled like any job."""

from collections.abc import Callable

import pytest

from genimg_ui.core.request import EditGroup, EditInputs, EditRequest, SamplingParams
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.history.store import Store
from genimg_ui.jobs.limits import JobLimits
from genimg_ui.jobs.queue import JobQueue, JobState

Add = Callable[..., str]


def a_run(source: str, count: int, name: str = "r") -> list[tuple[EditRequest, EditInputs]]:
    return [
        (
            EditRequest(sampling=SamplingParams(seed=seed)),
            EditInputs(source=source, group=EditGroup(id=name, cell={"seed": str(seed)})),
        )
        for seed in range(count)
    ]


def test_a_run_is_queued_in_order_and_every_job_knows_its_cell(
    queue: JobQueue, inputs: EditInputs, ann: str
) -> None:
    ids = queue.enqueue_all(ann, a_run(inputs.source, 3), None)
    jobs = queue.active(ann)
    assert [job.id for job in jobs] == ids
    assert [job.position for job in jobs] == [0, 1, 2]
    groups = [job.inputs.group for job in jobs]
    assert groups == [EditGroup(id="r", cell={"seed": str(i)}) for i in range(3)]


def test_a_run_counts_as_one_edit_of_its_session_but_fills_the_queue(
    store: Store, inputs: EditInputs, ann: str, bob: str
) -> None:
    queue = JobQueue(store, JobLimits(queue_length=8, jobs_per_session=2))
    queue.enqueue_all(ann, a_run(inputs.source, 3, "one"), None)
    queue.enqueue_all(ann, a_run(inputs.source, 3, "two"), None)
    with pytest.raises(RefusedInput, match="2 edits waiting or running, and this one has 2"):
        queue.enqueue(ann, EditRequest(), inputs)
    with pytest.raises(RefusedInput, match="hold 8 edits, and it holds 6; these would be 3 more"):
        queue.enqueue_all(bob, a_run(inputs.source, 3), None)
    assert queue.active(bob) == []
    queue.enqueue_all(bob, a_run(inputs.source, 2), None)


def test_a_run_is_queued_whole_or_not_at_all(queue: JobQueue, inputs: EditInputs, ann: str) -> None:
    edits = a_run(inputs.source, 2)
    edits.append((EditRequest(), EditInputs(source="0" * 64)))
    with pytest.raises(UnknownItem):
        queue.enqueue_all(ann, edits, None)
    assert queue.active(ann) == []


def test_a_long_run_leaves_the_others_their_turn(
    queue: JobQueue, inputs: EditInputs, add: Add, ann: str, bob: str
) -> None:
    queue.enqueue_all(ann, a_run(inputs.source, 5), None)
    first = queue.claim("w")
    his = add(bob)
    second = queue.claim("w")
    assert first is not None and second is not None
    assert (first.session, second.id) == (ann, his)


def test_cancelling_ends_what_waits(queue: JobQueue, inputs: EditInputs, ann: str) -> None:
    ids = queue.enqueue_all(ann, a_run(inputs.source, 3), None)
    for job_id in ids:
        queue.cancel(ann, job_id)
    assert {queue.job(ann, job_id).state for job_id in ids} == {JobState.CANCELLED}
    assert [entry.group for entry in queue.store.entries(ann)] == [
        EditGroup(id="r", cell={"seed": str(i)}) for i in range(3)
    ]
