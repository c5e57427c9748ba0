"""The contact sheet: the cells of a run cropped to the mask, at 1:1, with labels, as one picture.

Text is drawn by OpenCV, whose own font has more scripts than the one within Pillow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.geometry import Box, Size
from genimg_ui.core.sweep import describe_cell
from genimg_ui.errors import RefusedInput

Rgb = NDArray[np.uint8]
MARGIN = 24  # pixels around what is repainted, so that its edge can be judged
MAX_CROP = 1024  # side of a crop; of a larger mask, the middle is shown
MAX_SHEET_PIXELS = 100_000_000
WRAP = 4  # pictures in a row where one parameter varies
GAP, PADDING = 12, 16
MIN_COLUMN = 150  # so that labels of small crops can be read
TEXT, LINE = 13, 18  # height of the letters and of a line, in pixels
MAX_LINES = 3  # of one label
INK, FAINT, PAPER, EMPTY = (24, 24, 27), (82, 82, 91), (255, 255, 255), (228, 228, 231)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Where the cells of a run stand: (column, row) of each, and the labels of both sides.

    Labels are empty where one parameter varies: then each cell names its own value.
    """

    columns: tuple[str, ...]
    rows: tuple[str, ...]
    places: tuple[tuple[int, int], ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of columns and of rows."""
        columns, rows = zip(*self.places, strict=True)
        return max(columns) + 1, max(rows) + 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SheetCell:
    """One cell: `picture` is uint8 (height, width, 3) at 1:1; None where there is none yet."""

    picture: Rgb | None
    caption: str


def arrange(cells: Sequence[Mapping[str, str]], *, wrap: int = WRAP) -> Grid:
    """Place cells by what they vary: a table for two parameters, lines of `wrap` for one."""
    if not cells or any(len(varies) != 2 for varies in cells):
        places = tuple((index % wrap, index // wrap) for index in range(len(cells)))
        return Grid(columns=(), rows=(), places=places)
    pairs = [list(varies.items()) for varies in cells]
    columns = list(dict.fromkeys(pair[0] for pair in pairs))
    rows = list(dict.fromkeys(pair[1] for pair in pairs))
    return Grid(
        columns=tuple(describe_cell(dict([column])) for column in columns),
        rows=tuple(describe_cell(dict([row])) for row in rows),
        places=tuple((columns.index(pair[0]), rows.index(pair[1])) for pair in pairs),
    )


def crop_box(repainted: Box, canvas: Size) -> Box:
    """What a cell shows of the canvas: the repainted box with a margin, or the middle of it."""
    box = repainted.padded(MARGIN).within(canvas)
    width, height = min(box.size.width, MAX_CROP), min(box.size.height, MAX_CROP)
    left = box.left + (box.size.width - width) // 2
    top = box.top + (box.size.height - height) // 2
    return Box(left, top, left + width, top + height)


def draw_sheet(title: str, grid: Grid, cells: Sequence[SheetCell], crop: Size) -> Rgb:
    """The sheet, uint8 (height, width, 3); no pixel of a crop is scaled.

    Raises RefusedInput where it would be larger than `MAX_SHEET_PIXELS`.
    """
    layout = _Layout(title, grid, cells, crop)
    if layout.size.area > MAX_SHEET_PIXELS:
        raise RefusedInput(
            f"A contact sheet may have at most {MAX_SHEET_PIXELS // 10**6} megapixels, this one "
            f"would have {layout.size.area / 1e6:.0f} ({len(cells)} crops of {crop}).",
            remedy="Look at the run on the page, or make one with fewer pictures.",
        )
    sheet = np.full((layout.size.height, layout.size.width, 3), PAPER, np.uint8)
    _write(sheet, [title], (PADDING, PADDING), INK, weight=600)
    for index, label in enumerate(layout.columns):
        _write(sheet, label, (layout.left(index), layout.heading), INK, weight=500)
    for index, label in enumerate(layout.rows):
        _write(sheet, label, (PADDING, layout.top(index)), INK, weight=500)
    for cell, (column, row), caption in zip(cells, grid.places, layout.captions, strict=True):
        left, top = layout.left(column), layout.top(row)
        place = Box(left, top, left + crop.width, top + crop.height)
        sheet[place.slices] = EMPTY if cell.picture is None else cell.picture
        _write(sheet, caption, (left, top + crop.height + 4), FAINT)
    return sheet


class _Layout:
    """Where everything lies on the sheet, in pixels."""

    def __init__(self, title: str, grid: Grid, cells: Sequence[SheetCell], crop: Size) -> None:
        self._crop = crop
        self._column = max(crop.width, MIN_COLUMN)
        self.columns = [wrapped(label, self._column) for label in grid.columns]
        self.rows = [wrapped(label, MIN_COLUMN) for label in grid.rows]
        self.captions = [wrapped(cell.caption, self._column) for cell in cells]
        self.heading = PADDING + LINE + GAP
        heads = max((len(lines) for lines in self.columns), default=0)
        self._top = self.heading + heads * LINE + (GAP if heads else 0)
        self._left = PADDING + (MIN_COLUMN + GAP if self.rows else 0)
        below = max((len(lines) for lines in self.captions), default=0) * LINE
        labels = max((len(lines) for lines in self.rows), default=0) * LINE
        self._row = max(crop.height + 4 + below, labels)
        columns, rows = grid.shape
        width = max(self.left(columns) - GAP, PADDING + _width(title)) + PADDING
        self.size = Size(width, self.top(rows) - GAP + PADDING)

    def left(self, column: int) -> int:
        return self._left + column * (self._column + GAP)

    def top(self, row: int) -> int:
        return self._top + row * (self._row + GAP)


def wrapped(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` pixels; what is beyond `MAX_LINES` ends in an ellipsis."""
    lines: list[str] = []
    rest = " ".join(text.split())
    while rest and len(lines) < MAX_LINES:
        fits = _fitting(rest, width)
        if fits < len(rest) and len(lines) == MAX_LINES - 1:
            fits = _fitting(rest, width - _width("…"))
            return [*lines, rest[:fits].rstrip() + "…"]
        space = rest.rfind(" ", 0, fits + 1)
        if fits < len(rest) and space > 0:
            fits = space
        lines.append(rest[:fits].rstrip())
        rest = rest[fits:].lstrip()
    return lines


def _fitting(text: str, width: int) -> int:
    """How many characters of `text` fit, at least one; found by halving."""
    low, high = 1, min(len(text), width)  # no letter is narrower than a pixel
    while low < high:
        middle = ceil((low + high) / 2)
        low, high = (middle, high) if _width(text[:middle]) <= width else (low, middle - 1)
    return low


def _width(text: str) -> int:
    box = cv2.getTextSize((1, 1), text, (0, 0), cv2.FontFace("sans"), TEXT, 500)
    return int(box[2])


def _write(
    sheet: Rgb,
    lines: list[str],
    at: tuple[int, int],
    ink: tuple[int, int, int],
    *,
    weight: int = 400,
) -> None:
    face = cv2.FontFace("sans")
    left, top = at
    for index, line in enumerate(lines):
        place = (left, top + index * LINE + TEXT)  # where the letters stand
        cv2.putText(sheet, line, place, ink, face, TEXT, weight)
