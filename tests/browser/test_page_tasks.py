"""The choice of a task: enlarging, a new canvas, variations, and what stays after a refresh."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.browser.conftest import MakeContext
from tests.browser.desk import Desk, photograph
from tests.browser.server import ROOT, Server

pytestmark = pytest.mark.browser
OUTPUT = ROOT / "tests" / "output"  # ignored by git
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
    "color_scheme": "dark",
}


def choose(desk: Desk, task: str) -> None:
    desk.page.locator("#task").get_by_label(task, exact=True).check()


def chosen(desk: Desk, task: str) -> None:
    desk.page.locator("#task").locator("label.selected").get_by_text(task, exact=True).wait_for()


def model(desk: Desk, title: str) -> None:
    """Wait until this model is chosen."""
    desk.page.wait_for_function(
        "title => document.querySelector('#model input').value.startsWith(title)", arg=title
    )


def result_size(desk: Desk) -> tuple[int, int]:
    """Of the picture that the comparison shows."""
    size = desk.page.evaluate(
        """async () => {
          const image = document.querySelector('.cp-after');
          await image.decode();
          return [image.naturalWidth, image.naturalHeight];
        }"""
    )
    return tuple(size)


def test_upscaling_works_without_a_model_and_says_so(desk: Desk, tmp_path: Path) -> None:
    path = photograph(tmp_path / "small.png", (120, 80))
    desk.open(path)
    desk.paint(10, 10, 40, 40)
    assert not desk.page.locator("#factor").is_visible()
    choose(desk, "Upscale")
    model(desk, "Lanczos (resampling only)")
    assert "does not serve this task" in desk.status()
    desk.page.locator("#model").get_by_text("does not serve this task").wait_for()
    desk.page.locator("#factor").get_by_label("×4").check()
    desk.wait("!(s.context && s.context.right > s.context.left)")  # no box: all is enlarged
    assert "No pixel was locked" in desk.apply()
    assert result_size(desk) == (480, 320)
    desk.page.reload()
    desk.ready()
    chosen(desk, "Upscale")
    desk.page.locator("#factor label.selected").get_by_text("×4").wait_for()
    with Image.open(path) as source:
        assert source.size == (120, 80)


def test_the_mask_rests_while_the_whole_picture_is_repainted(desk: Desk, tmp_path: Path) -> None:
    desk.open(photograph(tmp_path / "rests.png", (120, 80)))
    desk.paint(10, 10, 60, 60)
    painted, note = desk.state()["painted"], desk.page.locator(".gc-whole")
    assert not note.is_visible()
    before = desk.page.locator("#model input").input_value()
    choose(desk, "Upscale")
    note.wait_for()
    faint = "getComputedStyle(document.querySelector('.gc-tint')).opacity < 0.3"
    assert desk.page.evaluate(faint)
    choose(desk, "Inpaint")
    note.wait_for(state="hidden")
    assert not desk.page.evaluate(faint) and desk.state()["painted"] == painted
    desk.sees("is the model again")
    assert desk.page.locator("#model input").input_value() == before
    choose(desk, "Upscale")
    note.wait_for()
    desk.page.wait_for_timeout(1500)  # the draft is kept
    desk.page.reload()
    desk.ready()
    chosen(desk, "Upscale")
    assert desk.page.locator("#model input").input_value() != before
    choose(desk, "Inpaint")
    desk.sees("is the model again")
    assert desk.page.locator("#model input").input_value() == before


def test_a_new_canvas_is_painted_and_varied(desk: Desk) -> None:
    choose(desk, "Text to image")
    model(desk, "Shapes")
    box = desk.page.locator("#new-canvas")
    box.wait_for()
    assert desk.page.locator("#new-width input").input_value() == "128"
    desk.number("new-height", 96)
    box.get_by_role("button", name="New canvas").click()
    desk.opened((128, 96))
    desk.sees("An empty canvas is open")
    desk.page.locator("#prompt textarea").fill("a red ring")
    desk.page.get_by_text("Sampling", exact=True).click()
    assert desk.page.locator("#strength input[type=number]").is_disabled()
    steps = desk.page.locator("#steps input[type=number]")
    steps.fill("2")
    steps.press("Tab")
    assert "No pixel was locked" in desk.apply()
    assert result_size(desk) == (128, 96)
    desk.page.get_by_role("button", name="Make variations").click()
    desk.sees("The result is the source")
    chosen(desk, "Image to image")
    assert desk.page.locator("#variants input").input_value() == "4"
    assert desk.page.locator("#strength input[type=number]").input_value() == "0.5"
    box.wait_for(state="hidden")


def test_the_border_opens_with_outpainting_and_goes_with_other_tasks(
    desk: Desk, tmp_path: Path
) -> None:
    desk.open(photograph(tmp_path / "border.png", (120, 80)))
    choose(desk, "Outpaint")
    desk.page.locator("#border-left input").wait_for()
    desk.number("border-left", 40)
    desk.wait("s.border.left === 40")
    choose(desk, "Upscale")
    desk.wait("s.border.left === 0")
    assert "No pixel was locked" in desk.apply()


def test_the_tasks_fit_a_phone_in_the_dark(profile: MakeContext, server: Server) -> None:
    desk = Desk(profile(**PHONE), server)
    task = desk.page.locator("#task")
    task.scroll_into_view_if_needed()
    choices = task.locator("label:has(input)")
    assert choices.count() == 5
    for index in range(5):
        box = choices.nth(index).bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390
    choose(desk, "Text to image")
    desk.page.locator("#new-canvas").wait_for()
    wide = desk.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    OUTPUT.mkdir(exist_ok=True)
    desk.page.screenshot(path=OUTPUT / "tasks-phone-dark.png")
