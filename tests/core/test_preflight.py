import numpy as np

from genimg_ui.core.geometry import Sides, Size
from genimg_ui.core.preflight import check_alpha, check_mask, check_scale
from genimg_ui.core.request import EditRequest, MaskParams


def _mask(side: int = 10) -> np.ndarray:
    mask = np.zeros((50, 50), np.uint8)
    mask[20 : 20 + side, 20 : 20 + side] = 255
    return mask


def test_nothing_painted_and_no_border_blocks() -> None:
    empty = np.zeros((5, 5), np.uint8)
    assert check_mask(EditRequest(), None)[0].blocking
    assert check_mask(EditRequest(), empty)[0].blocking
    assert check_mask(EditRequest(border=Sides(left=4)), empty) == ()


def test_a_good_mask_has_no_findings() -> None:
    assert check_mask(EditRequest(), _mask()) == ()


def test_a_mask_that_shrinks_away_blocks_and_offers_the_remedy() -> None:
    finding = check_mask(EditRequest(mask=MaskParams(grow=-9)), _mask())[0]
    assert finding.blocking
    assert finding.remedy is not None and finding.remedy.field == "grow"


def test_a_feather_wider_than_the_mask_is_told() -> None:
    findings = check_mask(EditRequest(mask=MaskParams(grow=0, feather=30)), _mask())
    assert [f.remedy.field for f in findings if f.remedy] == ["feather"]


def test_a_tiny_mask_is_told() -> None:
    assert "1 pixel only" in check_mask(EditRequest(), _mask(1))[0].sentence


def test_painting_on_transparency_is_told() -> None:
    alpha = np.zeros((50, 50), np.uint8)
    assert "stays invisible" in check_alpha(alpha, _mask())[0].sentence
    assert check_alpha(alpha + 255, _mask()) == ()
    assert check_alpha(None, _mask()) == ()


def test_a_much_reduced_region_is_told() -> None:
    assert "0.12×" in check_scale(0.12, Size(512, 512))[0].sentence
    assert check_scale(1.0, Size(512, 512)) == ()
