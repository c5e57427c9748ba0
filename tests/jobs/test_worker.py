"""The worker as a real process: it works, it dies, its parent dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from genimg_ui.history.record import EntryState
from genimg_ui.jobs.job import Job
from genimg_ui.jobs.queue import JobQueue, JobState
from genimg_ui.jobs.supervisor import WorkerSupervisor

Add = Callable[..., str]
Supervise = Callable[..., WorkerSupervisor]
EDITOR = "scripted_editor:build"
PATIENCE = 30.0  # seconds; a process starts within one on an idle machine


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def wait_for_end(queue: JobQueue, session: str, job_id: str) -> Job:
    wait_for(lambda: queue.job(session, job_id).state.ended)
    return queue.job(session, job_id)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.fixture
def supervise(queue: JobQueue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervise]:
    """Start workers with the scripted editor, and end them with the test."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    started: list[WorkerSupervisor] = []

    def start(models: str = "models.yaml", **options: object) -> WorkerSupervisor:
        settings: dict[str, object] = {"warm": False, "editor": EDITOR} | options
        supervisor = WorkerSupervisor(queue, Path(models), **settings)  # type: ignore[arg-type]  # kwargs of one test
        started.append(supervisor)
        supervisor.start()
        return supervisor

    yield start
    for supervisor in started:
        supervisor.stop()


def test_jobs_run_in_another_process(
    queue: JobQueue, add: Add, ann: str, supervise: Supervise
) -> None:
    supervisor = supervise(options={"note": "from the server"})
    first, second = add(ann), add(ann, "refuse")
    supervisor.wake()
    assert wait_for_end(queue, ann, first).state is JobState.DONE
    assert wait_for_end(queue, ann, second).error == "strength must be in (0, 1], got 2"
    pid = supervisor.status().pid
    assert queue.store.entry(first).facts["pid"] == str(pid) != str(os.getpid())
    assert (queue.store.data_dir / "options").read_text() == "from the server"
    supervisor.stop()
    assert pid is not None and not is_running(pid)
    assert not supervisor.status().running
    assert list((queue.store.data_dir / "workers").iterdir()) == []


def test_cancel_reaches_the_worker(
    queue: JobQueue, add: Add, ann: str, supervise: Supervise
) -> None:
    supervise()
    job_id = add(ann, "sleep 60")
    wait_for(lambda: queue.job(ann, job_id).fraction > 0)
    start = time.monotonic()
    queue.cancel(ann, job_id)
    assert wait_for_end(queue, ann, job_id).state is JobState.CANCELLED
    assert time.monotonic() - start < 2.0


def test_a_worker_that_hears_no_cancel_is_ended(
    queue: JobQueue, add: Add, ann: str, supervise: Supervise
) -> None:
    supervise(deaf_after=0.5)
    job_id, after = add(ann, "deaf 60"), add(ann)
    wait_for(lambda: queue.job(ann, job_id).fraction > 0)
    queue.cancel(ann, job_id)
    assert wait_for_end(queue, ann, job_id).state is JobState.CANCELLED
    assert wait_for_end(queue, ann, after).state is JobState.DONE


@pytest.mark.parametrize("how", ["killed", "exit"])
def test_a_worker_that_dies_fails_its_job_and_the_next_one_runs(
    queue: JobQueue, add: Add, ann: str, supervise: Supervise, how: str
) -> None:
    supervisor = supervise()
    job_id, after = add(ann, "exit 3" if how == "exit" else "sleep 60"), add(ann)
    if how == "killed":
        wait_for(lambda: queue.job(ann, job_id).fraction > 0)
        pid = supervisor.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    job = wait_for_end(queue, ann, job_id)
    cause = "exit code 3" if how == "exit" else "signal SIGKILL"
    assert job.state is JobState.FAILED
    assert job.error.startswith(
        "The engine's process ended unexpectedly (out of memory?): " + cause
    )
    assert queue.store.entry(job_id).state is EntryState.FAILED
    assert wait_for_end(queue, ann, after).state is JobState.DONE
    assert supervisor.status().restarts == 1


def test_an_editor_that_cannot_be_built_fails_the_edit_with_its_sentence(
    queue: JobQueue, add: Add, ann: str, supervise: Supervise
) -> None:
    supervisor = supervise("broken.yaml")
    job = wait_for_end(queue, ann, add(ann))
    assert job.error == "broken.yaml, line 1: models is missing"
    assert supervisor.status().restarts == 0


def test_stopping_the_program_interrupts_what_runs_and_keeps_what_waits(
    queue: JobQueue, add: Add, ann: str, supervise: Supervise
) -> None:
    supervisor = supervise()
    running, waiting = add(ann, "sleep 60"), add(ann)
    wait_for(lambda: queue.job(ann, running).fraction > 0)
    supervisor.stop()
    assert queue.job(ann, running).state is JobState.INTERRUPTED
    assert queue.job(ann, waiting).state is JobState.QUEUED
    supervise()
    assert wait_for_end(queue, ann, waiting).state is JobState.DONE
    assert queue.job(ann, running).state is JobState.INTERRUPTED


def test_the_engine_is_warmed_at_low_priority_before_this_process_loads_it(
    queue: JobQueue, supervise: Supervise, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = tmp_path / "warm"
    monkeypatch.setenv("SCRIPTED_WARM", str(note))
    supervise(warm=True)
    wait_for(lambda: note.exists() and note.read_text().count("\n") == 2)
    cache = queue.store.data_dir / "cache" / "numba"
    assert note.read_text().splitlines() == [f"19 {cache}", f"{os.nice(0)} {cache}"]


def test_the_editor_settles_once_after_its_last_edit_and_a_failure_ends_nothing(
    queue: JobQueue, add: Add, ann: str, supervise: Supervise
) -> None:
    for _ in range(2):
        add(ann)
    rests = queue.store.data_dir / "rests"
    supervisor = supervise(options={"rests": True})

    def wait_for_rests(*after: int) -> None:
        lines = "".join(f"{edits}\n" for edits in after)
        wait_for(lambda: rests.exists() and rests.read_text() == lines)

    wait_for_rests(2)  # none between edits that wait
    assert wait_for_end(queue, ann, add(ann, "restless")).state is JobState.DONE
    wait_for_rests(2, 3)
    assert wait_for_end(queue, ann, add(ann)).state is JobState.DONE
    wait_for_rests(2, 3, 4)
    assert supervisor.status().restarts == 0


_SERVER = """
import sys, time
from pathlib import Path
from genimg_ui.history.store import Store
from genimg_ui.jobs.queue import JobQueue
from genimg_ui.jobs.supervisor import WorkerSupervisor
supervisor = WorkerSupervisor(
    JobQueue(Store.open(Path(sys.argv[1]))), Path("models.yaml"), editor=sys.argv[2], warm=False
)
supervisor.start()
print(supervisor.status().pid, flush=True)
time.sleep(600)
"""


def test_a_killed_server_takes_the_worker_with_it_and_the_next_start_goes_on(
    queue: JobQueue, add: Add, ann: str, supervise: Supervise
) -> None:
    running, waiting = add(ann, "sleep 60"), add(ann)
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(Path(__file__).parents[2]), os.environ["PYTHONPATH"]))
    }
    command = [sys.executable, "-c", _SERVER, str(queue.store.data_dir), EDITOR]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as server:
        assert server.stdout is not None
        worker = int(server.stdout.readline())
        wait_for(lambda: queue.job(ann, running).fraction > 0)
        server.kill()
    wait_for(lambda: not is_running(worker))
    assert queue.job(ann, running).state is JobState.RUNNING
    supervise()
    assert wait_for_end(queue, ann, running).state is JobState.INTERRUPTED
    assert wait_for_end(queue, ann, waiting).state is JobState.DONE
