"""Input that cannot be used is refused with a sentence, and the page goes on working."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browser.desk import Desk, photograph

pytestmark = pytest.mark.browser
SIZE = (240, 160)


def still_works(desk: Desk, folder: Path) -> None:
    desk.open(photograph(folder / "good.png", SIZE))
    desk.paint(60, 40, 90, 70)
    assert "0 of " in desk.apply()


def refused(desk: Desk, path: Path) -> str:
    desk.forget()
    desk.choose(path)
    return desk.answered("error")


def test_a_text_file_named_png_is_refused(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "letter.png"
    path.write_text("Dear reader, this is no picture.")
    words = refused(desk, path)
    assert "not a picture" in words or "PNG, JPEG" in words
    assert desk.state()["width"] == 0
    still_works(desk, tmp_path)


def test_a_truncated_jpeg_is_refused(desk: Desk, tmp_path: Path) -> None:
    whole = photograph(tmp_path / "whole.jpg", SIZE).read_bytes()
    path = tmp_path / "half.jpg"
    path.write_bytes(whole[: len(whole) // 2])
    assert "incomplete" in refused(desk, path) or "truncated" in desk.status()
    desk.wait("s.width === 0")
    still_works(desk, tmp_path)


def test_an_animation_is_refused(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "dance.gif"
    frames = [Image.new("RGB", SIZE, colour) for colour in ("red", "blue", "green")]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    words = refused(desk, path)
    assert "3" in words or "GIF" in words
    desk.wait("s.width === 0")
    still_works(desk, tmp_path)


def test_a_picture_beyond_the_limit_is_refused_with_its_size(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "wall.png"
    Image.new("1", (8000, 7000)).save(path)
    words = refused(desk, path)
    assert "50" in words and "56.0 megapixels" in words
    assert desk.state()["width"] == 0
    still_works(desk, tmp_path)


def test_a_mask_of_another_size_is_refused(desk: Desk, tmp_path: Path) -> None:
    desk.open(photograph(tmp_path / "m.png", SIZE))
    path = tmp_path / "mask.png"
    Image.fromarray(np.full((10, 10), 255, np.uint8)).save(path)
    desk.forget()
    desk.page.set_input_files(".gc-mask-file", path)
    assert "240 × 160" in desk.answered("error")
    still_works(desk, tmp_path)


def test_apply_without_a_picture_and_without_a_mask_says_what_is_missing(
    desk: Desk, tmp_path: Path
) -> None:
    desk.start()
    desk.sees("Open a picture first")
    desk.open(photograph(tmp_path / "n.png", SIZE))
    desk.start()
    desk.sees("Nothing is painted and no border is added")
    assert desk.thumbs().count() == 0
    still_works(desk, tmp_path)


def test_a_mask_that_vanishes_offers_its_remedy(desk: Desk, tmp_path: Path) -> None:
    desk.open(photograph(tmp_path / "o.png", SIZE))
    desk.paint(60, 40, 80, 60)
    desk.unfold("Mask and context")
    field = desk.page.get_by_label("number input for Grow")
    field.fill("-30")
    field.press("Tab")
    desk.start()
    desk.sees("The mask vanishes when it is shrunk by 30 px.")
    desk.page.get_by_role("button", name="Set Grow to 0").click()
    desk.sees("Press Apply")
    assert field.input_value() == "0"
    assert "0 of " in desk.apply()
