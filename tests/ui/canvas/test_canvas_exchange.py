"""What travels between the canvas and Python: files, masks, answers and refusals."""

import base64

import numpy as np
import pytest
from PIL import Image

from genimg_ui.core.geometry import Box, Sides, Size
from genimg_ui.ui.canvas.component import CanvasUpdate
from tests.ui.canvas.canvas_page import Hand, area

pytestmark = pytest.mark.browser


def test_the_upload_reaches_python_byte_for_byte(hand: Hand) -> None:
    path = hand.picture()
    state = hand.heard("picture_opened")
    assert state.image_path.read_bytes() == path.read_bytes()
    assert (state.source, state.image_name) == ("", "picture.png")
    assert hand.read().image_path is None  # the answer has named it


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


def test_a_picture_and_its_mask_come_back_after_a_refresh(hand: Hand) -> None:
    shown = hand.picture()
    hand.drag((50, 50), (200, 150))
    mask, state = hand.mask(), hand.read()
    hand.visit()
    hand.send(CanvasUpdate(source=state.source, image=shown, size=state.size, mask=state.mask_path))
    assert np.array_equal(hand.mask(), mask)
    assert hand.read().source == state.source
    assert hand.state()["undoDepth"] == 0


FILE = """([name, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: "image/png" }));
  return transfer;
}"""

PASTE = """(clipboardData) =>
  document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }))"""


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_picture_can_be_dropped_and_pasted(hand: Hand, way: str) -> None:
    path = hand.app.folder / "dropped.png"
    Image.linear_gradient("L").resize((50, 40)).save(path)
    encoded = base64.b64encode(path.read_bytes()).decode()
    transfer = hand.page.evaluate_handle(FILE, [path.name, encoded])
    if way == "drop":
        hand.page.dispatch_event(".gc-empty", "drop", {"dataTransfer": transfer})
    else:
        hand.page.evaluate(PASTE, transfer)
    hand.wait("s.source")
    assert hand.heard("picture_opened").image_path.read_bytes() == path.read_bytes()
    assert hand.state()["width"] == 50


def test_python_can_refuse_and_empty_the_canvas(hand: Hand) -> None:
    hand.picture()
    hand.act("invert")
    hand.send(CanvasUpdate(clear=True, message="The picture was refused."))
    assert hand.page.get_by_text("The picture was refused.").is_visible()
    assert hand.page.get_by_text("Choose a photograph").is_visible()
    state = hand.read()
    assert (state.source, state.size, state.mask_path) == ("", Size(0, 0), None)


def test_uploads_that_fail_are_told_and_sent_again(hand: Hand) -> None:
    hand.app.answers = False
    path = hand.app.folder / "kept.png"
    Image.linear_gradient("L").resize((50, 40)).save(path)
    hand.page.route("**/upload", lambda route: route.abort())
    hand.page.set_input_files(".gc-picture-file", path)
    hand.page.get_by_text("kept.png could not be sent").wait_for()
    hand.act("invert")
    hand.page.unroute("**/upload")
    mask, state = hand.mask(), hand.read()
    assert (mask == 255).all()
    assert state.source == ""
    assert state.image_path is not None and state.image_path.read_bytes() == path.read_bytes()
    hand.errors.clear()  # the browser reports the uploads that this test broke
