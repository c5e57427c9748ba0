"""Maps without weights: the crop's very size, edges where they are, every parameter acting."""

import importlib

import numpy as np
import pytest

from genimg_ui.backend.base import Rgb
from genimg_ui.backend.control.annotating import Annotators
from genimg_ui.core.annotators import ANNOTATORS, Annotator
from genimg_ui.core.control import annotators_of
from genimg_ui.core.request import ControlUnit
from genimg_ui.errors import RefusedInput
from genimg_ui.weights.fetch import OnFetching
from tests.editing import noise, photograph

PLAIN = [item for item in ANNOTATORS.values() if not item.source]


def draw(unit: ControlUnit, image: Rgb, hole: np.ndarray | None = None) -> Rgb:
    nothing = np.zeros(image.shape[:2], np.bool_)
    return Annotators(importlib.import_module).annotate(
        unit, image, nothing if hole is None else hole, OnFetching()
    )


def unit_of(item: Annotator, **parameters: float) -> ControlUnit:
    return ControlUnit(kind=item.kind, annotator=item.name, parameters=parameters)


def scene() -> Rgb:
    """Dark strokes, a light square and some texture, 120 × 90."""
    image = np.asarray(photograph(120, 90)).astype(np.int32) // 4 + 120
    image[30:60, 20:50] = 230
    image[10:80, 80:84] = 20
    image[44:47, 60:110] = 40
    return image.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("item", PLAIN, ids=lambda item: item.name)
@pytest.mark.parametrize("size", [(1, 1), (3, 200), (65, 63), (301, 299)])
def test_a_map_has_exactly_the_size_of_its_picture(item: Annotator, size: tuple[int, int]):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    drawn = draw(unit_of(item), image)
    assert (drawn.shape, drawn.dtype) == (image.shape, np.uint8)


KNOBS = [(item, knob) for item in PLAIN for knob in item.knobs]


@pytest.mark.parametrize(("item", "knob"), KNOBS, ids=lambda each: each.name)
def test_every_parameter_changes_the_map(item, knob):
    image, others = scene(), {knob.low, (knob.low + knob.high) // 2, knob.high} - {knob.default}
    if item.name == "canny":
        image, others = np.asarray(noise(80, 60)) // 4, {150}
    usual = draw(unit_of(item), image)
    maps = [draw(unit_of(item, **{knob.name: value}), image) for value in others]
    assert any(not np.array_equal(usual, other) for other in maps)


@pytest.mark.parametrize("item", PLAIN, ids=lambda item: item.name)
def test_the_same_picture_gives_the_same_map(item: Annotator):
    np.testing.assert_array_equal(draw(unit_of(item), scene()), draw(unit_of(item), scene()))


@pytest.mark.parametrize("name", ["canny", "lineart_standard", "gradient", "xdog"])
def test_a_map_of_a_crop_is_the_crop_of_the_map(name: str):
    """The lines of both are the same ones: IoU of what is white by half or more."""
    image, inner = np.tile(scene(), (3, 3, 1)), (slice(60, 210), slice(90, 270))
    unit = unit_of(ANNOTATORS[name])
    whole, part = draw(unit, image)[inner][8:-8, 8:-8], draw(unit, image[inner])[8:-8, 8:-8]
    a, b = whole[..., 0] > 100, part[..., 0] > 100
    assert a.any() and not a.all()
    assert (a & b).sum() / (a | b).sum() > 0.9


@pytest.mark.parametrize("name", ["canny", "gradient"])
def test_an_edge_is_found_where_it_is(name: str):
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, 31:] = 255
    drawn = draw(unit_of(ANNOTATORS[name]), image)[..., 0]
    columns = np.flatnonzero(drawn.max(axis=0) > 200)
    assert 0 < len(columns) <= 6 and abs(columns.mean() - 30.5) <= 0.5


@pytest.mark.parametrize("name", ["lineart_standard", "xdog"])
def test_a_dark_stroke_becomes_a_light_line(name: str):
    image = np.full((60, 60, 3), 200, np.uint8)
    image[:, 30:33] = 10
    drawn = draw(unit_of(ANNOTATORS[name]), image)[..., 0]
    assert drawn[30, 31] > 100
    assert drawn[30, 5] == 0


def test_old_entries_get_the_canny_that_they_had():
    """Without an annotator and without thresholds: 100 and 200."""
    old = draw(ControlUnit(kind="canny"), scene())
    named = unit_of(ANNOTATORS["canny"], low_threshold=100, high_threshold=200)
    np.testing.assert_array_equal(old, draw(named, scene()))


def test_a_tile_is_the_crop_itself():
    np.testing.assert_array_equal(draw(ControlUnit(kind="tile"), scene()), scene())


def test_an_inpaint_map_is_the_picture_without_its_hole():
    image, hole = scene(), np.zeros((90, 120), np.bool_)
    hole[10:20, 30:50] = True
    drawn = draw(ControlUnit(kind="inpaint"), image, hole)
    assert (drawn[hole] == 0).all()
    np.testing.assert_array_equal(drawn[~hole], image[~hole])


def test_a_shuffled_picture_keeps_colours_and_loses_places():
    image = scene()
    drawn = draw(ControlUnit(kind="shuffle", parameters={"frequency": 32}), image)
    assert np.abs(drawn.astype(int) - image).mean() > 10
    assert abs(float(drawn.mean()) - float(image.mean())) < 40


def test_what_is_unknown_is_refused_with_what_is_known():
    with pytest.raises(RefusedInput, match="Nothing here draws a map of the kind 'smell'"):
        draw(ControlUnit(kind="smell"), scene())
    with pytest.raises(RefusedInput, match="annotator of canny must be one of canny, got 'hed'"):
        draw(ControlUnit(kind="canny", annotator="hed"), scene())


def test_each_kind_of_the_usual_controlnets_has_an_annotator():
    kinds = "canny lineart softedge scribble depth normal pose segmentation tile inpaint"
    assert all(annotators_of(kind) for kind in kinds.split())
    offline = {item.kind for item in PLAIN}
    assert {"canny", "lineart", "softedge", "scribble", "tile", "inpaint"} <= offline


def test_the_record_names_what_drew_it():
    annotators = Annotators(importlib.import_module)
    drawn = annotators.record(ControlUnit(kind="canny"))
    assert (drawn.role, drawn.name, drawn.source) == ("annotator", "canny", "opencv")
    ready = annotators.record(ControlUnit(kind="depth", map="5" * 64))
    assert (ready.source, ready.revision) == ("ready map", "5" * 64)
