"""A queue on a fresh store, a stored source, and requests that are a prompt."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from genimg_ui.core.request import EditInputs, EditRequest, SamplingParams
from genimg_ui.history.names import session_id
from genimg_ui.history.store import Store
from genimg_ui.jobs.queue import JobQueue

sys.path.insert(0, str(Path(__file__).parent))  # the scripted editor's place, as in the worker


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture
def queue(store: Store) -> JobQueue:
    return JobQueue(store)


@pytest.fixture
def ann() -> str:
    return session_id("a" * 32)


@pytest.fixture
def bob() -> str:
    return session_id("b" * 32)


@pytest.fixture
def inputs(store: Store) -> EditInputs:
    return EditInputs(source=store.put_source(b"\x89PNG"))


@pytest.fixture
def add(queue: JobQueue, inputs: EditInputs) -> Callable[..., str]:
    """Enqueue an edit whose prompt is the scripted editor's order."""

    def enqueue(session: str, prompt: str = "") -> str:
        return queue.enqueue(session, EditRequest(sampling=SamplingParams(prompt=prompt)), inputs)

    return enqueue
