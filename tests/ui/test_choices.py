"""Dropdowns whose choices follow from the model, and how the models themselves are offered."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

from genimg_ui.core.request import ControlUnit
from genimg_ui.registry import ModelSpec, Registry
from genimg_ui.ui.choice import Choice
from genimg_ui.ui.model_field import about, model_choices, shown_model
from genimg_ui.ui.settings_panel import SettingsPanel, build_settings
from tests.editing import EXEMPLAR, SQUARE

ABSENT = replace(SQUARE, id="absent", title="Absent", engine="diffusers", source="./nowhere")
ON_HUB = replace(ABSENT, id="hub", title="Hub", source="owner/nothing-here", download_gib=5)


@pytest.fixture
def panel() -> SettingsPanel:
    with gr.Blocks():
        return build_settings(Registry((ABSENT, EXEMPLAR, SQUARE), "exemplar"))[0]


@pytest.fixture(autouse=True)
def empty_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    yield


def test_what_changes_its_choices_takes_a_choice_of_before(panel: SettingsPanel) -> None:
    changing = [
        widget
        for widget, update in {**panel.allow(SQUARE), **panel.control.dress(())}.items()
        if "choices" in update
    ]
    assert panel.sampling.scheduler in changing and len(changing) > 8
    for widget in (panel.model, *changing):
        assert isinstance(widget, Choice)
        assert widget.preprocess("of before") == "of before"
        assert widget.get_block_name() == "dropdown"


@pytest.mark.parametrize(
    ("own", "offered"),
    [
        ((), ["default"]),
        (("default", "ddim"), ["default", "ddim"]),
        (("euler_a", "ddim"), ["default", "euler_a", "ddim"]),
    ],
)
def test_the_schedulers_hold_what_a_new_model_begins_with(
    panel: SettingsPanel, own: tuple[str, ...], offered: list[str]
) -> None:
    spec, scheduler = replace(SQUARE, schedulers=own), panel.sampling.scheduler
    assert panel.allow(spec)[scheduler]["choices"] == offered
    assert panel.defaults(spec)[scheduler] in offered


def test_models_that_are_here_come_first_and_the_others_are_marked() -> None:
    registry = Registry((ON_HUB, EXEMPLAR, ABSENT, SQUARE), "exemplar")
    assert model_choices(registry) == [
        ("Exemplar", "exemplar"),
        ("Square", "square"),
        ("Hub (not here)", "hub"),
        ("Absent (not here)", "absent"),
    ]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (ON_HUB, "**Not here:** fetch it in the [Models tab](#models), about 5 GB. -"),
        (ABSENT, "**Not here:** the folder ./nowhere does not exist. -"),
        (EXEMPLAR, "-"),
    ],
)
def test_what_to_do_stands_below_the_model(spec: ModelSpec, said: str) -> None:
    assert about(spec) == said
    update = shown_model(Registry((spec,), spec.id), spec, ["Chosen for the task."])
    assert update["value"] == spec.id and update["info"] == f"Chosen for the task. {said}"


def test_the_buttons_of_a_control_follow_its_unit(panel: SettingsPanel) -> None:
    unit = panel.control.units[0]
    none, drawn = unit.dress(None), unit.dress(ControlUnit(kind="canny"))
    ready = unit.dress(ControlUnit(kind="canny", map="0" * 64))
    for button in (unit.preview, unit.upload, unit.remove):
        assert not button.interactive
        states = [update[button]["interactive"] for update in (none, drawn, ready)]
        assert states == [False, True, True]
    states = [update[unit.drop]["interactive"] for update in (none, drawn, ready)]
    assert states == [False, False, True]


def test_whatever_belongs_to_a_request_is_among_what_is_shown(panel: SettingsPanel) -> None:
    shown = set(panel.shown())
    assert set(panel.widgets()) | set(panel.control.buttons()) <= shown
    assert set(panel.allow(SQUARE)) | set(panel.control.dress(())) | {panel.left} <= shown
