"""Edits with several controls and with ready maps, by tiny real networks."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genimg_ui.bundle import pack
from genimg_ui.core.geometry import Sides
from genimg_ui.core.request import ControlUnit, EditRequest
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.registry import load_registry
from genimg_ui.replay import Subject, Verdict, opened, replay
from tests.editing import Desk, noise, painted, photograph, png, request

pytestmark = pytest.mark.torch

MODELS = """
models:
  native:
    source: {root}/inpaint
    family: sd15
    native_size: 64
    controls:
      canny: {root}/control
      depth: {root}/control
      inpaint: {root}/control
      tile: {root}/control
"""
SIZE = (53, 37)
MASK = painted(*SIZE, (20, 10, 31, 20))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    tiny = pytest.importorskip("tests.backend.tiny_models", reason="torch is not installed")
    tiny.torch.set_num_threads(1)
    root: Path = tmp_path_factory.mktemp("tiny")
    tiny.make_sd15_inpaint(root / "inpaint")
    tiny.make_sd15_control(root / "control")
    (root / "models.yaml").write_text(MODELS.format(root=root), encoding="utf-8")
    made = Desk(root / "data", *load_registry(root / "models.yaml").all())
    yield made
    made.pool.release()
    made.close()


def asked(*units: ControlUnit, **parts: object) -> EditRequest:
    return request("native", num_inference_steps=3, prompt="a red house", controls=units, **parts)


def edit(desk: Desk, *units: ControlUnit, **parts: object) -> LogEntry:
    entry = desk.edit(asked(*units, **parts), png(photograph(*SIZE)), MASK)
    assert entry.state is EntryState.DONE, entry.error
    return entry


def ready_map(desk: Desk, size: tuple[int, int] = SIZE) -> str:
    """White left, black right."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[:, : size[0] // 2] = 255
    return desk.store.put_source(png(Image.fromarray(pixels)))


CANNY, TILE = ControlUnit(kind="canny"), ControlUnit(kind="tile")


def test_every_field_of_every_unit_acts(desk: Desk) -> None:
    """With all weight: a tiny network hears little else."""
    canny, tile = (replace(unit, controlnet_conditioning_scale=2.0) for unit in (CANNY, TILE))
    cases = [
        (canny,),
        (canny, tile),
        (canny, replace(tile, controlnet_conditioning_scale=0.4)),
        (canny, replace(tile, control_guidance_start=0.5)),
        (canny, replace(tile, control_guidance_end=0.4)),
        (canny, tile, ControlUnit(kind="inpaint", controlnet_conditioning_scale=2.0)),
        (canny, replace(tile, map=ready_map(desk))),
    ]
    made = []
    for units in cases:
        entry = desk.edit(asked(*units), png(noise(*SIZE)), MASK)
        assert entry.state is EntryState.DONE, entry.error
        made.append(entry.results[0].pixels_sha256)
    assert len(set(made)) == len(cases), made


def test_parameters_change_the_map_of_their_own_unit_alone(desk: Desk) -> None:
    usual = edit(desk, CANNY, TILE).control_sha256
    blurred = edit(desk, CANNY, replace(TILE, parameters={"down_sampling_rate": 4}))
    strict = edit(desk, replace(CANNY, parameters={"low_threshold": 1, "high_threshold": 2}), TILE)
    assert blurred.control_sha256[0] == usual[0] != strict.control_sha256[0]
    assert strict.control_sha256[1] == usual[1] != blurred.control_sha256[1]


def test_the_log_names_each_control_in_its_order(desk: Desk) -> None:
    ready = ready_map(desk)
    entry = edit(desk, TILE, CANNY, ControlUnit(kind="depth", map=ready))
    assert entry.model is not None
    parts = [(p.role, p.name, p.source) for p in entry.model.parts if p.role == "annotator"]
    assert parts == [
        ("annotator", "tile", "opencv"),
        ("annotator", "canny", "opencv"),
        ("annotator", "depth", "ready map"),
    ]
    assert len(set(entry.control_sha256)) == 3
    assert entry.model.parts[-1].revision == ready


def test_a_ready_map_is_cropped_as_the_picture_is(desk: Desk) -> None:
    """The map of an edit's own source as a ready map is a tile without an annotator."""
    source = desk.store.put_source(png(photograph(*SIZE)))
    drawn = edit(desk, TILE)
    brought = edit(desk, replace(TILE, map=source))
    assert brought.control_sha256 == drawn.control_sha256
    assert brought.results[0].pixels_sha256 == drawn.results[0].pixels_sha256


def test_a_ready_map_may_have_the_size_of_the_canvas(desk: Desk) -> None:
    border = Sides(8, 0, 4, 2)
    small = edit(desk, ControlUnit(kind="depth", map=ready_map(desk)), border=border)
    large = ready_map(desk, border.expand(small.plan.canvas if small.plan else (0, 0)))  # type: ignore[arg-type]
    refused = desk.edit(
        asked(ControlUnit(kind="depth", map=large), border=border), png(photograph(*SIZE)), MASK
    )
    assert refused.refused
    assert "The map for depth must be as large as the picture (53×37) or as its canvas" in (
        refused.error
    )
    whole = ready_map(desk, (SIZE[0] + 12, SIZE[1] + 2))
    edit(desk, ControlUnit(kind="depth", map=whole), border=border)


def test_a_map_that_is_not_here_is_refused(desk: Desk) -> None:
    entry = desk.edit(asked(ControlUnit(kind="depth", map="0" * 64)), png(photograph(*SIZE)), MASK)
    assert entry.refused and "is not in the data folder" in entry.error


def test_what_would_draw_it_is_asked_for_where_no_weights_are(desk: Desk) -> None:
    entry = desk.edit(asked(ControlUnit(kind="depth")), png(photograph(*SIZE)), MASK)
    assert entry.state is EntryState.FAILED
    assert "depth_anything needs config.json" in entry.error


def test_a_replay_and_a_bundle_bring_the_ready_map(desk: Desk, tmp_path: Path) -> None:
    entry = edit(desk, CANNY, ControlUnit(kind="depth", map=ready_map(desk)))
    outcome = replay(desk.editor, Subject(entry=entry, store=desk.store))
    assert outcome.verdict is Verdict.IDENTICAL
    path = tmp_path / "edit.zip"
    with path.open("wb") as file:
        pack(desk.store, entry, file)
    with opened(desk.store, str(path)) as subject:
        [sha256] = entry.request.maps
        assert subject.store is not desk.store
        assert subject.store.source_path(sha256).is_file()
