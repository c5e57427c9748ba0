"""Painting with the mouse and the keyboard, in a real Chromium; masks are read in Python."""

import numpy as np
import pytest
from PIL import Image

from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.ui.canvas.component import CanvasUpdate
from tests.ui.canvas.canvas_page import Hand, disc_area

pytestmark = pytest.mark.browser


def area(mask: np.ndarray) -> float:
    return float(mask.sum(dtype=np.int64)) / 255


def test_an_empty_canvas_invites_a_picture_and_sends_no_mask(hand: Hand) -> None:
    assert hand.page.get_by_text("Drop a photograph here, paste, or choose one").is_visible()
    state = hand.read()
    assert (state.source, state.mask_path, state.image_path) == ("", None, None)


def test_the_upload_reaches_python_byte_for_byte(hand: Hand) -> None:
    path = hand.picture()
    state = hand.heard("picture_opened")
    assert state.image_path.read_bytes() == path.read_bytes()
    assert (state.source, state.image_name) == ("", "picture.png")
    assert hand.read().image_path is None  # the answer has named it


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


def test_a_mask_from_python_comes_back_bit_for_bit_and_can_be_painted_on(hand: Hand) -> None:
    hand.picture()
    grey = np.random.default_rng(5).integers(0, 256, (200, 300), np.uint8)
    path = hand.app.folder / "soft mask.png"
    Image.fromarray(grey).save(path)
    hand.drag((50, 50))
    before = hand.mask()
    hand.send(CanvasUpdate(mask=path))
    assert np.array_equal(hand.mask(), grey)
    hand.act("undo")
    assert np.array_equal(hand.mask(), before)
    hand.act("redo")
    hand.key("r")
    hand.drag((0, 0), (300, 100))
    mask = hand.mask()
    assert (mask[:100] == 255).all()
    assert np.array_equal(mask[100:], grey[100:])


def test_a_mask_file_is_taken_and_one_of_another_size_refused(hand: Hand) -> None:
    hand.picture()
    grey = np.full((200, 300), 77, np.uint8)
    for name, mode in (("grey.png", "L"), ("colour.webp", "RGB")):
        path = hand.app.folder / name
        Image.fromarray(grey).convert(mode).save(path, lossless=True)
        hand.act("clear")
        hand.page.set_input_files(".gc-mask-file", path)
        hand.wait("s.painted > 0")
        assert np.array_equal(hand.mask(), grey), name
    small = hand.app.folder / "small.png"
    Image.fromarray(grey[:50]).save(small)
    hand.page.set_input_files(".gc-mask-file", small)
    sentence = hand.heard("refused")
    assert sentence == "A mask must have the picture's size, 300 × 200 pixels, got 300 × 50."
    assert hand.page.get_by_text(sentence).is_visible()


def test_a_file_that_is_no_picture_is_refused(hand: Hand) -> None:
    path = hand.app.folder / "notes.pdf"
    path.write_bytes(b"%PDF-1.7")
    hand.page.set_input_files(".gc-picture-file", path)
    assert hand.heard("refused") == (
        "A picture must be PNG, JPEG, WebP, TIFF or BMP, got notes.pdf."
    )


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


def test_python_sets_border_context_preview_and_message(hand: Hand) -> None:
    hand.picture()
    hand.key("r")
    hand.drag((100, 50), (200, 150))
    hand.send(
        CanvasUpdate(
            border=Sides(8, 16, 24, 32),
            context=Box(50, 0, 250, 200),
            context_label="200 → 512",
            grow=10,
            feather=8,
            message="The mask was tidied.",
        )
    )
    hand.wait("s.preview")
    state = hand.state()
    assert state["context"]["label"] == "200 → 512"
    assert state["preview"]["sum"] > 0
    assert hand.page.get_by_text("The mask was tidied.").is_visible()
    assert hand.read().border == Sides(8, 16, 24, 32)
    painted = hand.mask()
    assert area(painted) == 100 * 100  # the preview changes no pixel of the painted mask


def test_another_picture_detaches_mask_and_border_and_voids_late_answers(hand: Hand) -> None:
    hand.picture()
    hand.act("invert")
    hand.send(CanvasUpdate(border=Sides(8, 8, 8, 8)))
    first = hand.read()
    hand.picture(120, 90, "second.png")
    state = hand.read()
    assert (state.size, state.mask_path, state.border) == (Size(120, 90), None, Sides())
    assert state.source != first.source
    assert hand.page.get_by_text("the mask of the picture before it was detached").is_visible()
    hand.send(CanvasUpdate(source=first.source, size=first.size, opened=first.opened))
    assert hand.read().source == state.source


def test_a_picture_that_the_browser_cannot_read_is_shown_by_the_server(hand: Hand) -> None:
    path = hand.app.folder / "scan.tiff"
    Image.linear_gradient("L").resize((90, 60)).save(path)
    hand.open(path)
    assert (hand.state()["width"], hand.state()["height"]) == (90, 60)
    hand.act("invert")
    assert (hand.mask() == 255).all()


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


def test_a_picture_and_its_mask_come_back_after_a_refresh(hand: Hand) -> None:
    shown = hand.picture()
    hand.drag((50, 50), (200, 150))
    mask, state = hand.mask(), hand.read()
    hand.page.reload()
    hand.page.wait_for_function("window.genimgCanvas !== undefined")
    hand.send(CanvasUpdate(source=state.source, image=shown, size=state.size, mask=state.mask_path))
    assert np.array_equal(hand.mask(), mask)
    assert hand.read().source == state.source
    assert hand.state()["undoDepth"] == 0


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


def test_the_canvas_fits_a_small_laptop(hand: Hand) -> None:
    hand.picture()
    box = hand.page.locator(".gc-root").bounding_box()
    assert box is not None
    assert box["height"] <= 560
