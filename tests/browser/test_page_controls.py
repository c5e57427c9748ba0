"""Controls at the page: annotators and their numbers, ready maps, and maps to look at."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.conftest import MakeContext
from tests.browser.desk import Desk, photograph
from tests.browser.server import Server

pytestmark = pytest.mark.browser
SIZE = (240, 160)
MODELS = """
models:
  sketch:
    source: ./absent
    title: Sketch
    family: sd15
    native_size: 64
    controls: {canny: ./absent, softedge: ./absent, depth: ./absent}
  exemplar:
    engine: exemplar
"""


@pytest.fixture(scope="module")
def controlled(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app with a model that has ControlNets; none of its weights are there."""
    del chromium
    folder = tmp_path_factory.mktemp("controlled")
    (folder / "models.yaml").write_text(MODELS, encoding="utf-8")
    running = Server(folder, "--models", str(folder / "models.yaml"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")  # a hub would fetch what must be absent
        running.start()
    yield running
    running.stop()


@pytest.fixture
def at(profile: MakeContext, controlled: Server, tmp_path: Path) -> Iterator[Desk]:
    """A desk with a picture, a mask and the controls unfolded."""
    desk = Desk(profile(), controlled)
    desk.open(photograph(tmp_path / "picture.png", SIZE))
    desk.page.locator("#control").get_by_text("Control", exact=True).first.click()
    desk.page.locator("#control-1").wait_for()
    yield desk
    assert not desk.troubles, "\n".join(desk.troubles)


def knob(desk: Desk, number: int) -> Locator:
    return desk.page.locator(f"#control-1-knob-{number} input")


def buttons_are(desk: Desk, *, usable: bool) -> None:
    for end in ("preview", "upload", "remove"):
        expect(desk.page.locator(f"#control-1-{end}")).to_be_enabled(enabled=usable)


def test_a_map_is_shown_on_the_canvas_and_changes_no_mask(at: Desk) -> None:
    at.paint(60, 40, 90, 70)
    at.pick("control-1", "canny")
    painted = at.state()["painted"]
    at.forget()
    at.page.locator("#control-1-preview").click()
    at.sees("The control map lies on the canvas")
    at.wait("s.overlay !== null")
    state = at.state()
    assert state["overlay"] == {k: state["context"][k] for k in state["overlay"]}
    assert state["painted"] == painted
    first = at.page.locator("#canvas .gc-picture").screenshot()
    expect(at.page.locator("#control-hide")).to_be_enabled()
    at.page.locator("#control-hide").click()
    at.wait("s.overlay === null")
    assert at.page.locator("#canvas .gc-picture").screenshot() != first


def test_the_buttons_are_right_after_a_refresh(at: Desk) -> None:
    buttons_are(at, usable=False)
    at.pick("control-1", "canny")
    buttons_are(at, usable=True)
    expect(at.page.locator("#control-1-drop")).to_be_disabled()
    at.kept()
    at.go()
    at.page.locator("#control").get_by_text("Control", exact=True).first.click()
    expect(at.page.locator("#control-1 input")).to_have_value("canny")
    buttons_are(at, usable=True)


def test_a_number_out_of_range_is_refused_by_its_name(at: Desk) -> None:
    at.paint(60, 40, 90, 70)
    at.pick("control-1", "canny")
    expect(knob(at, 1)).to_have_attribute("placeholder", "100")
    knob(at, 1).fill("999")
    knob(at, 1).blur()
    at.page.locator("#control-1-preview").click()
    at.sees("low_threshold must be in [1, 255], got 999")


def test_weights_that_are_not_here_are_named(at: Desk) -> None:
    at.paint(60, 40, 90, 70)
    at.pick("control-1", "softedge")
    at.pick("control-1-annotator", "HED (network)")
    at.page.locator("#control-1-preview").click()
    at.sees("ControlNetHED.pth")


def test_a_ready_map_is_kept_over_a_refresh_and_can_be_dropped(at: Desk, tmp_path: Path) -> None:
    at.paint(60, 40, 90, 70)
    at.pick("control-1", "depth")
    ready = photograph(tmp_path / "depth.png", SIZE)
    with at.page.expect_file_chooser() as chooser:
        at.page.locator("#control-1-upload").click()
    chooser.value.set_files(ready)
    at.sees("The ready map is used as it is")
    shown = at.page.locator("#control-1-map textarea, #control-1-map input").first
    expect(shown).to_be_visible()
    sha256 = shown.input_value()
    assert len(sha256) == 64
    at.page.locator("#control-1-preview").click()
    at.wait("s.overlay !== null")
    at.page.wait_for_load_state("networkidle")
    at.go()
    at.page.locator("#control").get_by_text("Control", exact=True).first.click()
    expect(shown).to_have_value(sha256)
    buttons_are(at, usable=True)
    at.page.locator("#control-1-drop").click()
    expect(shown).to_be_hidden()
    expect(at.page.locator("#control-1-drop")).to_be_disabled()
    at.page.locator("#control-1-remove").click()
    buttons_are(at, usable=False)


def test_a_second_control_is_removed_again(at: Desk) -> None:
    at.pick("control-1", "canny")
    at.page.locator("#control-more").get_by_text("Second control").first.click()
    at.pick("control-2", "depth")
    expect(at.page.locator("#control-2 input")).to_have_value("depth")
    at.page.locator("#control-2-remove").click()
    expect(at.page.locator("#control-2 input")).to_have_value("none")


def test_a_model_without_controls_says_so(at: Desk) -> None:
    at.pick("model", "exemplar")
    expect(at.page.locator("#control-1")).to_contain_text("takes no control")
    expect(at.page.locator("#control-1 input")).to_be_disabled()


def test_a_scheduler_that_the_next_model_lacks_breaks_nothing(at: Desk) -> None:
    at.paint(60, 40, 90, 70)
    at.pick("model", "Sketch (not here)")
    at.sees("Sketch cannot be used")
    expect(at.page.locator("#model")).to_contain_text("Not here: the folder")
    at.page.locator("#sampling").get_by_text("Sampling", exact=True).first.click()
    at.pick("scheduler", "lcm")
    at.pick("model", "exemplar")
    expect(at.page.locator("#scheduler input")).to_have_value("default")
    assert "pixels outside the mask changed" in at.apply()


def test_a_control_that_the_next_model_does_not_take_is_off_and_the_page_goes_on(at: Desk) -> None:
    at.paint(60, 40, 90, 70)
    at.pick("control-1", "canny")
    at.pick("model", "exemplar")
    at.sees("does not take the control canny")
    expect(at.page.locator("#control-1 input")).to_have_value("none")
    buttons_are(at, usable=False)
    assert "pixels outside the mask changed" in at.apply()
