"""The contact sheet: crops at 1:1, each in its place, with labels that fit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genimg_ui.core.geometry import Box, Size
from genimg_ui.core.ranking import edge_score
from genimg_ui.core.sheet import (
    MARGIN,
    MAX_CROP,
    MAX_LINES,
    SheetCell,
    arrange,
    crop_box,
    draw_sheet,
    wrapped,
)
from genimg_ui.errors import RefusedInput

TABLE = [
    {"strength": strength, "guidance_scale": guidance}
    for guidance in ("5", "7")
    for strength in ("0.3", "0.5", "0.7")
]


def crops(count: int, width: int, height: int) -> list[SheetCell]:
    rng = np.random.default_rng(3)
    return [
        SheetCell(
            picture=rng.integers(0, 256, (height, width, 3)).astype(np.uint8), caption=f"seed {i}"
        )
        for i in range(count)
    ]


def find(sheet: np.ndarray, crop: np.ndarray) -> tuple[int, int]:
    """(left, top) of a crop in the sheet, found by its pixels alone."""
    height, width = crop.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(sheet[..., 0], (1, width))[:, :, 0]
    tops, lefts = np.nonzero((windows == crop[0, :, 0]).all(axis=2))
    assert len(tops) == 1
    top, left = int(tops[0]), int(lefts[0])
    assert np.array_equal(sheet[top : top + height, left : left + width], crop)
    return left, top


def test_two_parameters_make_a_table_with_the_first_along_the_rows() -> None:
    grid = arrange(TABLE)
    assert grid.columns == ("Denoise 0.3", "Denoise 0.5", "Denoise 0.7")
    assert grid.rows == ("CFG 5", "CFG 7")
    assert grid.places == ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1))
    assert grid.shape == (3, 2)


def test_one_parameter_is_wrapped() -> None:
    grid = arrange([{"seed": str(seed)} for seed in range(6)], wrap=4)
    assert grid.places == ((0, 0), (1, 0), (2, 0), (3, 0), (0, 1), (1, 1))
    assert grid.columns == grid.rows == ()


@pytest.mark.parametrize(("width", "height"), [(60, 40), (300, 90)])
def test_every_crop_is_on_the_sheet_unscaled_and_in_its_place(width: int, height: int) -> None:
    cells = crops(6, width, height)
    sheet = draw_sheet("A run", arrange(TABLE), cells, Size(width, height))
    found = [find(sheet, cell.picture) for cell in cells if cell.picture is not None]
    assert found[0][1] == found[2][1] < found[3][1]
    assert found[0][0] == found[3][0] < found[1][0] < found[2][0]
    assert found[1][0] - found[0][0] > width
    assert found[3][1] - found[0][1] > height


def test_labels_are_drawn() -> None:
    cells = crops(6, 60, 40)
    sheet = draw_sheet("A run", arrange(TABLE), cells, Size(60, 40))
    left, top = find(sheet, cells[0].picture)
    assert (sheet[:top, left:] < 128).any(), "no heading"
    assert (sheet[top : top + 40, :left] < 128).any(), "no row label"
    assert (sheet[top + 40 : top + 60, left : left + 60] < 160).any(), "no caption"


def test_a_missing_picture_leaves_its_place_empty() -> None:
    cells = [*crops(1, 50, 50), SheetCell(picture=None, caption="failed")]
    grid = arrange([{"seed": "1"}, {"seed": "2"}])
    sheet = draw_sheet("", grid, cells, Size(50, 50))
    left, top = find(sheet, cells[0].picture)
    beside = sheet[top : top + 50, left + 162 : left + 212]
    assert (beside == beside[0, 0]).all() and beside[0, 0, 0] < 255


def test_a_sheet_that_would_be_too_large_is_refused() -> None:
    cells = [SheetCell(picture=None, caption="")] * 121
    grid = arrange([{"seed": str(i)} for i in range(121)], wrap=11)
    with pytest.raises(RefusedInput, match="at most 100 megapixels"):
        draw_sheet("", grid, cells, Size(1024, 1024))


BOXES = st.tuples(*[st.integers(0, 3000)] * 4).map(
    lambda n: Box(min(n[0], n[1]), min(n[2], n[3]), max(n[0], n[1]) + 1, max(n[2], n[3]) + 1)
)


@given(BOXES)
def test_the_crop_holds_the_repainted_box_or_its_middle(box: Box) -> None:
    canvas = Size(3001, 3001)
    crop = crop_box(box, canvas)
    assert Box.of(canvas).contains(crop)
    assert max(crop.size) <= MAX_CROP
    if max(box.size) <= MAX_CROP - 2 * MARGIN:
        assert crop.contains(box)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=300))
def test_any_label_fits(text: str) -> None:
    lines = wrapped(text, 150)
    assert len(lines) <= MAX_LINES
    joined = "".join("".join(lines).split())
    whole = "".join(text.split())
    assert whole.startswith(joined.removesuffix("…"))
    if not joined.endswith("…"):
        assert joined == whole


def test_the_score_orders_by_what_can_be_seen_of_the_edge() -> None:
    assert edge_score(1.0, 0.0) == edge_score(0.8, 0.0) == 0
    assert edge_score(1.5, 0.0) == edge_score(1.0, 5.0) == 0.5
    assert edge_score(1.2, 3.0) < edge_score(1.2, 4.0) < edge_score(1.4, 4.0)
