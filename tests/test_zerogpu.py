"""A ZeroGPU Space: `spaces` is installed, jobs run inside the request for as long as they ask."""

from dataclasses import replace
from pathlib import Path

import pytest
import spaces

from genimg_ui.core.request import (
    ControlUnit,
    EditInputs,
    EditRequest,
    SamplingParams,
)
from genimg_ui.history.names import new_session_key, session_id
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.history.store import Store
from genimg_ui.jobs.queue import JobQueue, JobState
from genimg_ui.registry import ModelSpec, Registry
from genimg_ui.registry.spec import Texture
from genimg_ui.zerogpu import LEAST_SECONDS, MOST_SECONDS, ZeroGpuRunner, seconds_for

PICTURE = b"\x89PNG\r\n\x1a\n"
LOCAL = ModelSpec(id="local", title="Local", engine="exemplar", licence="")
HUB = ModelSpec(
    id="hub",
    title="Hub",
    engine="diffusers",
    licence="",
    source="a/b",
    native_size=1024,
    memory_gib=10,
    uses_strength=True,
)


class _Editor:
    """Ends every edit at once."""

    def apply(self, request, inputs, *, entry_id, **_) -> LogEntry:
        return LogEntry(
            id=entry_id, created="now", state=EntryState.DONE, request=request, inputs=inputs
        )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Seconds asked of spaces.GPU, call by call; the lent function runs as on ZeroGPU."""
    seconds: list[int] = []

    def lend(task, *, duration):
        def lent(*args):
            seconds.append(duration(*args))
            return task(*args)

        return lent

    monkeypatch.setattr(spaces, "GPU", lend)
    return seconds


@pytest.fixture
def place(tmp_path: Path) -> tuple[Store, JobQueue, ZeroGpuRunner]:
    store = Store.open(tmp_path)
    queue = JobQueue(store)
    runner = ZeroGpuRunner(queue, Registry((LOCAL, HUB), "local"), _Editor())
    yield store, queue, runner
    store.close()


def _enqueue(store: Store, queue: JobQueue, session: str, model: str) -> str:
    source = store.put_source(PICTURE + model.encode())
    return queue.enqueue(session, EditRequest(model=model), EditInputs(source=source))


def test_a_model_asks_for_its_seconds_and_the_embedded_engine_for_none(asked, place) -> None:
    store, queue, _ = place
    runner = ZeroGpuRunner(queue, Registry((LOCAL, HUB), "local"), _Editor())
    session = session_id(new_session_key())
    jobs = [_enqueue(store, queue, session, model) for model in ("local", "hub")]
    assert runner.run_waiting(session) == jobs
    assert [queue.job(session, job).state for job in jobs] == [JobState.DONE, JobState.DONE]
    assert asked == [seconds_for(EditRequest(model="hub"), HUB)]


def test_the_real_decorator_runs_the_job_where_there_is_no_zero_gpu(place) -> None:
    store, queue, runner = place
    session = session_id(new_session_key())
    job = _enqueue(store, queue, session, "hub")
    runner.run_waiting(session)
    assert queue.job(session, job).state is JobState.DONE


def test_only_the_callers_own_edits_run(place) -> None:
    store, queue, runner = place
    mine, other = (session_id(new_session_key()) for _ in range(2))
    job = _enqueue(store, queue, other, "local")
    assert runner.run_waiting(mine) == []
    assert queue.job(other, job).state is JobState.QUEUED


def test_a_job_that_cannot_run_fails_with_its_sentence_and_the_next_one_runs(place) -> None:
    store, queue, runner = place
    session = session_id(new_session_key())
    bad, good = (_enqueue(store, queue, session, model) for model in ("gone", "local"))
    runner.run_waiting(session)
    assert queue.job(session, bad).state is JobState.FAILED
    assert "local, hub" in store.entry_of(session, bad).error
    assert queue.job(session, good).state is JobState.DONE


@pytest.mark.parametrize("begun", [False, True], ids=["quota-refused", "killed-midway"])
def test_what_the_host_ends_is_ended_here_too(begun, place, monkeypatch) -> None:
    store, queue, _ = place

    def lend(_task, **_):
        def lent(job_id, _seconds):
            if begun:
                queue.claim_job("worker-of-a-killed-child", job_id)
            raise RuntimeError("quota exceeded")

        return lent

    monkeypatch.setattr(spaces, "GPU", lend)
    runner = ZeroGpuRunner(queue, Registry((LOCAL, HUB), "local"), _Editor())
    session = session_id(new_session_key())
    job, after = (_enqueue(store, queue, session, model) for model in ("hub", "local"))
    runner.run_waiting(session)
    assert queue.job(session, job).state is JobState.FAILED
    assert "quota exceeded" in store.entry_of(session, job).error
    assert queue.job(session, after).state is JobState.DONE


def test_an_edit_that_needs_too_long_is_refused_and_not_killed_midway(asked, place) -> None:
    store, queue, _ = place
    runner = ZeroGpuRunner(queue, Registry((LOCAL, HUB), "local"), _Editor())
    session = session_id(new_session_key())
    source = store.put_source(PICTURE + b"long")
    long = EditRequest(model="hub", sampling=SamplingParams(num_inference_steps=150, variants=16))
    job = queue.enqueue(session, long, EditInputs(source=source))
    runner.run_waiting(session)
    assert asked == []
    assert f"at most {MOST_SECONDS} seconds" in store.entry_of(session, job).error


def _seconds(**sampling) -> int:
    return seconds_for(EditRequest(sampling=SamplingParams(**sampling)), HUB)


def test_seconds_grow_with_the_work() -> None:
    assert seconds_for(EditRequest(), LOCAL) == 0
    network = replace(HUB, engine="completion", texture=Texture.PATCHES)
    assert seconds_for(EditRequest(), network) == 0, "patches are searched on the CPU"
    assert _seconds(num_inference_steps=60) > _seconds(num_inference_steps=30)
    assert _seconds(variants=4) > _seconds(variants=1)
    assert _seconds(strength=0.3) < _seconds(strength=1.0)
    controlled = EditRequest(controls=(ControlUnit(kind="canny"),))
    assert seconds_for(controlled, HUB) > seconds_for(EditRequest(), HUB)
    small = ModelSpec(id="s", title="S", engine="diffusers", licence="", source="a/b")
    assert seconds_for(EditRequest(), small) == LEAST_SECONDS
