"""Study 4: strength, guidance_scale and num_inference_steps of the embedded model `shapes`.

    python -m benchmarks.studies.sliders [--count 48] [--strengths 0.3,0.5,0.7,0.85,1]
        [--guidance 1,3,7.5] [--steps 8,20,50]

A thing stands in a picture and another one, of another colour and shape, is asked for in its place.
Each cell paints the same pictures; a judge without learned weights says what came. The tables of
docs/studies/sliders.md and the heat map beside it are written anew and the rest of the page stays.
What is painted is kept in --out, so that the same command with a larger --count goes on.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.figure import Figure

from benchmarks.shapes_cases import Case, exchange
from benchmarks.shapes_rows import asked, exchanged
from benchmarks.shapes_studio import Painted, open_studio
from benchmarks.shapes_tables import wilson
from benchmarks.studies import measuring
from benchmarks.studies.pages import PAGES, put_tables
from genimg_ui.commands.evaluations import model_facts
from genimg_ui.core.serial import Json
from genimg_ui.errors import GenimgError
from genimg_ui.registry import load_registry
from genimg_ui.weights.hashes import WeightHashes

NAME: Final = "sliders"
MODEL: Final = "shapes"
STRIDE: Final = 7  # through colours and shapes, so that a few cases already have many of both
KEPT_EVERY: Final = 8  # pictures between two writings
Paint = Callable[[Case], list[Painted]]
Numbers = dict[str, float]


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One setting of the three sliders."""

    strength: float
    guidance_scale: float
    num_inference_steps: int

    @property
    def name(self) -> str:
        return f"{self.strength:g} {self.guidance_scale:g} {self.num_inference_steps}"

    def case(self, index: int) -> Case:
        """Case `index` under this setting: the same picture, mask, wish and seed in all cells."""
        return replace(
            exchange(index * STRIDE),
            strength=self.strength,
            guidance_scale=self.guidance_scale,
            num_inference_steps=self.num_inference_steps,
        )


def measured(case: Case, paint: Paint) -> Numbers:
    """Colour, shape and both right, the old thing still there (0 or 1); PSNR in dB; seconds."""
    begun = time.perf_counter()
    pictures = paint(case)
    seconds = time.perf_counter() - begun
    scores = asked(case, pictures) | exchanged(case, pictures)
    names = ("colour", "shape", "both", "old", "psnr")
    return {name: float(scores[name]) for name in names} | {"seconds": seconds}


class Notebook:
    """What was measured already, by cell and case; another model begins a new one."""

    def __init__(self, path: Path, model: Json) -> None:
        self._path = path
        self._model = model
        kept = json.loads(path.read_text()) if path.is_file() else {}
        same = kept.get("model") == model
        self.cells: dict[str, list[Numbers]] = kept["cells"] if same else {}

    def fill(self, cell: Cell, count: int, paint: Paint) -> list[Numbers]:
        """The first `count` cases of a cell, those that are missing painted now."""
        known = self.cells.setdefault(cell.name, [])
        while len(known) < count:
            known.append(measured(cell.case(len(known)), paint))
            if len(known) % KEPT_EVERY == 0 or len(known) == count:
                self._write()
        return known[:count]

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_suffix(".tmp")
        unfinished.write_text(json.dumps({"model": self._model, "cells": self.cells}))
        unfinished.replace(self._path)


def tables(found: Mapping[Cell, Sequence[Numbers]]) -> str:
    """For each number of steps a table of strength (lines) by guidance_scale (columns)."""
    count = len(next(iter(found.values())))
    parts = [
        f"n = {count} pictures in each cell. Each cell: colour and shape as asked for (95 % "
        "interval by Wilson); the old thing still there; PSNR to the original under the mask; "
        "seconds of one picture by the clock, on the machine that ran it."
    ]
    for steps in sorted({cell.num_inference_steps for cell in found}):
        own = {cell: rows for cell, rows in found.items() if cell.num_inference_steps == steps}
        parts.append(_table(own, steps))
    parts.append(_best(found))
    return "\n\n".join(parts)


def _table(found: Mapping[Cell, Sequence[Numbers]], steps: int) -> str:
    guidances = sorted({cell.guidance_scale for cell in found})
    heads = [f"guidance_scale {value:g}" for value in guidances]
    lines = [f"| {steps} steps: strength | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for strength in sorted({cell.strength for cell in found}):
        cells = [_cell(found[Cell(strength, value, steps)]) for value in guidances]
        lines.append(f"| {strength:g} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(rows: Sequence[Numbers]) -> str:
    right = sum(row["both"] for row in rows)
    low, high = wilson(right, len(rows))
    mean = means(rows)
    return (
        f"{right / len(rows):.0%} ({low:.0%} to {high:.0%}); old {mean['old']:.0%}; "
        f"{mean['psnr']:.1f} dB; {mean['seconds']:.2f} s"
    )


def _best(found: Mapping[Cell, Sequence[Numbers]]) -> str:
    """The cells that nothing else beats in both, wishes and likeness."""
    points = {cell: means(rows) for cell, rows in found.items()}
    front = [
        cell
        for cell, own in points.items()
        if not any(
            other["both"] >= own["both"]
            and other["psnr"] >= own["psnr"]
            and (other["both"], other["psnr"]) != (own["both"], own["psnr"])
            for other in points.values()
        )
    ]
    lines = ["No other cell is better in both, wishes and PSNR:", ""]
    for cell in sorted(front, key=lambda cell: -points[cell]["both"]):
        own = points[cell]
        lines.append(
            f"- strength {cell.strength:g}, guidance_scale {cell.guidance_scale:g}, "
            f"{cell.num_inference_steps} steps: {own['both']:.0%}, {own['psnr']:.1f} dB, "
            f"{own['seconds']:.2f} s"
        )
    return "\n".join(lines)


def means(rows: Sequence[Numbers]) -> Numbers:
    """The mean of each number."""
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}


def draw_heat_map(found: Mapping[Cell, Sequence[Numbers]], path: Path) -> None:
    """Above the share of wishes that came true, below the PSNR; a column for each step count."""
    every = sorted({cell.num_inference_steps for cell in found})
    strengths = sorted({cell.strength for cell in found})
    guidances = sorted({cell.guidance_scale for cell in found})
    figure = Figure(figsize=(1 + 3.2 * len(every), 7), layout="constrained")
    grid = figure.subplots(2, len(every), squeeze=False)
    for row, (measure, title) in enumerate((("both", "as asked for"), ("psnr", "PSNR, dB"))):
        planes = [
            np.array(
                [[means(found[Cell(s, g, steps)])[measure] for g in guidances] for s in strengths]
            )
            for steps in every
        ]
        least, most = min(p.min() for p in planes), max(p.max() for p in planes)
        for axes, steps, plane in zip(grid[row], every, planes, strict=True):
            axes.imshow(plane, vmin=least, vmax=most, cmap="viridis", aspect="auto")
            axes.set_title(f"{title}, {steps} steps", fontsize=9)
            axes.set_xticks(range(len(guidances)), [f"{g:g}" for g in guidances])
            axes.set_yticks(range(len(strengths)), [f"{s:g}" for s in strengths])
            axes.set_xlabel("guidance_scale")
            axes.set_ylabel("strength")
            for (i, j), value in np.ndenumerate(plane):
                shown = f"{value:.0%}" if measure == "both" else f"{value:.1f}"
                dark = value < (least + most) / 2
                axes.text(j, i, shown, ha="center", va="center", color="w" if dark else "k")
    figure.savefig(path, dpi=100)


def main(arguments: Sequence[str]) -> int:
    """Paint what is missing, and write page and heat map."""
    flags = _parser().parse_args(arguments)
    try:
        spec = load_registry(flags.models_file).get(MODEL)
        studio = open_studio(flags.models_file, MODEL, threads=flags.threads)
        facts = model_facts(spec, WeightHashes(measuring.OUTPUT / "weights.json"))
        notebook = Notebook(flags.out / f"{NAME}.json", facts)
        studio.paint(Cell(1.0, 1.0, 1).case(0))  # loads the weights, which is nobody's time
        found = {}
        for values in product(flags.strengths, flags.guidance, flags.steps):
            cell = Cell(*values)
            found[cell] = notebook.fill(cell, flags.count, studio.paint)
            print(f"{cell.name}: {_cell(found[cell])}", file=sys.stderr, flush=True)
        put_tables(flags.page, NAME, tables(found))
    except GenimgError as problem:
        print(problem, file=sys.stderr)
        return 1
    draw_heat_map(found, flags.page.with_suffix(".png"))
    print(flags.page)
    return 0


def _numbers(text: str) -> list[float]:
    return sorted({float(part) for part in text.split(",")})


def _wholes(text: str) -> list[int]:
    return sorted({int(part) for part in text.split(",")})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--count", type=int, default=48, help="pictures in each cell (48)")
    add("--strengths", type=_numbers, default=[0.3, 0.5, 0.7, 0.85, 1.0])
    add("--guidance", type=_numbers, default=[1.0, 3.0, 7.5])
    add("--steps", type=_wholes, default=[8, 20, 50])
    add("--threads", type=int, default=1)
    add("--out", type=Path, default=measuring.OUTPUT, help="where the numbers are kept")
    add("--page", type=Path, default=PAGES / f"{NAME}.md")
    add("--models-file", type=Path, default=measuring.ROOT / "models.yaml")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
