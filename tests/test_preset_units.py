"""Presets that hold several controls, LoRAs and the weights of references."""

from dataclasses import replace
from pathlib import Path

import pytest

from genimg_ui.core.request import ControlUnit, EditRequest, LoraUnit, ReferenceUnit
from genimg_ui.presets import Applied, Preset, apply_preset, preset_of, read_presets, write_presets
from genimg_ui.registry import ModelSpec, Registry
from genimg_ui.registry.adapters import LoraSpec, ReferenceSpec
from tests.editing import SQUARE

ALL = ("control", "LoRAs", "reference weights")
RICH = replace(
    SQUARE,
    controls=(("canny", "a/canny"), ("depth", "a/depth")),
    loras=(LoraSpec(name="ink", source="a/ink"), LoraSpec(name="oil", source="a/oil")),
    references=(ReferenceSpec(kind="ip_adapter", source="a/ip"),),
)
ONE, TWO, THREE = (
    ReferenceUnit(picture=digit * 64, scale=scale, end=0.8)
    for digit, scale in (("1", 0.4), ("2", 0.6), ("3", 1.0))
)
BUSY = EditRequest(
    model="square",
    controls=(
        ControlUnit(kind="canny", annotator="canny", parameters={"low_threshold": 40.0}),
        ControlUnit(kind="depth", controlnet_conditioning_scale=0.5, control_guidance_end=0.7),
    ),
    loras=(LoraUnit(name="ink", scale=0.8), LoraUnit(name="oil", scale=-0.3)),
    references=(ONE, TWO),
)


@pytest.fixture
def saved(tmp_path: Path) -> Preset:
    """What is kept of `BUSY`, through a file."""
    path = tmp_path / "mine.yaml"
    path.write_text(write_presets([preset_of("mine", BUSY, ALL)]))
    [preset] = read_presets(path)
    return preset


def applied(request: EditRequest, preset: Preset, spec: ModelSpec = RICH) -> Applied:
    return apply_preset(request, preset, Registry((spec,), spec.id))


def test_every_unit_comes_back_and_no_picture_goes_with_it(saved: Preset) -> None:
    assert ONE.picture not in write_presets([saved])
    others = tuple(replace(unit, scale=2.0, end=1.0) for unit in BUSY.references)
    done = applied(EditRequest(model="square", references=others), saved)
    assert (done.request, done.notes) == (BUSY, ())


def test_units_that_the_preset_does_not_name_stay() -> None:
    preset = Preset(name="x", settings={"grow": 3})
    assert applied(BUSY, preset).request == replace(BUSY, mask=replace(BUSY.mask, grow=3))


def test_a_preset_without_any_takes_controls_and_loras_away_but_no_picture() -> None:
    bare = preset_of("bare", EditRequest(model="square"), ALL)
    done = applied(BUSY, bare)
    assert (done.request, done.notes) == (replace(BUSY, controls=(), loras=()), ())


def test_what_another_machine_lacks_is_told_by_name(saved: Preset) -> None:
    poor = replace(RICH, controls=RICH.controls[:1], loras=RICH.loras[1:], references=())
    done = applied(BUSY, saved, poor)
    assert done.request.controls == BUSY.controls[:1]
    assert done.request.loras == BUSY.loras[1:]
    assert done.request.references == BUSY.references
    assert done.notes == (
        "Square has no control depth: it is left out.",
        "Square has no LoRA ink: it is left out.",
        "Square reads no reference pictures of the kind ip_adapter: its weight is left out.",
    )


def test_weights_wait_for_their_pictures(saved: Preset) -> None:
    bare = replace(BUSY, references=(replace(ONE, scale=2.0),))
    done = applied(bare, saved)
    assert done.request.references == (ONE,)
    [note] = done.notes
    assert "weighs 2 reference pictures, and 1 are here: add" in note
    more = applied(replace(BUSY, references=(TWO, ONE, THREE)), saved).request.references
    assert [unit.scale for unit in more] == [0.4, 0.6, 1.0]
    assert [unit.picture[0] for unit in more] == ["2", "1", "3"]


def test_a_ready_map_is_said_and_is_kept_where_one_is_here() -> None:
    ready = replace(BUSY.controls[1], map="a" * 64)
    request = replace(BUSY, controls=(BUSY.controls[0], ready))
    preset = preset_of("mine", request, ["control"])
    assert "a" * 64 not in write_presets([preset])
    again = applied(EditRequest(model="square"), preset)
    assert again.request.controls == BUSY.controls
    assert "control depth was shown a ready map, which a preset does not hold" in again.notes[0]
    other = replace(ready, map="b" * 64, controlnet_conditioning_scale=2.0)
    with_map = applied(EditRequest(model="square", controls=(other,)), preset)
    assert with_map.request.controls[1] == replace(ready, map="b" * 64)
    assert with_map.notes == ()
