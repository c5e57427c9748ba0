"""Runs from plan to approved files: ordinary edits that know their run and their cell."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genimg_ui.core.geometry import Box
from genimg_ui.core.request import EditInputs
from genimg_ui.core.resolve import Bounds
from genimg_ui.core.sheet import MARGIN
from genimg_ui.core.sweep import Axis, Sweep
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.run_exports import METADATA, RunExports
from genimg_ui.runs import Plan, Run, Runs, fingerprint, ranked
from tests.editing import request
from tests.test_workspace import ANN, BOB, SIZE, Room

STRENGTHS = Sweep(axes=(Axis(parameter="strength", values=(0.3, 0.6, 1.0)),))
TABLE = Sweep(
    axes=(
        Axis(parameter="strength", values=(0.3, 1.0)),
        Axis(parameter="guidance_scale", values=(5.0, 7.0)),
    )
)
SEEDS = Sweep(axes=(Axis(parameter="seed", values=(5, 6)),))

PROMPTS = Sweep(axes=(Axis(parameter="prompt", values=("a red door", "a blue door")),))


class Bench(Room):
    """A room with a picture and a mask, and its runs."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, **options)
        self.runs = Runs(self.work)
        self.exports = RunExports(self.work, self.runs)
        source = self.open()
        self.inputs = EditInputs(source=source, mask=self.mask(source))

    def plan(self, sweep: Sweep = STRENGTHS, **sampling: Any) -> Plan:
        return self.runs.plan(ANN, request("square", **sampling), sweep, SIZE)

    def start(self, sweep: Sweep = STRENGTHS, **sampling: Any) -> str:
        return self.runs.start(ANN, self.plan(sweep, **sampling), self.inputs)

    def finish(self, count: int = 99) -> None:
        while count and self.queue.waiting():
            self.runner.run_next()
            count -= 1

    def seen(self, run_id: str) -> Run:
        return self.runs.run(ANN, run_id)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    opened = Bench(tmp_path)
    yield opened
    opened.desk.close()


def test_the_count_is_said_before_and_the_time_once_it_is_known(bench: Bench) -> None:
    assert bench.plan().sentence == "3 pictures; how long is known once this model has made one."
    assert bench.plan(SEEDS).title == "2 seeds"
    bench.run(request("square"))
    assert bench.plan().seconds is not None
    assert bench.plan().sentence.startswith("3 pictures, about ")


def test_a_seed_is_drawn_once_for_the_whole_run(bench: Bench) -> None:
    drawn = bench.plan(seed=None)
    seeds = {cell.request.sampling.seed for cell in drawn.cells}
    assert len(seeds) == 1 and None not in seeds


def test_a_run_is_followed_cell_by_cell(bench: Bench) -> None:
    run_id = bench.start()
    assert bench.woken == 1
    assert [cell.state for cell in bench.seen(run_id).cells] == ["queued"] * 3
    before = fingerprint(bench.seen(run_id))
    bench.finish(1)
    assert [cell.state for cell in bench.seen(run_id).cells] == ["done", "queued", "queued"]
    assert fingerprint(bench.seen(run_id)) != before
    assert not bench.seen(run_id).over
    bench.finish()
    run = bench.seen(run_id)
    assert run.over and run.title == "Denoise" and run.model == "square"
    assert [cell.varies for cell in run.cells] == [
        {"strength": "0.3"}, {"strength": "0.6"}, {"strength": "1"},
    ]  # fmt: skip
    strengths = [bench.work.entry(ANN, cell.entry).request.sampling.strength for cell in run.cells]
    assert strengths == [0.3, 0.6, 1.0]


def test_a_run_is_its_sessions_own(bench: Bench) -> None:
    run_id = bench.start()
    bench.finish()
    with pytest.raises(UnknownItem, match="not in this session"):
        bench.runs.run(BOB, run_id)
    assert (bench.runs.recent(BOB), bench.runs.newest(BOB)) == ([], None)
    with pytest.raises(UnknownItem):
        bench.runs.cell(ANN, run_id, "f" * 16)


def test_cancelling_ends_the_rest_and_keeps_what_is_there(bench: Bench) -> None:
    run_id = bench.start()
    bench.finish(1)
    bench.work.cancel_all(ANN)
    run = bench.seen(run_id)
    assert [cell.state for cell in run.cells] == ["done", "cancelled", "cancelled"]
    assert run.over and run.cells[0].result is not None
    assert run.cells[1].text == "cancelled"


def test_cells_keep_their_order_however_they_end(bench: Bench) -> None:
    run_id = bench.start(TABLE)
    last = bench.seen(run_id).cells[-1]
    bench.queue.cancel(ANN, last.entry)  # ends before any other has begun
    bench.finish()
    cells = bench.seen(run_id).cells
    assert [cell.state for cell in cells] == ["done", "done", "done", "cancelled"]
    assert cells[-1].varies == {"strength": "1", "guidance_scale": "7"}


def test_the_newest_run_comes_first(bench: Bench) -> None:
    first = bench.start()
    bench.finish()
    second = bench.start(TABLE)
    assert bench.runs.newest(ANN) == second
    names = bench.runs.recent(ANN)
    assert [name for name, _ in names] == [second, first]
    assert names[0][1].endswith(" · Denoise × CFG (4)")
    bench.finish()
    assert [name for name, _ in bench.runs.recent(ANN)] == [second, first]


def test_what_is_run_again_takes_its_old_place(bench: Bench) -> None:
    run_id = bench.start()
    bench.finish(1)
    bench.work.cancel_all(ANN)
    lost = bench.seen(run_id).cells[1]
    bench.queue.retry(ANN, lost.entry)
    bench.finish()
    cells = bench.seen(run_id).cells
    assert [cell.state for cell in cells] == ["done", "done", "cancelled"]
    assert cells[1].entry != lost.entry


def test_cells_are_ranked_by_the_score_of_their_edge(bench: Bench) -> None:
    run_id = bench.start()
    bench.finish(2)
    cells = bench.seen(run_id).cells
    order = ranked(cells)
    scores = [cells[index].score for index in order]
    assert scores[2] is None and order[2] == 2
    assert scores[0] <= scores[1]


def test_cells_are_cropped_to_the_mask_and_unscaled(bench: Bench) -> None:
    run_id = bench.start()
    bench.finish()
    run = bench.seen(run_id)
    assert run.crop == Box(0, 0, *SIZE), "the margin is wider than this small picture"
    assert MARGIN > 14
    sha256 = run.cells[0].result.sha256
    box = Box(10, 8, 30, 26)
    assert not bench.work.pictures.has_crop(sha256, box)
    with Image.open(bench.work.pictures.crop(sha256, box)) as crop:
        whole = Image.open(bench.desk.store.result_path(sha256)).convert("RGB")
        assert np.array_equal(np.asarray(crop), np.asarray(whole.crop(box)))
    assert bench.work.pictures.has_crop(sha256, box)


def test_approval_star_and_bin_survive_and_show(bench: Bench) -> None:
    run_id = bench.start()
    bench.finish()
    one, two, _ = (cell.entry for cell in bench.seen(run_id).cells)
    store = bench.desk.store
    store.approve(ANN, one, 0, on=True)
    store.star(ANN, one, 0, on=True)
    store.delete(ANN, two, 0)
    cells = Runs(bench.work).run(ANN, run_id).cells
    assert [(cell.approved, cell.starred, cell.binned) for cell in cells] == [
        (True, True, False), (False, False, True), (False, False, False),
    ]  # fmt: skip
    store.purge(ANN)
    assert bench.seen(run_id).cells[1].gone


def test_the_sheet_holds_the_crops_and_the_ids_of_the_entries(bench: Bench) -> None:
    run_id = bench.start(TABLE)
    with pytest.raises(RefusedInput, match="no picture yet"):
        bench.exports.sheet(ANN, run_id)
    bench.finish(3)
    run = bench.seen(run_id)
    made = bench.exports.sheet(ANN, run_id)
    assert made.filename == f"contact_sheet_{run_id}.png"
    with Image.open(made.path) as sheet:
        told = json.loads(sheet.info[METADATA])
        pixels = np.asarray(sheet)
    assert [cell["entry"] for cell in told["cells"]] == [cell.entry for cell in run.cells]
    crop = np.asarray(Image.open(bench.work.pictures.crop(run.cells[2].result.sha256, run.crop)))
    height, width = crop.shape[:2]
    row = crop[0].tobytes()
    places = [
        (y, x) for y in range(len(pixels) - height) if row in pixels[y].tobytes()
        for x in range(pixels.shape[1] - width) if pixels[y, x : x + width].tobytes() == row
    ]  # fmt: skip
    assert any(np.array_equal(pixels[y : y + height, x : x + width], crop) for y, x in places), (
        "the crop is on the sheet, unscaled"
    )


def test_the_archive_holds_the_approved_files_byte_by_byte(bench: Bench) -> None:
    run_id = bench.start()
    bench.finish()
    with pytest.raises(RefusedInput, match="No picture of this run is approved"):
        bench.exports.approved(ANN, run_id)
    cell = bench.seen(run_id).cells[1]
    bench.desk.store.approve(ANN, cell.entry, 0, on=True)
    made = bench.exports.approved(ANN, run_id)
    with zipfile.ZipFile(made.path) as archive:
        assert archive.namelist() == ["02_strength-0.6.png"]
        stored = bench.desk.store.result_path(cell.result.sha256).read_bytes()
        assert archive.read("02_strength-0.6.png") == stored


def test_without_the_record_a_run_tells_no_setting(bench: Bench) -> None:
    run_id = bench.start(PROMPTS)
    bench.finish()
    for cell in bench.seen(run_id).cells:
        bench.desk.store.approve(ANN, cell.entry, 0, on=True)
    silent = RunExports(bench.work, bench.runs, record=False)
    with Image.open(silent.sheet(ANN, run_id).path) as sheet:
        assert not {key for key in sheet.info if key != "icc_profile"}
    with zipfile.ZipFile(silent.approved(ANN, run_id).path) as archive:
        assert archive.namelist() == ["01.png", "02.png"]
    with zipfile.ZipFile(bench.exports.approved(ANN, run_id).path) as archive:
        assert archive.namelist() == ["01_prompt-a-red-door.png", "02_prompt-a-blue-door.png"]


def test_this_installations_limit_holds(tmp_path: Path) -> None:
    small = Bench(tmp_path, bounds=Bounds(pictures_of_run=2))
    with pytest.raises(RefusedInput, match="at most 2 pictures, got 3"):
        small.plan()
    small.desk.close()
