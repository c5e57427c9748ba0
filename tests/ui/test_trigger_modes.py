"""No click or change that must count may be dropped because the one before is on its way."""

from collections.abc import Iterator

import gradio as gr
import pytest

from genimg_ui.application import Application
from genimg_ui.settings import parse_settings

COUNTING = {
    ("preset", "select"): "always_last",
    ("preset-manage", "click"): "always_last",
    ("preset-save", "click"): "multiple",
    ("preset-import", "upload"): "multiple",
    ("template-fill", "click"): "always_last",
    ("download-make", "click"): "always_last",
    ("replay-bundle", "click"): "always_last",
    ("replay-run", "click"): "once",  # one replay of a session
    ("apply", "click"): "once",  # a double click makes one edit
}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[gr.Blocks]:
    folder = tmp_path_factory.mktemp("data")
    application = Application(parse_settings(["--data-dir", str(folder)], {}))
    yield application.page
    application.close()


def _modes(page: gr.Blocks) -> dict[tuple[str, str], str]:
    found = {}
    for listener in page.fns.values():
        for block_id, event in listener.targets:
            block = page.blocks.get(block_id)
            if block is not None and listener.trigger_after is None:
                name = getattr(block, "elem_id", None) or type(block).__name__
                found[name, event] = str(listener.trigger_mode)
    return found


def test_quick_clicks_and_changes_count(page: gr.Blocks) -> None:
    modes = _modes(page)
    assert {place: modes.get(place) for place in COUNTING} == COUNTING


def test_whatever_opens_a_picture_or_removes_results_sets_the_version_buttons(
    page: gr.Blocks,
) -> None:
    opening = {"picture-info", "trash"}  # the line below the canvas; what is deleted
    apart = {"asked", "scheduled"}  # looking into the trash changes no version
    missing = []
    for listener in page.fns.values():
        told = {getattr(block, "elem_id", None) for block in listener.outputs}
        events = {event for _, event in listener.targets}
        if told & opening and not events & apart and "versions" not in told:
            missing.append(events)
    assert not missing
