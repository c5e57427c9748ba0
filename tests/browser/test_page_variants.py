"""Variants: said before, started, followed, judged by keyboard, handed on, there after a reload."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Download, Locator

from tests.browser.desk import EDIT_SECONDS, Desk, photograph

pytestmark = pytest.mark.browser
SIZE = (240, 160)
MASK = (60, 40, 100, 80)


def painted(desk: Desk, folder: Path) -> None:
    desk.open(photograph(folder / "photo.png", SIZE))
    desk.paint(*MASK)
    desk.unfold("Variants and sweeps")


def fill(desk: Desk, elem_id: str, text: str) -> None:
    field = desk.page.locator(f"#{elem_id} :is(input, textarea)").first
    field.fill(text)
    field.press("Tab")


def said(desk: Desk, words: str) -> None:
    count = desk.page.locator("#sweep-count")
    count.get_by_text(words).wait_for(timeout=EDIT_SECONDS * 1000)


def cells(desk: Desk) -> Locator:
    return desk.page.locator(".sh-cell")


def all_there(desk: Desk, count: int) -> None:
    desk.page.wait_for_function(
        f"document.querySelectorAll('.sh-frame img').length === {count}",
        timeout=EDIT_SECONDS * 1000,
    )


def fetched(download: Download) -> bytes:
    return Path(download.path()).read_bytes()


def flags(desk: Desk, name: str) -> list[str]:
    return [str(cell.get_attribute(f"data-{name}")) for cell in cells(desk).all()]


def test_seeds_are_made_judged_by_keyboard_and_survive(desk: Desk, tmp_path: Path) -> None:
    painted(desk, tmp_path)
    fill(desk, "sweep-values", "3")
    said(desk, "3 pictures")
    desk.page.locator("#sweep-start").click()
    all_there(desk, 3)
    shown = desk.page.locator(".sh-frame img").first
    ratio = desk.page.evaluate("window.devicePixelRatio")
    natural = shown.evaluate("image => [image.naturalWidth, image.naturalHeight]")
    box = shown.bounding_box()
    assert box is not None
    assert [box["width"] * ratio, box["height"] * ratio] == pytest.approx(natural, abs=1)
    cells(desk).first.click()
    for key in ("Space", "ArrowRight", "x", "ArrowRight", "s"):
        desk.page.keyboard.press(key)
    desk.page.locator('.sh-cell:nth-child(3) .sh-star[aria-pressed="true"]').wait_for()
    assert flags(desk, "approved") == ["true", "false", "false"]
    assert flags(desk, "binned") == ["false", "true", "false"]
    desk.kept()
    desk.page.reload()
    desk.ready()
    desk.view("Variants")
    all_there(desk, 3)
    assert flags(desk, "approved") == ["true", "false", "false"]
    assert flags(desk, "binned") == ["false", "true", "false"]
    with desk.page.expect_download() as archive:
        desk.page.locator(".sh-zip").click()
    with zipfile.ZipFile(io.BytesIO(fetched(archive.value))) as pictures:
        assert len(pictures.namelist()) == 1
        with Image.open(io.BytesIO(pictures.read(pictures.namelist()[0]))) as picture:
            assert picture.size == SIZE
    with desk.page.expect_download() as sheet:
        desk.page.locator(".sh-png").click()
    entry = cells(desk).first.get_attribute("data-entry")
    with Image.open(io.BytesIO(fetched(sheet.value))) as picture:
        assert str(entry) in picture.info["genimg_ui_run"]


def test_two_parameters_make_a_table_and_what_is_wrong_is_said(desk: Desk, tmp_path: Path) -> None:
    painted(desk, tmp_path)
    desk.pick("sweep-parameter", "Fill mode")
    fill(desk, "sweep-values", "remove, melt")
    said(desk, "Fill mode must be one of")
    fill(desk, "sweep-values", "remove, closest")
    said(desk, "2 pictures")
    desk.page.get_by_role("button", name="More", exact=False).first.click()
    desk.pick("sweep-second", "Seed")
    fill(desk, "sweep-second-values", "7, 11")
    said(desk, "4 pictures")
    desk.page.locator("#sweep-start").click()
    all_there(desk, 4)
    headings = desk.page.locator(".sh-heading").all_inner_texts()
    assert headings == ["Fill mode remove", "Fill mode closest", "Seed 7", "Seed 11"]
    desk.answered("done")
    desk.kept()
    log = desk.log()
    assert [entry["inputs"]["group"]["cell"]["seed"] for entry in log] == ["7", "7", "11", "11"]
    assert len({entry["inputs"]["group"]["id"] for entry in log}) == 1
    cells(desk).last.click()
    desk.page.keyboard.press("Enter")
    desk.page.locator(".cp-root[data-shown]").wait_for()
    changed = desk.result() != np.asarray(Image.open(tmp_path / "photo.png"))
    assert changed.any() and not changed[:, 120:].any()
