"""Replay on the page: the verdict of a result, its bundle, and a bundle that is dropped."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browser.desk import EDIT_SECONDS, Desk, photograph

pytestmark = pytest.mark.browser
SIZE = (240, 160)
VERDICT = "#replay .rp-root[data-kind={}]"


def edited(desk: Desk, folder: Path) -> None:
    desk.open(photograph(folder / "first.png", SIZE))
    desk.paint(60, 40, 90, 70)
    desk.apply()
    desk.page.locator("#replays").get_by_role("button", name="Replay").first.click()
    desk.page.locator("#replay-run").wait_for()


def verdict(desk: Desk, kind: str) -> str:
    desk.page.locator("#replay-run").click()
    shown = desk.page.locator(VERDICT.format(kind))
    shown.wait_for(timeout=EDIT_SECONDS * 1000)
    return shown.inner_text()


def test_a_result_replays_and_a_changed_one_is_shown(desk: Desk, tmp_path: Path) -> None:
    edited(desk, tmp_path)
    assert "every pixel came out the same" in verdict(desk, "identical")
    path = desk.result_path()
    pixels = np.asarray(Image.open(path)).copy()
    pixels[5:9, 7:11] ^= 128
    path.chmod(0o600)
    Image.fromarray(pixels).save(path)
    told = verdict(desk, "differs")
    assert "in 16 of 38400 pixels, from 7,5 to 10,8" in told
    heat = desk.page.locator("#replay .rp-map")
    heat.wait_for()
    desk.page.wait_for_function("document.querySelector('#replay .rp-map').naturalWidth === 240")


def test_a_bundle_is_made_and_opens_where_it_is_dropped(desk: Desk, tmp_path: Path) -> None:
    edited(desk, tmp_path)
    with desk.page.expect_download() as download:
        desk.page.locator("#replay-bundle").click()
    bundle = tmp_path / "sent.zip"
    shutil.copy(download.value.path(), bundle)
    assert download.value.suggested_filename.endswith("_replay.zip")
    desk.page.evaluate("localStorage.clear()")
    desk.go()
    desk.page.locator("#examples input[type=file]").wait_for(state="attached")
    drop(desk, bundle)
    desk.sees("Picture, mask and settings of the bundle are here")
    desk.opened(SIZE)
    desk.wait("s.painted > 0")
    assert desk.apply().startswith("Done")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 no more")
    drop(desk, tmp_path / "broken.zip")
    desk.sees("must be a whole ZIP file")


def drop(desk: Desk, path: Path) -> None:
    """Drop a file on the canvas."""
    data = list(path.read_bytes())
    desk.page.evaluate(
        """([bytes, name]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], name, {type: 'application/zip'}));
          const event = new DragEvent('drop', {dataTransfer: transfer, bubbles: true});
          document.querySelector('.gc-root').dispatchEvent(event);
        }""",
        [data, path.name],
    )
