"""Painting with the mouse and the keyboard, in a real Chromium; masks are read in Python."""

import numpy as np
import pytest
from PIL import Image

from genimg_ui.core.geometry import Sides
from tests.ui.canvas.canvas_page import Hand, area, disc_area

pytestmark = pytest.mark.browser


def test_an_empty_canvas_invites_a_picture_and_sends_no_mask(hand: Hand) -> None:
    assert hand.page.get_by_text("Drop a photograph here, paste, or choose one").is_visible()
    state = hand.read()
    assert (state.source, state.mask_path, state.image_path) == ("", None, None)


def test_a_rectangle_is_exact_and_edits_are_told(hand: Hand) -> None:
    hand.picture()
    hand.key("r")
    hand.drag((40, 30), (120, 90))
    expected = np.zeros((200, 300), np.uint8)
    expected[30:90, 40:120] = 255
    assert np.array_equal(hand.mask(), expected)
    assert hand.heard("mask_edited").source == hand.read().source != ""


def test_a_dab_has_its_area_and_hardness_softens_it(hand: Hand) -> None:
    hand.picture()
    hand.option("size", 80)
    hand.option("hardness", 100)
    hand.drag((150, 100))
    mask = hand.mask()
    assert mask[100, 150] == 255
    assert abs(area(mask) - disc_area(40)) / disc_area(40) < 0.02
    hand.act("clear")
    hand.option("hardness", 20)
    hand.drag((150, 100))
    soft = hand.mask()
    assert soft[100, 150] == 255
    assert 0.2 < area(soft) / area(mask) < 0.7
    assert len(np.unique(soft)) > 50


def test_strength_paints_grey(hand: Hand) -> None:
    hand.picture()
    hand.option("strength", 40)
    hand.drag((150, 100))
    assert hand.mask()[100, 150] == 102
    hand.key("r")
    hand.drag((0, 0), (20, 20))
    assert hand.mask()[10, 10] == 102


def test_the_eraser_the_right_button_and_a_held_x_erase(hand: Hand) -> None:
    hand.picture()
    hand.act("invert")
    hand.key("e")
    hand.drag((50, 50))
    hand.key("b")
    hand.drag((150, 50), button="right")
    hand.page.keyboard.down("x")
    hand.drag((250, 50))
    hand.page.keyboard.up("x")
    mask = hand.mask()
    assert [int(mask[50, x]) for x in (50, 100, 150, 200, 250)] == [0, 255, 0, 255, 0]


def test_ellipse_and_lasso_have_their_areas(hand: Hand) -> None:
    hand.picture()
    hand.key("c")
    hand.drag((20, 20), (140, 100))
    ellipse = hand.mask()
    assert abs(area(ellipse) - np.pi * 60 * 40) / (np.pi * 60 * 40) < 0.01
    hand.act("clear")
    hand.key("l")
    hand.drag((200, 50), (280, 50), (280, 150), (200, 150))
    lasso = hand.mask()
    assert lasso[100, 240] == 255
    assert abs(area(lasso) - 8000) < 80


def test_undo_and_redo_give_identical_masks(hand: Hand) -> None:
    hand.picture()
    hand.drag((50, 50), (200, 150))
    first = hand.mask()
    hand.drag((250, 20), (20, 180))
    second = hand.mask()
    hand.key("Control+z")
    assert np.array_equal(hand.mask(), first)
    hand.key("Control+Shift+z")
    assert np.array_equal(hand.mask(), second)
    hand.act("undo")
    hand.act("undo")
    assert hand.read().mask_path is None


def test_invert_and_clear(hand: Hand) -> None:
    hand.picture()
    hand.option("strength", 40)
    hand.drag((100, 100))
    painted = hand.mask()
    hand.act("invert")
    assert np.array_equal(hand.mask(), 255 - painted)
    hand.act("clear")
    assert hand.read().mask_path is None
    assert hand.state()["undoDepth"] == 3


def test_zoom_and_pan_leave_picture_coordinates_alone(hand: Hand) -> None:
    hand.picture()
    page = hand.page
    under = hand.at(100, 60)
    page.mouse.move(*under)
    for _ in range(4):
        page.mouse.wheel(0, -200)
    page.wait_for_timeout(100)
    # A wheel event tells whole CSS pixels: up to one is lost, and enlarged 3.3 times.
    assert np.allclose(hand.at(100, 60), under, atol=3.3)
    assert hand.state()["zoom"] > 2
    under = hand.at(100, 60)
    zoomed = hand.state()["zoom"]
    page.keyboard.down(" ")
    hand.drag((100, 60), (110, 70))
    page.keyboard.up(" ")
    assert not np.allclose(hand.at(100, 60), under, atol=10)
    assert hand.state()["zoom"] == zoomed
    hand.key("r")
    hand.drag((90, 50), (110, 70))
    expected = np.zeros((200, 300), np.uint8)
    expected[50:70, 90:110] = 255
    assert np.array_equal(hand.mask(), expected)


def test_space_over_the_canvas_pans_and_does_not_press_the_button_used_last(hand: Hand) -> None:
    hand.picture()
    hand.mask()  # the button that reads has the focus now
    reads, before = len(hand.app.reads), hand.state()["offset"]
    hand.page.mouse.move(*hand.at(100, 60))
    hand.page.keyboard.down(" ")
    hand.drag((100, 60), (130, 90))
    hand.page.keyboard.up(" ")
    hand.page.wait_for_timeout(300)
    assert hand.state()["offset"] != before
    assert hand.state()["maskSum"] == 0
    assert len(hand.app.reads) == reads


def test_the_frame_is_dragged_by_sides_and_corners(hand: Hand) -> None:
    hand.picture()
    hand.key("o")
    hand.drag((300, 100), (330, 100))
    assert hand.read().border == Sides(0, 0, 32, 0)
    hand.drag((0, 0), (-21, -13))
    assert hand.read().border == Sides(24, 16, 32, 0)
    hand.page.keyboard.down("Shift")
    hand.drag((150, 200), (150, 213))
    hand.page.keyboard.up("Shift")
    assert hand.read().border == Sides(24, 16, 32, 13)
    assert hand.heard("border_changed").border == Sides(24, 16, 32, 13)
    assert hand.read().mask_path is None


def test_a_turned_photograph_is_painted_as_it_is_seen(hand: Hand) -> None:
    path = hand.app.folder / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    Image.linear_gradient("L").resize((300, 200)).save(path, exif=exif)
    hand.open(path)
    hand.key("r")
    hand.drag((20, 200), (60, 280))
    expected = np.zeros((300, 200), np.uint8)
    expected[200:280, 20:60] = 255
    assert np.array_equal(hand.mask(), expected)


def test_typing_elsewhere_is_no_shortcut_and_the_help_sheet_opens(hand: Hand) -> None:
    hand.picture()
    number = hand.page.locator("[data-number=size]")
    number.focus()
    hand.page.keyboard.press("e")
    assert hand.state()["tool"] == "brush"
    hand.page.locator(".gc-root").focus()
    hand.page.keyboard.press("?")
    assert hand.page.get_by_text("Invert the mask", exact=True).is_visible()
    hand.page.keyboard.press("Escape")
    assert hand.page.locator("dialog[open]").count() == 0


def test_24_megapixels_are_paintable_at_once(hand: Hand) -> None:
    path = hand.app.folder / "large.jpg"
    rng = np.random.default_rng(1).integers(0, 255, (500, 750, 3), np.uint8)
    Image.fromarray(rng).resize((6000, 4000)).save(path, quality=85)
    hand.page.set_input_files(".gc-picture-file", path)
    hand.wait("s.width === 6000")
    hand.option("size", 300)
    hand.drag((1000, 1000), (5000, 3000), (1000, 3000))
    state = hand.state()
    assert state["paintableMs"] < 2000
    assert state["painted"] > 300 * 4000
    hand.wait("s.source")
    mask = hand.mask()
    assert mask.shape == (4000, 6000)
    assert mask[1000, 1000] == mask[3000, 3000] == 255
    frames = sorted(hand.state()["frameMs"])
    assert frames[len(frames) // 2] < 50  # milliseconds of script; half of all frames


def test_pen_pressure_scales_the_brush(hand: Hand) -> None:
    hand.picture()
    hand.option("size", 80)
    x, y = hand.at(150, 100)
    pen = {"pointerType": "pen", "pointerId": 7, "clientX": x, "clientY": y, "button": 0}
    assert hand.page.locator("[data-act=pressure]").is_hidden()
    for pressure, radius in ((0.5, 20), (1.0, 40)):
        for kind in ("pointerdown", "pointerup"):
            hand.page.dispatch_event(
                ".gc-marks", kind, {**pen, "pressure": pressure, "bubbles": True}
            )
        assert abs(area(hand.mask()) / disc_area(radius) - 1) < 0.1
        hand.act("clear")
    hand.page.locator("[data-act=pressure]").click()
    for kind in ("pointerdown", "pointerup"):
        hand.page.dispatch_event(".gc-marks", kind, {**pen, "pressure": 0.5, "bubbles": True})
    assert abs(area(hand.mask()) / disc_area(40) - 1) < 0.1


def test_the_canvas_fits_a_small_laptop(hand: Hand) -> None:
    hand.picture()
    box = hand.page.locator(".gc-root").bounding_box()
    assert box is not None
    assert box["height"] <= 560
