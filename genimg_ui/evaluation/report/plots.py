"""Box plots as SVG: a row for each model, one axis for each metric.

The box reaches from the first to the third quartile with the median in it, the line from the 5th
to the 95th percentile; the diamond is the mean and the bar through it its interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, isclose, log10

import numpy as np

from genimg_ui.evaluation.statistics import Summary

WIDTH, LABEL, ROW, BOX = 640, 150, 26, 12  # pixels
MARGIN = 14  # so that the axis's outer numbers fit
TICKS = 5  # about so many
STYLE = """svg { width: 100%; max-width: 44rem; height: auto; display: block; }
svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
svg .axis { stroke: currentColor; opacity: .25; }
svg .reach { stroke: currentColor; opacity: .6; }
svg .box { fill: #4a7bd0; fill-opacity: .35; stroke: #4a7bd0; }
svg .median { stroke: currentColor; stroke-width: 2; }
svg .mean { stroke: #d9822b; stroke-width: 2; fill: #d9822b; }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One model: the values of its cases, and their mean with its interval."""

    name: str
    values: Sequence[float]
    summary: Summary


def box_plot(title: str, rows: Sequence[Row]) -> str:
    """An SVG element, "" where no row has a value. Texts are escaped here."""
    drawn = [row for row in rows if row.values and row.summary.mean is not None]
    if not drawn:
        return ""
    low, high = _span(drawn)
    axis = _Axis(low, high)
    height = ROW * (len(drawn) + 1)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">',
        *(_tick(axis, value, height) for value in axis.ticks),
        *(_row(axis, row, ROW * index) for index, row in enumerate(drawn)),
        "</svg>",
    ]
    return "\n".join(parts)


class _Axis:
    """From values to pixels."""

    def __init__(self, low: float, high: float) -> None:
        self.ticks = nice_ticks(low, high)
        self._low, self._high = min(low, self.ticks[0]), max(high, self.ticks[-1])

    def x(self, value: float) -> float:
        share = (value - self._low) / (self._high - self._low)
        return round(LABEL + share * (WIDTH - LABEL - MARGIN), 1)


def nice_ticks(low: float, high: float) -> tuple[float, ...]:
    """About `TICKS` round numbers from at or below `low` to at or above `high`."""
    if isclose(low, high, rel_tol=1e-9, abs_tol=1e-12):
        reach = abs(low) * 0.1 or 1.0
        low, high = low - reach, high + reach
    rough = (high - low) / TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
    first, last = floor(low / step), ceil(high / step)
    return tuple(round(index * step, 12) for index in range(first, last + 1))


def _span(rows: Sequence[Row]) -> tuple[float, float]:
    ends = [float(end) for row in rows for end in np.percentile(row.values, (5, 95))]
    for row in rows:
        known = (row.summary.mean, row.summary.low, row.summary.high)
        ends.extend(value for value in known if value is not None)
    return min(ends), max(ends)


def _tick(axis: _Axis, value: float, height: int) -> str:
    x, bottom = axis.x(value), height - ROW
    return (
        f'<line class="axis" x1="{x}" y1="0" x2="{x}" y2="{bottom}"/>'
        f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>'
    )


def _row(axis: _Axis, row: Row, top: int) -> str:
    ends = np.percentile(row.values, (5, 25, 50, 75, 95))
    left, first, median, third, right = (axis.x(float(end)) for end in ends)
    middle = top + ROW / 2
    box_top = middle - BOX / 2
    mean = axis.x(row.summary.mean or 0.0)
    parts = [
        f'<text x="{LABEL - 8}" y="{middle + 4}" text-anchor="end">{escape(_short(row.name))}',
        f"<title>{escape(_words(row))}</title></text>",
        f'<line class="reach" x1="{left}" y1="{middle}" x2="{right}" y2="{middle}"/>',
        f'<rect class="box" x="{first}" y="{box_top}" width="{round(third - first, 1)}" '
        f'height="{BOX}"/>',
        f'<line class="median" x1="{median}" y1="{box_top}" x2="{median}" y2="{box_top + BOX}"/>',
    ]
    if row.summary.low is not None and row.summary.high is not None:
        low, high = axis.x(row.summary.low), axis.x(row.summary.high)
        parts.append(f'<line class="mean" x1="{low}" y1="{middle}" x2="{high}" y2="{middle}"/>')
    shape = f"M{mean} {middle - 4}l4 4l-4 4l-4 -4z"
    parts.append(f'<path class="mean" d="{shape}"/>')
    return "".join(parts)


def _short(name: str) -> str:
    most = 22  # letters that fit beside the axis
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _words(row: Row) -> str:
    median = float(np.median(row.values))
    return f"{row.name}: mean {row.summary.mean:.4g}, median {median:.4g}, n {row.summary.n}"
