"""Presets: what they change, what they say, and how a broken file is refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genimg_ui.core.request import ControlUnit, EditRequest, FillMode, MaskParams, SamplingParams
from genimg_ui.core.template import parse_template
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.preset_shelf import PresetShelf, built_in_presets
from genimg_ui.presets import (
    GROUPS,
    MAX_FILE_BYTES,
    SETTINGS,
    Preset,
    apply_preset,
    preset_of,
    read_presets,
    write_presets,
)
from genimg_ui.registry import Registry
from tests.editing import EXEMPLAR, PLAIN, SQUARE

REGISTRY = Registry((EXEMPLAR, PLAIN, SQUARE), "exemplar")
SESSION, OTHER = "a" * 32, "b" * 32
BUSY = EditRequest(
    model="square",
    sampling=SamplingParams(prompt="a cup", strength=0.5, seed=9, variants=2, scheduler="ddim"),
    mask=MaskParams(grow=9, feather=11),
    controls=(ControlUnit(kind="canny", controlnet_conditioning_scale=0.7),),
)


def read(folder: Path, text: str) -> tuple[Preset, ...]:
    path = folder / "mine.yaml"
    path.write_text(text)
    return read_presets(path)


def applied(request: EditRequest = BUSY, **settings: Any) -> tuple[EditRequest, str]:
    done = apply_preset(request, Preset(name="x", settings=settings), REGISTRY)
    return done.request, " ".join(done.notes)


def test_only_the_named_settings_change() -> None:
    request, notes = applied(strength=0.3, feather=12, fill_mode=FillMode.CLOSEST)
    expected = replace(
        BUSY,
        sampling=replace(BUSY.sampling, strength=0.3),
        mask=replace(BUSY.mask, feather=12),
        inpaint=replace(BUSY.inpaint, fill_mode=FillMode.CLOSEST),
    )
    assert (request, notes) == (expected, "")


def test_a_control_is_chosen_changed_and_taken_away() -> None:
    assert applied(controlnet_conditioning_scale=1.2)[0].controls[0] == ControlUnit(
        kind="canny", controlnet_conditioning_scale=1.2
    )
    assert applied(control="none")[0].controls == ()
    bare = replace(BUSY, controls=())
    assert applied(bare, control="canny")[0].controls == (ControlUnit(kind="canny"),)
    request, notes = applied(bare, controlnet_conditioning_scale=1.2)
    assert request.controls == () and "need a control, and none is chosen" in notes


def test_what_is_not_here_is_said_and_left() -> None:
    request, notes = applied(model="dreamy-xl", grow=1)
    assert request.model == "square" and request.mask.grow == 1
    assert "names the model dreamy-xl, which is not among those that are here" in notes
    request, notes = applied(scheduler="heun")
    assert request.sampling.scheduler == "ddim"
    assert "Square has no scheduler heun" in notes
    request, notes = applied(control="depth")
    assert request.controls == BUSY.controls and "has no control depth" in notes


def test_a_template_for_a_model_that_reads_no_prompt_is_said() -> None:
    done = apply_preset(EditRequest(), Preset(name="x", template="a [b]"), REGISTRY)
    assert done.notes == ("Exemplar reads no prompt: choose a model that does.",)


def test_what_is_saved_of_the_page_comes_back() -> None:
    saved = preset_of("mine", BUSY, GROUPS)
    again, notes = apply_preset(EditRequest(), saved, REGISTRY).request, ""
    seedless = replace(BUSY, sampling=replace(BUSY.sampling, seed=None))
    assert (again, notes) == (seedless, "")
    assert set(preset_of("mine", BUSY, ["control"]).settings) == {"controls"}
    one_by_one = {
        key: getattr(BUSY.controls[0], "kind" if key == "control" else key)
        for key, setting in SETTINGS.items()
        if setting.part == "controls"
    }
    older, notes = applied(EditRequest(model="square"), **one_by_one)
    assert (older.controls, notes) == (BUSY.controls, "")


@pytest.mark.parametrize("groups", [[], ["prompt"]])
def test_a_preset_needs_a_name_and_something_to_keep(groups: list[str]) -> None:
    with pytest.raises(RefusedInput, match="Choose what to keep|must have 1 to 60 characters"):
        preset_of(" ", BUSY, groups)


VALUES = {
    "model": st.sampled_from(["exemplar", "no: model", "yes"]),
    "prompt": st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=30),
    "strength": st.floats(0.01, 1),
    "num_inference_steps": st.integers(1, 150),
    "only_masked": st.booleans(),
    "fill_mode": st.sampled_from(FillMode),
    "control": st.just("canny"),
    "loras": st.dictionaries(st.sampled_from(["ink", "no", "1"]), st.floats(-2, 2), max_size=3),
}
WORDS = st.text("abc: #-'\"{}[]é|", max_size=20).map(str.strip)
FIELD = st.lists(WORDS.filter(bool), min_size=1, max_size=3).map(tuple)
PRESETS = st.builds(
    Preset,
    name=st.text("abc: #-é", min_size=1, max_size=20).map(str.strip).filter(bool),
    task=WORDS,
    about=WORDS,
    settings=st.fixed_dictionaries({"grow": st.integers(-256, 256)}, optional=VALUES),
    template=st.sampled_from(["", "a [b] {c|d}", r"\[x\]: y"]),
    fields=st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), FIELD, max_size=3),
)


@settings(max_examples=30)
@given(st.lists(PRESETS, min_size=1, max_size=4, unique_by=lambda preset: preset.name))
def test_reading_is_the_inverse_of_writing(
    tmp_path_factory: pytest.TempPathFactory, presets: list[Preset]
) -> None:
    assert read(tmp_path_factory.mktemp("yaml"), write_presets(presets)) == tuple(presets)


SETTING = "presets:\n  a:\n    settings:\n      "


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nothing: 1", "mine.yaml line 1: nothing is unknown; known keys: presets"),
        ("presets: {}", "must hold 1 to 200 presets, got 0"),
        (f"{SETTING}strength: 3", "line 4: presets.a.settings.strength must be in [0.01, 1], got"),
        (f"{SETTING}speed: 3", "line 4: presets.a.settings.speed is unknown"),
        (f"{SETTING}grow: 1.5", "presets.a.settings.grow must be a whole number"),
        (f"{SETTING}prompt: !!python/object:os.system [1]", "prompt must be a text, got a list"),
        ("presets:\n  a:\n    colour: 3", "line 3: presets.a.colour is unknown; known keys: task"),
        ("presets:\n  a:\n    template: 'x {y'", "line 3: presets.a.template is broken: The"),
        ("presets:\n  a:\n    task: b", "line 3: presets.a must have settings, a template or both"),
        ("presets:\n  a: {template: b, fields: {1x: c}}", "presets.a.fields.1x is no field's name"),
        (f"{SETTING}control: canny\n      controls: []", "may name one control or `controls`, not"),
        (f"{SETTING}controls: canny", "settings.controls must be a list, got"),
        (f"{SETTING}controls: [{{}}]", "settings.controls.0.kind is missing"),
        (f"{SETTING}controls: [{{kind: canny, hue: 1}}]", "settings.controls.0.hue is unknown"),
        (f"{SETTING}controls: [{{kind: canny, parameters: {{safe: 1}}}}]", "low_threshold, high_t"),
        (f"{SETTING}controls: [{{kind: a, controlnet_conditioning_scale: 3}}]", "must be in [0, 2"),
        (f"{SETTING}loras: {{ink: 3}}", "settings.loras.ink must be in [-2, 2], got"),
        (f"{SETTING}references: []", "must name 1 to 3 references, got 0"),
        (f"{SETTING}references: [{{scale: 0.5, start: 1}}]", "cannot be meant: start of a"),
        ("presets:\n  a: [", "mine.yaml line 2"),
        (f"presets: {{a: {{template: b, about: {'x' * 301}}}}}", "at most 300 characters, got 301"),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_by_line_and_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(RefusedInput) as refusal:
        read(tmp_path, text)
    assert words in str(refusal.value)


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="may have 256,000 bytes"):
        read(tmp_path, "#" * (MAX_FILE_BYTES + 1))


def test_the_built_in_presets_cover_the_tasks_and_can_be_applied() -> None:
    presets = built_in_presets()
    tasks = {preset.task for preset in presets}
    assert {"removal", "replace", "outpaint", "subtle change", "mend"} <= tasks
    assert len({preset.name for preset in presets}) == len(presets)
    for preset in presets:
        assert preset.about
        done = apply_preset(BUSY, preset, REGISTRY)
        assert done.request.sampling.seed == 9
        if preset.template:
            assert parse_template(preset.template).expand(preset.fields)


@pytest.fixture
def shelf(tmp_path: Path) -> PresetShelf:
    return PresetShelf(tmp_path, [Preset(name="built", settings={"grow": 1})])


def names(presets: tuple[Preset, ...]) -> list[str]:
    return [preset.name for preset in presets]


def test_a_session_keeps_its_own_and_hides_the_built_in_one(shelf: PresetShelf) -> None:
    shelf.save(SESSION, [Preset(name="mine", settings={"grow": 2})])
    shelf.save(SESSION, [Preset(name="built", settings={"grow": 3})])
    assert names(shelf.all(SESSION)) == ["mine", "built"]
    assert shelf.get(SESSION, "built").settings == {"grow": 3}
    assert names(shelf.all(OTHER)) == ["built"]
    shelf.delete(SESSION, "built")
    assert shelf.get(SESSION, "built").settings == {"grow": 1}
    shelf.delete(SESSION, "mine")
    assert shelf.own(SESSION) == ()


def test_what_is_not_there_is_said(shelf: PresetShelf) -> None:
    with pytest.raises(UnknownItem, match="no preset 'gone'"):
        shelf.get(SESSION, "gone")
    with pytest.raises(UnknownItem, match="not one of your own"):
        shelf.delete(SESSION, "built")


def test_a_file_is_brought_in_whole_or_not_at_all(shelf: PresetShelf, tmp_path: Path) -> None:
    good = Preset(name="good", settings={"grow": 2})
    path = tmp_path / "shared.yaml"
    path.write_text(write_presets([good]))
    assert shelf.bring_in(SESSION, path) == (good,)
    path.write_text(write_presets([Preset(name="new", settings={"grow": 2})]) + "  bad: 3\n")
    with pytest.raises(RefusedInput, match="line 5"):
        shelf.bring_in(SESSION, path)
    assert names(shelf.own(SESSION)) == ["good"]


def test_a_session_keeps_at_most_so_many(shelf: PresetShelf) -> None:
    many = [Preset(name=f"p{i}", settings={"grow": 1}) for i in range(200)]
    shelf.save(SESSION, many)
    with pytest.raises(RefusedInput, match="may keep 200 presets, this would make 201"):
        shelf.save(SESSION, [Preset(name="one more", settings={"grow": 1})])
