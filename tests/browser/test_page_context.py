"""The context box drawn by hand: with the tool, its handles and keys, and back after a refresh."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import MakeContext
from tests.browser.desk import Desk, photograph
from tests.browser.server import Server

pytestmark = pytest.mark.browser
SIZE = (240, 160)
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
BOX = {"left": 60, "top": 30, "right": 180, "bottom": 130}


def start(desk: Desk, folder: Path) -> None:
    desk.open(photograph(folder / "photo.png", SIZE))
    desk.paint(100, 60, 130, 90)
    desk.wait("s.context && s.context.right > s.context.left")


def draw(desk: Desk, *points: tuple[float, float]) -> None:
    desk.key("k")
    assert desk.state()["tool"] == "context"
    desk.drag(*points)


def test_a_drawn_box_is_what_the_engine_sees_and_comes_back(desk: Desk, tmp_path: Path) -> None:
    start(desk, tmp_path)
    clear = desk.page.get_by_label("Context box from the mask")
    expect(clear).to_be_disabled()
    draw(desk, (60, 30), (180, 130))
    assert desk.state()["box"] == BOX
    desk.wait("s.context && s.context.left === 60 && s.context.bottom === 130")
    desk.drag((180, 130), (200, 140))  # a corner
    desk.drag((120, 40), (110, 30))  # from inside: the whole box
    moved = {"left": 50, "top": 20, "right": 190, "bottom": 130}
    assert desk.state()["box"] == moved
    desk.kept()
    assert "0 of " in desk.apply()
    (entry,) = desk.log()
    assert entry["request"]["inpaint"]["box"] == [50, 20, 190, 130]
    assert entry["plan"]["box"] == [50, 20, 190, 130]
    desk.page.reload()
    desk.ready()
    desk.wait("s.box && s.box.left === 50 && s.box.bottom === 130")
    expect(clear).to_be_enabled()
    desk.view("Paint")
    desk.key("Shift+K")
    desk.wait("s.box === null && s.context.left !== 50")
    desk.kept()
    desk.apply()
    assert desk.log()[-1]["request"]["inpaint"]["box"] is None
    desk.page.locator(".sp-pick").last.click()  # the older result
    desk.page.get_by_role("button", name="Restore settings and mask").click()
    desk.wait("s.box && s.box.left === 50")


def test_a_box_that_does_not_hold_the_mask_is_refused_with_numbers(
    desk: Desk, tmp_path: Path
) -> None:
    start(desk, tmp_path)
    draw(desk, (110, 30), (180, 130))
    desk.kept()
    desk.start()
    said = desk.status()
    assert "The context box must hold all that is repainted" in said
    assert "14 px (left)" in said  # 10 px of the mask, and 4 px that it is grown by
    desk.page.reload()  # the page opens all the same, with box and mask
    desk.ready()
    desk.wait("s.box && s.box.left === 110 && s.painted > 0")


def test_a_new_picture_has_no_box_and_the_next_source_neither(desk: Desk, tmp_path: Path) -> None:
    start(desk, tmp_path)
    draw(desk, (60, 30), (180, 130))
    desk.kept()
    desk.apply()
    desk.page.locator(".cp-continue").click()
    desk.sees("The result is the source now")
    desk.wait("s.box === null")
    desk.open(photograph(tmp_path / "other.png", (200, 120)))
    assert desk.state()["box"] is None


def test_a_finger_draws_the_box(profile: MakeContext, server: Server, tmp_path: Path) -> None:
    desk = Desk(profile(**PHONE), server)
    start(desk, tmp_path)
    button = desk.page.locator("[data-act=context]")
    button.scroll_into_view_if_needed()
    size = button.bounding_box()
    assert size is not None and min(size["width"], size["height"]) >= 44
    button.click()
    desk.drag((60, 30), (180, 130))
    assert desk.state()["box"] == BOX
    assert not desk.troubles
