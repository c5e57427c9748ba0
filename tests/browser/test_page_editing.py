"""Opening, painting, applying, comparing and outpainting, on the whole app."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browser.conftest import MakeContext
from tests.browser.desk import Desk, photograph
from tests.browser.server import Server

pytestmark = pytest.mark.browser
SIZE = (240, 160)


def test_a_picture_is_chosen_painted_applied_and_compared(desk: Desk, tmp_path: Path) -> None:
    path = photograph(tmp_path / "street.png", SIZE)
    desk.choose(path)
    desk.opened(SIZE)
    assert "240×160" in desk.page.locator("#picture-info").inner_text()
    desk.act("brush")
    desk.drag((60, 40), (90, 70))
    words = desk.apply()
    assert "0 of " in words and "pixels outside the mask changed" in words
    desk.page.locator(".cp-stage").wait_for()
    for image in (".cp-before", ".cp-after"):
        width = f"document.querySelector('{image}').naturalWidth === 240"
        desk.page.wait_for_function(width)
    proof = desk.page.locator(".cp-proof")
    assert proof.inner_text().startswith("0 of ")
    assert proof.get_attribute("data-ok") == "true"
    changed = (desk.result() != np.asarray(Image.open(path))).any(-1)
    assert changed[40:70, 60:90].any()
    assert not changed[:, 150:].any() and not changed[110:].any()


def test_the_divider_of_the_comparison_moves_by_mouse_and_keys(desk: Desk, tmp_path: Path) -> None:
    desk.open(photograph(tmp_path / "a.png", SIZE))
    desk.paint(50, 50, 80, 80)
    desk.apply()
    stage = desk.page.locator(".cp-stage")
    box = stage.bounding_box()
    assert box is not None
    desk.page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    assert stage.get_attribute("aria-valuenow") == "25"
    stage.press("ArrowRight")
    assert stage.get_attribute("aria-valuenow") == "30"
    clip = desk.page.locator(".cp-clip").evaluate("node => node.style.clipPath")
    assert clip.startswith("inset(0")
    desk.page.locator(".cp-fit").click()
    assert desk.page.locator(".cp-view").bounding_box()["width"] == 240  # type: ignore[index]


def test_every_tool_reaches_the_result(desk: Desk, tmp_path: Path) -> None:
    path = photograph(tmp_path / "tools.png", SIZE)
    desk.open(path)
    desk.option("size", 12)
    desk.act("brush")
    desk.drag((20, 20), (60, 20))
    desk.act("rectangle")
    desk.drag((90, 10), (120, 40))
    desk.act("ellipse")
    desk.drag((150, 10), (190, 40))
    desk.act("lasso")
    desk.drag((20, 100), (60, 100), (60, 140), (20, 140))
    desk.act("rectangle")
    desk.drag((150, 100), (200, 140))
    desk.act("eraser")
    desk.option("size", 30)
    desk.drag((175, 120))
    desk.act("clear")
    desk.act("undo")
    desk.apply()
    entry = desk.log()[-1]
    with Image.open(desk.server.data_dir / "masks" / mask_file(desk, entry)) as image:
        mask = np.asarray(image)
    inside = {"brush": (20, 40), "rectangle": (25, 105), "ellipse": (25, 170), "lasso": (120, 40)}
    assert all(mask[at] == 255 for at in inside.values())
    erased, untouched = mask[120, 175], mask[70, 120]
    assert (int(erased), int(untouched)) == (0, 0)
    changed = (desk.result() != np.asarray(Image.open(path))).any(-1)
    for name, (y, x) in inside.items():
        assert changed[y - 3 : y + 4, x - 3 : x + 4].any(), name
    assert not changed[115:125, 170:180].any()
    assert not changed[60:90].any()


def mask_file(desk: Desk, entry: dict) -> str:
    """Name of the mask's file below `masks`, whatever folders lie between."""
    folder = desk.server.data_dir / "masks"
    (found,) = folder.rglob(f"{entry['inputs']['mask']}.png")
    return str(found.relative_to(folder))


def test_an_inverted_mask_changes_everything_else(desk: Desk, tmp_path: Path) -> None:
    path = photograph(tmp_path / "b.png", SIZE)
    desk.open(path)
    desk.paint(20, 10, 220, 150)
    desk.page.get_by_label("Invert the mask").click()
    desk.apply()
    changed = (desk.result() != np.asarray(Image.open(path))).any(-1)
    assert changed[:5].any() and not changed[20:140, 30:210].any()


def test_a_turned_jpeg_is_edited_as_it_is_seen(desk: Desk, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    path = photograph(tmp_path / "turned.jpg", SIZE, exif=exif, quality=95)
    desk.choose(path)
    desk.opened((160, 240))
    desk.paint(20, 180, 60, 220)
    assert "0 of " in desk.apply()
    result = desk.result()
    assert result.shape[:2] == (240, 160)
    with Image.open(path) as image:
        seen = np.asarray(image.transpose(Image.Transpose.ROTATE_270))
    changed = (result != seen).any(-1)
    assert changed[180:220, 20:60].any() and not changed[:150].any()


def test_a_tiff_that_the_browser_cannot_read_is_edited(desk: Desk, tmp_path: Path) -> None:
    path = photograph(tmp_path / "scan.tiff", SIZE, compression="tiff_lzw")
    desk.choose(path)
    desk.opened(SIZE)
    desk.paint(100, 50, 140, 90)
    assert "0 of " in desk.apply()
    desk.page.wait_for_function("document.querySelector('.cp-before').naturalWidth === 240")
    changed = (desk.result() != np.asarray(Image.open(path))).any(-1)
    assert changed[50:90, 100:140].any() and not changed[110:].any()


def test_two_variants_are_two_results(desk: Desk, tmp_path: Path) -> None:
    desk.open(photograph(tmp_path / "c.png", SIZE))
    desk.paint(60, 40, 120, 100)
    desk.number("variants", 2)
    assert desk.apply().startswith("Done: 2 variants")
    assert desk.thumbs().count() == 2
    files, seeds = set(), set()
    for index in range(2):
        desk.thumbs().nth(index).click()
        seed = desk.page.locator(".cp-facts div", has_text="seed").locator("dd")
        desk.page.locator(f".sp-item:nth-child({index + 1})[aria-current=true]").wait_for()
        files.add(hashlib.sha256(desk.result_path().read_bytes()).hexdigest())
        seeds.add(int(seed.inner_text()))
    assert len(files) == 2
    assert max(seeds) - min(seeds) == 1


def test_a_locked_seed_gives_the_same_pixels_again(desk: Desk, tmp_path: Path) -> None:
    desk.open(photograph(tmp_path / "d.png", SIZE))
    desk.paint(60, 40, 120, 100)
    desk.page.get_by_label("Lock").check()
    shown = []
    for seed in (11, 11, 12):
        desk.number("seed", seed)
        desk.apply()
        shown.append(desk.result())
        desk.view("Paint")
    assert np.array_equal(shown[0], shown[1])
    assert not np.array_equal(shown[0], shown[2])


def test_a_handle_is_dragged_outward_and_the_border_is_painted(desk: Desk, tmp_path: Path) -> None:
    path = photograph(tmp_path / "e.png", SIZE)
    desk.open(path)
    desk.unfold("Outpaint: add a border")
    desk.act("frame")
    desk.drag((240, 80), (271, 80))
    desk.page.wait_for_function("document.querySelector('#border-right input').value === '32'")
    assert "0 of 38,400 pixels outside the mask changed" in desk.apply()
    result = desk.result()
    assert result.shape[:2] == (160, 272)
    assert np.array_equal(result[:, :240], np.asarray(Image.open(path)))
    assert len(np.unique(result[:, 240:])) > 16


def test_numbers_add_a_border_of_exactly_that_size(desk: Desk, tmp_path: Path) -> None:
    path = photograph(tmp_path / "f.png", SIZE)
    desk.open(path)
    desk.unfold("Outpaint: add a border")
    for side, pixels in (("left", 13), ("top", 7), ("right", 0), ("bottom", 21)):
        desk.number(f"border-{side}", pixels)
    desk.apply()
    result = desk.result()
    assert result.shape[:2] == (160 + 28, 240 + 13)
    assert np.array_equal(result[7:167, 13:], np.asarray(Image.open(path)))
    desk.view("Paint")
    desk.page.get_by_label("%", exact=True).check()
    desk.page.wait_for_function("document.querySelector('#border-left input').value === '5.417'")
    desk.page.get_by_role("button", name="No border").click()
    desk.wait("s.border.left + s.border.top + s.border.bottom === 0")


def test_an_aspect_preset_gives_that_aspect(desk: Desk, tmp_path: Path) -> None:
    desk.open(photograph(tmp_path / "g.png", SIZE))
    desk.unfold("Outpaint: add a border")
    desk.pick("aspect", "1:1")
    desk.wait("s.border.top === 40 && s.border.bottom === 40")
    desk.pick("anchor", "top")
    desk.wait("s.border.top === 0 && s.border.bottom === 80")
    desk.wait("s.context && s.context.bottom === 240")
    desk.page.reload()
    desk.ready()
    desk.opened(SIZE)
    desk.wait("s.border.bottom === 80")
    desk.apply()
    assert desk.result().shape[:2] == (240, 240)


def test_an_example_is_the_quickest_first_edit(desk: Desk) -> None:
    desk.page.get_by_role("button", name="Astronaut", exact=True).click()
    desk.opened((512, 512))
    desk.paint(400, 100, 440, 140)
    assert "0 of " in desk.apply()


def test_the_log_downloads_and_files_come_as_they_are_on_disk(desk: Desk, tmp_path: Path) -> None:
    desk.open(photograph(tmp_path / "h.png", SIZE))
    desk.paint(60, 40, 120, 100)
    desk.apply()
    with desk.page.expect_download() as waiting:
        desk.page.locator(".cp-download").click()
    assert waiting.value.suggested_filename.endswith(".png")
    got = Path(waiting.value.path()).read_bytes()
    on_disk = desk.result_path()
    digest = hashlib.sha256(got).hexdigest()
    assert got == on_disk.read_bytes()
    assert on_disk.stem == digest == desk.log()[-1]["results"][0]["sha256"]
    assert on_disk.is_relative_to(desk.server.data_dir / "results")
    with Image.open(on_disk) as image:
        assert any(desk.log()[-1]["id"] in str(text) for text in image.text.values())
    with desk.page.expect_download() as waiting:
        desk.page.locator(".sp-log").click()
    assert waiting.value.suggested_filename == "seed_log.jsonl"
    assert Path(waiting.value.path()).read_text().count("\n") == 1


def test_settings_of_the_panels_reach_the_request(
    profile: MakeContext, server: Server, tmp_path: Path
) -> None:
    desk = Desk(profile(), server)
    desk.open(photograph(tmp_path / "i.png", SIZE))
    desk.paint(60, 40, 120, 100)
    desk.unfold("Mask and context")
    for label, value in (("Grow", 9), ("Feather", 2), ("Context padding", 32)):
        field = desk.page.get_by_label(f"number input for {label}")
        field.fill(str(value))
        field.press("Tab")
    desk.apply()
    request = desk.log()[-1]["request"]
    assert request["mask"] == {"grow": 9, "feather": 2}
    assert request["inpaint"]["padding"] == 32
    assert not desk.troubles
