"""The history: star, delete and undo, go on from a result, bring its settings and mask back."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.desk import Desk, photograph

pytestmark = pytest.mark.browser
SIZE = (240, 160)


def first_edit(desk: Desk, folder: Path) -> Path:
    path = photograph(folder / "first.png", SIZE)
    desk.open(path)
    desk.paint(60, 40, 90, 70)
    desk.apply()
    return path


def test_a_star_is_shown_kept_and_filters(desk: Desk, tmp_path: Path) -> None:
    first_edit(desk, tmp_path)
    desk.view("Paint")
    desk.paint(100, 40, 140, 70)
    desk.apply()
    desk.page.locator(".cp-star").click()
    desk.page.locator(".cp-star[aria-pressed=true]").wait_for()
    desk.page.locator(".sp-item:nth-child(1) .sp-star[aria-pressed=true]").wait_for()
    assert desk.thumbs().count() == 2
    desk.page.get_by_label("starred only").check()
    desk.page.wait_for_function("document.querySelectorAll('.sp-pick').length === 1")
    desk.page.reload()
    desk.ready()
    desk.page.locator(".sp-star[aria-pressed=true]").wait_for()
    assert desk.thumbs().count() == 2


def test_a_deleted_result_comes_back_with_undo(desk: Desk, tmp_path: Path) -> None:
    first_edit(desk, tmp_path)
    path = desk.result_path()
    desk.page.locator(".cp-delete").click()
    desk.sees("The result was deleted.")
    desk.page.wait_for_function("document.querySelectorAll('.sp-pick').length === 0")
    assert path.exists()
    desk.page.get_by_role("button", name="Undo", exact=True).last.click()
    desk.sees("The result is back.")
    desk.page.wait_for_function("document.querySelectorAll('.sp-pick').length === 1")
    assert desk.result_path() == path


def test_a_result_becomes_the_source_and_the_parent_of_the_next(desk: Desk, tmp_path: Path) -> None:
    first_edit(desk, tmp_path)
    first = desk.result()
    desk.page.locator(".cp-continue").click()
    desk.sees("The result is the source now")
    desk.opened(SIZE)
    assert desk.state()["painted"] == 0
    desk.kept()  # what was painted on the picture before it may still be on its way
    assert "The result is the source now" in desk.status()
    desk.paint(150, 80, 190, 120)
    assert "0 of " in desk.apply()
    one, two = desk.log()
    assert two["parent"] == one["id"]
    assert two["inputs"]["source"] == one["results"][0]["sha256"]
    changed = (desk.result() != first).any(-1)
    assert changed[80:120, 150:190].any() and not changed[:, :120].any()


def test_settings_and_mask_come_back_exactly(desk: Desk, tmp_path: Path) -> None:
    path = photograph(tmp_path / "soft.png", SIZE)
    desk.open(path)
    desk.option("strength", 60)
    desk.option("hardness", 20)
    desk.drag((60, 60), (100, 70))
    desk.unfold("Outpaint: add a border")
    desk.number("border-right", 16)
    desk.unfold("Mask and context")
    field = desk.page.get_by_label("number input for Feather")
    field.fill("9")
    field.press("Tab")
    desk.apply()
    one, first = desk.log()[-1], desk.result()
    desk.open(photograph(tmp_path / "other.png", (100, 90)))
    field.fill("0")
    field.press("Tab")
    desk.kept()
    desk.view("Compare")
    desk.page.locator(".cp-restore").click()
    desk.sees("Picture, mask and settings of this edit are back.")
    desk.opened(SIZE)
    desk.wait("s.border.right === 16 && s.painted > 0")
    assert field.input_value() == "9"
    assert desk.page.get_by_label("Lock").is_checked()
    desk.apply()
    two = desk.log()[-1]
    assert two["inputs"] == one["inputs"]
    assert two["results"][0]["seed"] == one["results"][0]["seed"]
    assert np.array_equal(desk.result(), first)


def test_a_picked_result_is_compared_with_its_own_source(desk: Desk, tmp_path: Path) -> None:
    first_edit(desk, tmp_path)
    desk.open(photograph(tmp_path / "second.png", (120, 200)))
    desk.paint(20, 20, 60, 60)
    desk.apply()
    desk.thumbs().nth(1).click()
    desk.page.wait_for_function("document.querySelector('.cp-before').naturalWidth === 240")
    assert desk.result().shape[:2] == (160, 240)
    with Image.open(desk.result_path()) as image:
        assert image.size == SIZE


def ways(desk: Desk, *, back: bool, forward: bool) -> None:
    """Wait until the version buttons are on or off as given."""
    expect(desk.page.locator(".vs-back")).to_be_enabled(enabled=back)
    expect(desk.page.locator(".vs-forward")).to_be_enabled(enabled=forward)


def test_the_version_buttons_are_on_where_there_is_a_version(desk: Desk, tmp_path: Path) -> None:
    ways(desk, back=False, forward=False)
    first_edit(desk, tmp_path)
    ways(desk, back=False, forward=True)
    desk.page.reload()
    desk.ready()
    ways(desk, back=False, forward=True)
    desk.page.locator(".vs-forward").click()
    desk.sees("The next version is open")
    ways(desk, back=True, forward=False)
    assert desk.page.evaluate("document.activeElement.className") == "vs-back"
    desk.thumbs().click()
    ways(desk, back=True, forward=False)
    desk.page.locator(".cp-restore").click()
    desk.sees("Picture, mask and settings of this edit are back.")
    ways(desk, back=False, forward=True)
    desk.thumbs().focus()
    desk.page.keyboard.press("Delete")
    desk.sees("The result was deleted.")
    ways(desk, back=False, forward=False)
    desk.page.get_by_role("button", name="Undo", exact=True).last.click()
    ways(desk, back=False, forward=True)
    desk.open(photograph(tmp_path / "other.png", (200, 120)))
    ways(desk, back=False, forward=False)
