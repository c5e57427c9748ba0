"""The plot of what a training has recorded."""

from pathlib import Path

from matplotlib.figure import Figure


def plot(history: list[dict[str, float]], path: Path) -> None:
    """Draw every recorded value over the minutes (logarithmic axis) as a PNG."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    names = [name for name in (history[-1] if history else {}) if name not in ("step", "minutes")]
    for name in names:
        points = [(row["minutes"], row[name]) for row in history if row.get(name, 0) > 0]
        if points:
            axes.plot(*zip(*points, strict=True), label=name)
            axes.set_yscale("log")
    axes.set_xlabel("minutes")
    if names:
        axes.legend()
    figure.savefig(path, dpi=100)
