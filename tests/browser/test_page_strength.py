"""A grey stroke on the canvas is a partial strength in the edit."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browser.desk import Desk, photograph

pytestmark = pytest.mark.browser
BOX = (100, 60, 130, 90)
INSIDE = np.s_[66:84, 106:124]  # beyond feather and growth


def test_a_stroke_of_half_strength_changes_half_as_much(desk: Desk, tmp_path: Path) -> None:
    path = photograph(tmp_path / "photo.png")
    desk.open(path)
    desk.number("seed", 3)
    desk.page.get_by_label("Lock").check()
    desk.option("strength", 50)
    desk.paint(*BOX)
    desk.kept()
    desk.apply()
    half = desk.result().astype(int)
    digest = desk.log()[-1]["inputs"]["mask"]
    (stored,) = (desk.server.data_dir / "masks").rglob(f"{digest}.png")
    with Image.open(stored) as mask:
        assert mask.getextrema() == (0, 128)
    desk.view("Paint")
    desk.option("strength", 100)
    desk.paint(*BOX)
    desk.kept()
    desk.apply()
    full = desk.result().astype(int)
    with Image.open(path) as image:
        source = np.asarray(image).astype(int)
    assert np.abs(full - source)[INSIDE].mean() > 2
    expected = source + (full - source) * 128 / 255
    assert np.abs(half - expected)[INSIDE].max() <= 1
