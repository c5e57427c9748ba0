"""A reference is shown to the session that brought it, whatever digest a browser names."""

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest

from genimg_ui.application import Application
from genimg_ui.history.names import new_session_key, session_id
from genimg_ui.settings import parse_settings
from tests.editing import noise, png


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    made = Application(parse_settings(["--data-dir", str(tmp_path / "data")], {}))
    yield made
    made.close()


def shown(application: Application, key: str, sha256: str) -> str:
    """What the first unit shows once its hidden textbox holds `sha256`."""
    for listener in application.page.fns.values():
        if any(getattr(block, "elem_id", "") == "reference-1-thumb" for block in listener.outputs):
            values = {
                block: key if isinstance(block, gr.BrowserState) else sha256
                for block in listener.inputs
            }
            if len(listener.outputs) == 1:
                return str(next(iter(listener.fn(values).values())))
    raise AssertionError("no listener shows the reference")


def test_only_the_owner_of_a_reference_is_shown_it(
    application: Application, tmp_path: Path
) -> None:
    ann, bob = new_session_key(), new_session_key()
    file = tmp_path / "reference.png"
    file.write_bytes(png(noise(40, 30)))
    kept = application.workspace.pictures.keep_map(session_id(ann), file)
    assert "<img" in shown(application, ann, kept.sha256)
    assert shown(application, bob, kept.sha256) == ""
    assert shown(application, "", kept.sha256) == ""
    assert shown(application, ann, "no digest") == ""
