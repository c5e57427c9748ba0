"""Presets: chosen with one click, saved, exported, brought in, refused by line and key."""

import re
from pathlib import Path

import pytest

from tests.browser.desk import EDIT_SECONDS, Desk

pytestmark = pytest.mark.browser


def choose(desk: Desk, name: str) -> None:
    desk.pick("preset", named(name))


def named(name: str) -> re.Pattern[str]:
    """A preset in the list; some have their task behind the name."""
    return re.compile(rf"^{re.escape(name)}(\s+\(|$)")


def feather(desk: Desk) -> str:
    return desk.page.get_by_label("number input for Feather").input_value()


def has_feather(desk: Desk, value: int) -> None:
    desk.page.wait_for_function(
        f"document.querySelector('[aria-label=\"number input for Feather\"]').value === '{value}'",
        timeout=EDIT_SECONDS * 1000,
    )


def bring_in(desk: Desk, path: Path) -> None:
    with desk.page.expect_file_chooser() as chooser:
        desk.page.locator("#preset-import").click()
    chooser.value.set_files(path)


def test_a_preset_is_chosen_saved_shared_and_refused(desk: Desk, tmp_path: Path) -> None:
    desk.unfold("Mask and context")
    choose(desk, "Remove small marks")
    desk.sees("Remove small marks:")
    assert feather(desk) == "2"
    choose(desk, "Replace with something else")
    desk.sees("reads no prompt: choose a model that does.")
    assert desk.page.locator("#template textarea").input_value() == "[subject], [style], [light]"
    fields = desk.page.locator("#template-fields textarea")
    fields.fill("subject = a mug | a cup\nstyle = photo\nlight = dusk")
    desk.page.locator("#template-fill").click()
    desk.sees("A run over Prompt makes the other 1, too.")
    assert desk.page.locator("#prompt textarea").input_value() == "a mug, photo, dusk"
    desk.page.locator("#preset-manage").click()
    desk.page.locator("#preset-name :is(input, textarea)").fill("Mine")
    desk.page.locator("#preset-save").click()
    desk.sees("The preset Mine is kept.")
    with desk.page.expect_download() as download:
        desk.page.locator("#preset-export").click()
    shared = tmp_path / "shared.yaml"
    download.value.save_as(shared)
    text = shared.read_text("utf-8")
    assert "prompt: a mug, photo, dusk" in text and "feather: 6" in text
    shared.write_text(text.replace("Mine", "Theirs").replace("feather: 6", "feather: 9"), "utf-8")
    bring_in(desk, shared)
    desk.sees("1 preset brought in: Theirs.")
    choose(desk, "Theirs")
    has_feather(desk, 9)
    number = desk.page.get_by_label("number input for Feather")
    number.fill("1")
    number.press("Tab")
    choose(desk, "Theirs")  # once more: the same choice brings the same settings again
    has_feather(desk, 9)
    shared.write_text("presets:\n  Bad:\n    settings: {feather: wide}\n", "utf-8")
    bring_in(desk, shared)
    desk.sees("line 3: presets.Bad.settings.feather must be in [0, 256]")
    desk.page.reload()
    desk.ready()
    desk.page.locator("#preset input").click()
    for name in ("Mine", "Theirs", "Hold the outlines"):
        desk.options("preset", named(name)).wait_for()
    assert desk.options("preset", named("Bad")).count() == 0
