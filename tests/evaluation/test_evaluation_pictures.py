"""Pictures as every model gets them: the centred square, resized, or the file's own pixels."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genimg_ui.errors import RefusedInput
from genimg_ui.evaluation.pictures import case_picture
from genimg_ui.evaluation.protocol import Case, PictureSet


def _case(name: str) -> Case:
    return Case(index=0, picture=name, mask_kind="blob", mask_seed=0, prompt="", seed=0)


def test_the_centre_is_cropped_and_resized(tmp_path: Path) -> None:
    pixels = np.zeros((40, 100, 3), np.uint8)
    pixels[:, 30:70] = (200, 100, 50)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    square = case_picture(PictureSet(side=20), tmp_path, _case("a.png"))
    assert square.shape == (20, 20, 3) and square.dtype == np.uint8
    assert np.all(square[:, 4:-4] == (200, 100, 50))
    assert np.array_equal(case_picture(PictureSet(), tmp_path, _case("a.png")), pixels)


def test_small_and_broken_pictures_are_refused_by_name(tmp_path: Path) -> None:
    Image.new("RGB", (20, 30)).save(tmp_path / "small.png")
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n....")
    with pytest.raises(RefusedInput, match=r"small.png must have sides of at least 24 .* 20x30"):
        case_picture(PictureSet(side=24), tmp_path, _case("small.png"))
    for name in ("torn.png", "absent.png"):
        with pytest.raises(RefusedInput, match=name):
            case_picture(PictureSet(), tmp_path, _case(name))
