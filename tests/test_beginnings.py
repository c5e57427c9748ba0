"""A new canvas and variations, and what the rest of the program makes of whole pictures."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genimg_ui.beginnings import open_blank, serving, vary
from genimg_ui.bundle.masks import derived_masks
from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.core.image import Limits, decode
from genimg_ui.core.mask import mask_box
from genimg_ui.core.region import canvas_size, inputs_for, source_box, source_size
from genimg_ui.core.request import EditInputs, EditRequest, PassParams, Region
from genimg_ui.core.tasks import MASKED, Task, task_of
from genimg_ui.credentials.manifest import Step, make_manifest
from genimg_ui.editor import begin_entry
from genimg_ui.errors import RefusedInput
from genimg_ui.exporting.layers import make_layers
from genimg_ui.history.entries import label_of
from genimg_ui.history.marks import Marks
from genimg_ui.history.names import session_id
from genimg_ui.history.record import EntryState
from genimg_ui.jobs.queue import JobQueue
from genimg_ui.jobs.runner import InlineRunner
from genimg_ui.registry import ModelSpec, Registry
from genimg_ui.ui import views
from genimg_ui.workspace import Workspace
from tests.editing import EXEMPLAR, SQUARE, Desk, photograph, png, request

ANN = session_id("a" * 32)
FEW = PassParams(overlap=16)
FILLS = replace(EXEMPLAR, tasks=MASKED)
LANCZOS = ModelSpec(
    id="lanczos",
    title="Lanczos",
    engine="lanczos",
    licence="-",
    tasks=(Task.UPSCALE,),
    uses_seed=False,
)


class Room:
    """A workspace whose first model fills masks only."""

    def __init__(self, folder: Path, *models: ModelSpec) -> None:
        self.desk = Desk(folder / "data", LANCZOS)
        queue = JobQueue(self.desk.store)
        registry = Registry(models or (FILLS, SQUARE, LANCZOS), "exemplar")
        self.work = Workspace(self.desk.store, queue, registry)
        self.runner = InlineRunner(queue, self.desk.editor)

    def run(self, asked: EditRequest):
        draft = self.work.draft(ANN)
        assert draft.source is not None
        self.work.submit(ANN, asked, EditInputs(source=draft.source))
        entry = self.runner.run_next()
        assert entry.state is EntryState.DONE, entry.error
        return entry


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    opened = Room(tmp_path)
    yield opened
    opened.desk.close()


def test_an_empty_canvas_is_opened_like_an_upload_and_painted_as_a_whole(room: Room) -> None:
    opened = open_blank(room.work, ANN, Size(96, 64), (200, 10, 10))
    draft = room.work.draft(ANN)
    assert draft.source == opened.sha256 and opened.size == (96, 64)
    assert task_of(draft.request) is Task.TEXT_TO_IMAGE
    entry = room.run(replace(draft.request, model="square"))
    assert room.desk.result(entry).size == (96, 64)
    kept = Image.open(room.desk.store.source_path(opened.sha256))
    assert kept.getpixel((5, 5)) == (200, 10, 10)
    assert room.work.draft(ANN).parent_of(opened.sha256) is None


def test_a_new_canvas_keeps_what_the_page_shows(room: Room) -> None:
    shown = request("square", prompt="a red ring", border=Sides(4, 0, 0, 0))
    open_blank(room.work, ANN, Size(96, 64), (0, 0, 0), request=shown)
    kept = room.work.draft(ANN).request
    assert (kept.model, kept.sampling.prompt, kept.border) == ("square", "a red ring", Sides())
    assert task_of(kept) is Task.TEXT_TO_IMAGE


def test_a_canvas_larger_than_an_upload_is_refused_and_nothing_is_opened(room: Room) -> None:
    with pytest.raises(RefusedInput, match="megapixels"):
        open_blank(room.work, ANN, Size(9000, 9000), (0, 0, 0))
    assert room.work.draft(ANN).source is None


def test_variations_open_the_result_with_the_settings_of_its_edit(room: Room) -> None:
    open_blank(room.work, ANN, Size(96, 64), (200, 10, 10))
    asked = replace(room.work.draft(ANN).request, model="square")
    asked = replace(asked, sampling=replace(asked.sampling, prompt="a red ring", seed=5))
    entry = room.run(asked)
    draft = vary(room.work, ANN, entry.id, 0)
    sampling = draft.request.sampling
    assert draft.source == entry.results[0].sha256 and draft.parent == entry.id
    assert task_of(draft.request) is Task.IMAGE_TO_IMAGE and draft.mask is None
    assert (sampling.prompt, sampling.seed, sampling.variants) == ("a red ring", None, 4)
    assert sampling.strength == 0.5
    varied = room.run(draft.request)
    assert len(varied.results) == 4 and varied.parent == entry.id


def test_variations_take_a_model_that_repaints_whole_pictures(room: Room) -> None:
    open_blank(room.work, ANN, Size(96, 64), (200, 10, 10))
    entry = room.run(request("exemplar", border=Sides(9, 0, 0, 0)))
    assert vary(room.work, ANN, entry.id, 0).request.model == "square"


def test_without_such_a_model_there_are_no_variations(tmp_path: Path) -> None:
    room = Room(tmp_path, FILLS, LANCZOS)
    open_blank(room.work, ANN, Size(96, 64), (200, 10, 10))
    entry = room.run(request("exemplar", border=Sides(9, 0, 0, 0)))
    with pytest.raises(RefusedInput, match="No model here repaints"):
        vary(room.work, ANN, entry.id, 0)
    room.desk.close()


def test_the_wanted_model_stays_where_it_serves(room: Room) -> None:
    square = room.work.registry.get("square")
    exemplar = room.work.registry.get("exemplar")
    for task, model in (
        (Task.INPAINT, "exemplar"),
        (Task.OUTPAINT, "exemplar"),
        (Task.IMAGE_TO_IMAGE, "square"),
        (Task.UPSCALE, "square"),
    ):
        spec = serving(room.work, task, exemplar)
        assert spec is not None and spec.id == model
    assert serving(room.work, Task.INPAINT, square) is square
    absent = replace(square, id="absent", engine="diffusers", source="./nowhere")
    assert serving(room.work, Task.INPAINT, absent) is absent


# -- what else must know of tasks


@pytest.mark.parametrize(
    ("parts", "task", "label"),
    [
        ({}, Task.INPAINT, "filled"),
        ({"border": Sides(4, 0, 0, 0)}, Task.OUTPAINT, "extended"),
        ({"region": Region.WHOLE, "strength": 0.4}, Task.IMAGE_TO_IMAGE, "repainted"),
        ({"region": Region.WHOLE}, Task.TEXT_TO_IMAGE, "painted anew"),
        ({"region": Region.WHOLE, "upscale": 2}, Task.UPSCALE, "enlarged"),
    ],
)
def test_every_task_has_its_canvas_and_its_name(
    parts: dict[str, object], task: Task, label: str
) -> None:
    asked, size = request("square", **parts), Size(30, 20)
    assert task_of(asked) is task and label_of(begin_entry(asked, EditInputs(source="a"))) == label
    canvas = canvas_size(asked, size)
    assert source_size(asked, canvas) == size
    assert Box.of(canvas).contains(source_box(asked, size))
    whole = asked.region is Region.WHOLE
    given = EditInputs(source="a", mask="b")
    assert inputs_for(asked, given).mask == (None if whole else "b")


def test_an_enlargement_is_shown_exported_and_told_at_its_size(room: Room) -> None:
    desk = room.desk
    entry = desk.edit(request("lanczos", region=Region.WHOLE, upscale=2), png(photograph(30, 20)))
    assert label_of(entry) == "enlarged"
    shown = views.comparison(
        entry, 0, source_size=Size(30, 20), before="", result="", marks=Marks()
    )
    assert (shown["width"], shown["height"]) == (60, 40)
    assert shown["inner"] == shown["outer"] == [0, 0, 60, 40]
    assert "No pixel was locked" in shown["proof"]
    result = decode(desk.store.result_path(entry.results[0].sha256))
    source = desk.store.source_path(entry.inputs.source)
    layers = make_layers(entry, result, source, None, Limits())
    assert layers.source.size == layers.result.size == (60, 40)
    assert mask_box(layers.mask) == Box(0, 0, 60, 40)
    names = [mask.name for mask in derived_masks(desk.store, entry)]
    assert names == ["denoise-mask.png", "composite-mask.png"]


def test_credentials_say_where_an_earlier_edit_lies_after_an_enlargement(room: Room) -> None:
    first = room.desk.edit(request("square", border=Sides(0, 0, 6, 0)), png(photograph(30, 20)))
    asked = request("lanczos", region=Region.WHOLE, upscale=2)
    second = room.desk.edit(asked, png(photograph(36, 20)))
    steps = [
        Step(entry=first, size=Size(30, 20), painted=None),
        Step(entry=second, size=Size(36, 20), painted=None),
    ]
    manifest = make_manifest(steps, "image/png")
    actions = manifest["assertions"][0]["data"]["actions"]
    border = actions[1]["changes"][0]["region"][0]["shape"]
    assert (border["origin"]["x"], border["width"], border["height"]) == (60, 12, 40)
    assert "enlarged 2 times and resampled" in actions[2]["description"]
    assert actions[2]["changes"][0]["description"] == "the whole picture"
    assert "composite" not in actions[2]["digitalSourceType"]


def test_results_lie_over_one_another_only_at_one_size(room: Room) -> None:
    open_blank(room.work, ANN, Size(96, 64), (200, 10, 10))
    plain = room.run(request("square", region=Region.WHOLE))
    twice = room.run(request("lanczos", region=Region.WHOLE, upscale=2))
    again = room.run(request("square", region=Region.WHOLE, upscale=2, strength=0.3, passes=FEW))
    fourfold = room.run(request("lanczos", region=Region.WHOLE, upscale=4))
    places = [
        room.work.store.lineage.place(ANN, entry.id) for entry in (plain, twice, again, fourfold)
    ]
    assert places[1].root == places[2].root
    assert len({place.root for place in places}) == 3


def test_a_new_canvas_has_the_colour_that_was_asked_for(room: Room) -> None:
    opened = open_blank(room.work, ANN, Size(16, 16), (1, 2, 3))
    pixels = np.asarray(Image.open(room.desk.store.source_path(opened.sha256)))
    assert (pixels == (1, 2, 3)).all()
