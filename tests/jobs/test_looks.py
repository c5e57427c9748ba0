"""Control maps to look at: queued by session, drawn by a worker, never an edit."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genimg_ui.core.geometry import Box, Sides
from genimg_ui.core.request import ControlUnit, EditInputs, EditRequest, InpaintParams
from genimg_ui.core.tasks import MASKED
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.jobs.compose import draw_map
from genimg_ui.jobs.job import JobState
from genimg_ui.jobs.lease import WorkerLease, new_worker_name
from genimg_ui.jobs.looks import MOST_WAITING, Asked, LookQueue
from tests.editing import SQUARE, Desk, painted, photograph, png, request

ANN, BOB = "a" * 32, "b" * 32
SIZE = (90, 70)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def asked(desk: Desk, asked_for: EditRequest, mask: np.ndarray | None = None) -> Asked:
    return Asked(request=asked_for, inputs=desk.inputs(png(photograph(*SIZE)), mask), index=0)


def draw_nothing(_asked: Asked) -> None:
    raise AssertionError("nothing waits")


def canny(**parts: object) -> EditRequest:
    return request("square", controls=(ControlUnit(kind="canny"),), **parts)


def test_a_map_is_that_of_the_edits_own_crop(desk: Desk) -> None:
    mask = painted(*SIZE, (30, 30, 40, 40))
    look = asked(desk, canny(), mask)
    answer = draw_map(desk.editor, desk.store, look)
    assert desk.fake.jobs == []
    entry = desk.apply(look.request, look.inputs)
    [control] = desk.fake.jobs[-1].controls
    assert entry.plan is not None
    assert tuple(answer["box"]) == tuple(entry.plan.box)
    shown = np.asarray(Image.open(answer["path"]))  # without what pads it to the multiples
    height, width = shown.shape[:2]
    np.testing.assert_array_equal(shown, control.image[:height, :width])
    assert list(desk.store.entries()) == []


def test_without_a_mask_the_map_is_of_the_whole_picture(desk: Desk) -> None:
    answer = draw_map(desk.editor, desk.store, asked(desk, canny()))
    assert answer["box"] == [0, 0, *SIZE]


def test_a_box_drawn_by_hand_does_not_hinder_a_map_of_the_whole_picture(desk: Desk) -> None:
    boxed = canny(inpaint=InpaintParams(box=Box(10, 10, 50, 50)))
    assert draw_map(desk.editor, desk.store, asked(desk, boxed))["box"] == [0, 0, *SIZE]
    mask = painted(*SIZE, (30, 30, 40, 40))
    assert draw_map(desk.editor, desk.store, asked(desk, boxed, mask))["box"] == [10, 10, 50, 50]


def test_a_map_needs_no_model_that_serves_the_task(tmp_path: Path) -> None:
    only = replace(SQUARE, id="only", tasks=MASKED)
    desk = Desk(tmp_path / "only", only)
    asked_for = replace(canny(), model="only")
    answer = draw_map(desk.editor, desk.store, asked(desk, asked_for))
    desk.close()
    assert answer["box"] == [0, 0, *SIZE]


def test_a_box_is_told_in_pixels_of_the_source(desk: Desk) -> None:
    bordered = canny(border=Sides(20, 0, 0, 0))
    answer = draw_map(desk.editor, desk.store, asked(desk, bordered))
    assert answer["box"][0] == -20


def test_a_worker_answers_and_only_its_session_sees_it(desk: Desk, tmp_path: Path) -> None:
    queue = LookQueue(desk.store)
    look = asked(desk, canny(), painted(*SIZE, (30, 30, 40, 40)))
    look_id = queue.ask(ANN, look)
    assert queue.get(ANN, look_id).state is JobState.QUEUED
    with WorkerLease(tmp_path, new_worker_name()) as lease:
        assert queue.run_next(lease.name, lambda a: draw_map(desk.editor, desk.store, a))
        assert not queue.run_next(lease.name, draw_nothing)
    done = queue.get(ANN, look_id)
    assert (done.state, done.asked) == (JobState.DONE, look)
    assert Path(done.answer["path"]).is_file()
    with pytest.raises(UnknownItem):
        queue.get(BOB, look_id)


def test_what_cannot_be_drawn_is_answered_in_a_sentence(desk: Desk, tmp_path: Path) -> None:
    queue = LookQueue(desk.store)
    unit = ControlUnit(kind="canny", parameters={"low_threshold": 999})
    look_id = queue.ask(ANN, asked(desk, request("square", controls=(unit,))))
    with WorkerLease(tmp_path, new_worker_name()) as lease:
        queue.run_next(lease.name, lambda a: draw_map(desk.editor, desk.store, a))
    done = queue.get(ANN, look_id)
    assert done.state is JobState.FAILED
    assert "low_threshold must be in [1, 255], got 999" in done.answer["error"]


def test_who_asks_again_gives_up_what_waits(desk: Desk) -> None:
    queue = LookQueue(desk.store)
    look = Asked(request=canny(), inputs=EditInputs(source="0" * 64), index=0)
    first = queue.ask(ANN, look)
    queue.ask(ANN, look)
    with pytest.raises(UnknownItem):
        queue.get(ANN, first)
    for i in range(MOST_WAITING - 1):
        queue.ask(f"{i:032x}", look)
    with pytest.raises(RefusedInput, match="maps are waiting"):
        queue.ask(BOB, look)


def test_a_worker_that_is_gone_leaves_a_sentence(desk: Desk) -> None:
    queue = LookQueue(desk.store)
    look_id = queue.ask(ANN, asked(desk, canny()))
    assert queue.claim("nobody") is not None
    assert "stopped while this map" in queue.get(ANN, look_id).answer["error"]
