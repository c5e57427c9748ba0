import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from genimg_ui.core.geometry import Sides, Size
from genimg_ui.core.mask import make_masks
from genimg_ui.core.preflight import check_alpha, check_composite, check_mask, check_scale
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


@settings(max_examples=300, deadline=None)
@given(st.integers(-6, 6), st.integers(0, 9), st.integers(1, 50), st.integers(1, 50), st.booleans())
@example(0, 9, 19, 19, False)  # the smallest square that a feather of 9 leaves its centre
@example(-6, 2, 17, 17, True)
def test_the_short_way_finds_what_the_composite_mask_shows(
    grow: int, feather: int, width: int, height: int, spotted: bool
) -> None:
    painted = np.zeros((60, 60), np.uint8)
    painted[5 : 5 + height, 3 : 3 + width] = 120 if spotted else 255
    if spotted:
        painted[20:30, 20:30] = 255
    request = EditRequest(mask=MaskParams(grow=grow, feather=feather))
    composite = make_masks(painted, request.mask, soft=False).composite
    strongest = int(painted.max())
    assert check_mask(request, painted) == check_composite(
        request, painted, composite, strongest=strongest
    )
