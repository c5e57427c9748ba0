"""Measure what the embedded `shapes` model does with each slider, and draw what it did.

    python benchmarks/shapes.py [--count 200] [--only inpaint,removal] [--models models.yaml]

Cases are fixed by their index and painted through the app's own engine; a judge without learned
weights (`training/shapes/judge.py`) says what a picture shows. Tables go to
benchmarks/output/shapes.md and .json, the grid to shapes.png. Each cell is a mean over `--count`
pictures; a share has its 95 % interval (Wilson 1927) beside it.
"""

import argparse
import json
import multiprocessing
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.shapes_checks import repeatability, seconds_per_picture  # noqa: E402
from benchmarks.shapes_rows import ROWS, SAME, Row, Scores, run, scheduler_rows  # noqa: E402
from benchmarks.shapes_sheet import draw_sheet  # noqa: E402
from benchmarks.shapes_studio import LORA, Studio, open_studio  # noqa: E402
from benchmarks.shapes_tables import confusion_table, table  # noqa: E402
from genimg_ui.registry import SCHEDULERS, load_registry  # noqa: E402
from genimg_ui.registry.spec import FLOW_SCHEDULERS  # noqa: E402

OUTPUT: Final = ROOT / "benchmarks" / "output"
SCHEDULER_ROWS: Final = scheduler_rows(tuple(n for n in SCHEDULERS if n not in FLOW_SCHEDULERS))


@dataclass
class Painter:
    """The studios of one worker process, opened when first needed."""

    models: Path
    studios: dict[tuple[str, str], Studio] = field(default_factory=dict)

    def score(self, row: Row, index: int) -> Scores:
        name = (row.model, row.control)
        if name not in self.studios:
            self.studios[name] = open_studio(self.models, row.model, threads=1, control=row.control)
        return run(row, self.studios[name], index)


_PAINTERS: list[Painter] = []  # one in each worker process


def main(arguments: Sequence[str]) -> int:
    flags = _parser().parse_args(arguments)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    wanted = [name for name in flags.only.split(",") if name]
    rows = [r for r in (*ROWS, *SCHEDULER_ROWS) if not wanted or r.key in wanted]
    lacking = [r for r in rows if _lacks(r, flags.models)]
    for row in lacking:
        print(f"{row.key}, {row.setting}: not measured, {_lacks(row, flags.models)}", flush=True)
    scores = _measure([r for r in rows if r not in lacking], flags)
    lines = [table(scores), confusion_table(scores.get(("inpaint", "CFG 3"), []))]
    if not wanted or "repeat" in wanted:
        lines.append(repeatability(flags.models, min(flags.count, 20)))
    if not wanted or "time" in wanted:
        lines.append(seconds_per_picture(flags.models))
    text = "\n\n".join(line for line in lines if line)
    print(text)
    (OUTPUT / "shapes.md").write_text(text + "\n")
    found = {f"{key} | {setting}": values for (key, setting), values in scores.items()}
    (OUTPUT / "shapes.json").write_text(json.dumps(found))
    if not wanted or "sheet" in wanted:
        draw_sheet(flags.models, OUTPUT / "shapes.png")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="pictures in each row")
    parser.add_argument("--only", default="", help="rows by name, with commas between")
    parser.add_argument("--models", type=Path, default=ROOT / "models.yaml")
    parser.add_argument("--processes", type=int, default=2)
    return parser


def _lacks(row: Row, models: Path) -> str:
    """What models.yaml does not have of what a row needs, "" where it has all."""
    specs = {spec.id: spec for spec in load_registry(models).all()}
    if row.model not in specs:
        return f"there is no model {row.model} in {models.name}"
    if row.key.startswith("ControlNet") and row.control not in dict(specs[row.model].controls):
        return f"{row.model} has no ControlNet {row.control} in {models.name}"
    if row.lora and LORA not in {lora.name for lora in specs[row.model].loras}:
        return f"{row.model} has no LoRA {LORA} in {models.name}"
    return ""


def _measure(rows: Sequence[Row], flags: argparse.Namespace) -> dict[tuple[str, str], list[Scores]]:
    """Every row's scores; the rows are named by their place, as functions cannot be sent."""
    found: dict[tuple[str, str], list[Scores]] = defaultdict(list)
    start = time.monotonic()
    context = multiprocessing.get_context("spawn")
    with context.Pool(flags.processes, _open, (flags.models,)) as pool:
        for row in rows:
            jobs = [(row.key, row.setting, i) for i in range(-(-flags.count // row.variants))]
            values = pool.map(_score, jobs, chunksize=8)
            found[row.key, row.setting] = values
            seconds = time.monotonic() - start
            print(f"[{seconds:5.0f} s] {row.key}, {row.setting}: {_brief(values)}", flush=True)
    return found | {row: found[other] for row, other in SAME.items() if other in found}


def _open(models: Path) -> None:
    _PAINTERS.append(Painter(models))


def _score(job: tuple[str, str, int]) -> Scores:
    key, setting, index = job
    rows: Iterable[Row] = (*ROWS, *SCHEDULER_ROWS)
    row = next(r for r in rows if (r.key, r.setting) == (key, setting))
    return _PAINTERS[0].score(row, index)


def _brief(values: Sequence[Scores]) -> str:
    numbers: dict[str, list[float]] = defaultdict(list)
    for scores in values:
        for name, value in scores.items():
            if isinstance(value, float):
                numbers[name].append(value)
    return ", ".join(f"{name} {sum(v) / len(v):.3f}" for name, v in numbers.items())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
