"""Files out and back: formats, credentials, an edit restored from its file, and inert prompts."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genimg_ui.credentials.reading import CredentialState, verify
from genimg_ui.history.metadata import entry_from_file
from tests.browser.desk import Desk, photograph
from tests.browser.server import ROOT

pytestmark = pytest.mark.browser
SIZE = (240, 160)
HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


def edited(desk: Desk, folder: Path) -> None:
    desk.open(photograph(folder / "first.png", SIZE))
    desk.opened(SIZE)
    desk.paint(60, 40, 90, 70)
    assert "0 of " in desk.apply()


def taken(desk: Desk, folder: Path) -> Path:
    """Press "Make the file" and wait for what the browser saves."""
    with desk.page.expect_download() as download:
        desk.page.locator("#download-make").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_a_signed_file_brings_its_edit_back(desk: Desk, tmp_path: Path) -> None:
    edited(desk, tmp_path)
    stored = desk.result()
    desk.unfold("Download as")
    desk.pick("download-format", "WebP (lossless)")
    desk.page.get_by_label("Sign with content credentials").check()
    path = taken(desk, tmp_path)
    assert path.suffix == ".webp" and verify(path).state is CredentialState.VALID
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), stored)
    desk.page.locator(".dl-verdict").get_by_text("with a test certificate").wait_for()

    desk.view("Paint")
    desk.open(photograph(tmp_path / "other.png", (100, 90)))
    desk.opened((100, 90))
    desk.open(path)
    desk.sees("This file carries the edit that made it.")
    assert "with a test certificate" in desk.status()
    desk.page.get_by_role("button", name="Restore the edit").click()
    desk.sees("Picture, mask and settings of the edit in this file are back.")
    desk.wait("s.painted > 0")
    assert desk.state()["source"] == desk.log()[-1]["inputs"]["source"]


def test_a_jpeg_says_what_it_changes_and_can_be_bare(desk: Desk, tmp_path: Path) -> None:
    edited(desk, tmp_path)
    desk.unfold("Download as")
    desk.pick("download-format", "JPEG")
    desk.page.get_by_label("Leave the edit's record out of the file").check()
    path = taken(desk, tmp_path)
    desk.page.locator(".dl-notes").get_by_text("also the locked ones").wait_for()
    data = path.read_bytes()
    assert data[:2] == b"\xff\xd8" and b"genimg" not in data


def test_a_prompt_of_markup_is_shown_as_text(desk: Desk, tmp_path: Path) -> None:
    photograph(tmp_path / "photo.png", SIZE)
    mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    mask[40:70, 60:90] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    command = ["edit", "photo.png", "--mask", "mask.png", "--out", "out.png", "--prompt", HOSTILE]
    folder = ["--data-dir", str(desk.server.data_dir)]
    subprocess.run(
        [sys.executable, "-m", "genimg_ui", *command, *folder],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )
    assert entry_from_file(tmp_path / "out.png").request.sampling.prompt == HOSTILE
    desk.open(tmp_path / "out.png")
    desk.sees("This file carries the edit that made it.")
    desk.page.get_by_role("button", name="Restore the edit").click()
    desk.sees("of the edit in this file are back.")
    assert desk.page.locator("#prompt textarea").input_value() == HOSTILE
    desk.wait("s.painted > 0")
    desk.apply()
    desk.thumbs().first.click()
    assert desk.log()[-1]["request"]["sampling"]["prompt"] == HOSTILE
    assert desk.page.title() != "taken"
    assert desk.page.locator("img[src='x']").count() == 0
