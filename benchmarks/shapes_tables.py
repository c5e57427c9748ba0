"""Tables of the `shapes` benchmark in Markdown."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from benchmarks.shapes_rows import Scores
from training.shapes.words import SHAPES

Z = 1.96  # of a 95 % interval


def table(scores: Mapping[tuple[str, str], Sequence[Scores]]) -> str:
    """One line for each measure: mean, 95 % interval where it is a share, and n."""
    lines = ["| row | setting | measure | value | n |", "|---|---|---|---|---|"]
    for (key, setting), cases in scores.items():
        numbers: dict[str, list[float]] = defaultdict(list)
        for case in cases:
            for name, value in case.items():
                if isinstance(value, float):
                    numbers[name].append(value)
        for name, values in numbers.items():
            lines.append(f"| {key} | {setting} | {name} | {_cell(values)} | {len(values)} |")
    return "\n".join(lines)


def confusion_table(cases: Sequence[Scores]) -> str:
    """Shapes asked (rows) against shapes seen (columns), in per cent of the row."""
    if not cases:
        return ""
    columns = (*SHAPES, "none")
    lines = ["| asked \\ seen | " + " | ".join(columns) + " | n |", "|---" * 8 + "|"]
    for shape in SHAPES:
        seen = [case["seen"] for case in cases if case.get("asked") == shape]
        shares = [f"{100 * seen.count(c) / max(len(seen), 1):.0f} %" for c in columns]
        lines.append(f"| {shape} | " + " | ".join(shares) + f" | {len(seen)} |")
    return "\n".join(lines)


def _cell(values: Sequence[float]) -> str:
    mean = sum(values) / len(values)
    if not set(values) <= {0.0, 1.0}:
        return f"{mean:.3f}"
    low, high = wilson(sum(values), len(values))
    return f"{mean:.1%} ({low:.1%} to {high:.1%})"


def wilson(hits: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    share, square = hits / count, Z * Z / count
    middle = (share + square / 2) / (1 + square)
    half = Z / (1 + square) * math.sqrt(share * (1 - share) / count + square / (4 * count))
    return middle - half, middle + half
