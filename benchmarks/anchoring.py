"""How much of what a seed painted is still there after its mask has grown by a tenth.

    python -m benchmarks.anchoring [--count 40] [--rows add,exchange] [--other-seed]

Whole edits with `shapes`, of pictures four times as wide as its crop: once with a context box that
follows the mask (`anchor_context` off), once with one of the ladder (on). Colours are not matched,
so that it is the model's own picture that is compared. Counted are the pixels of the first mask
that stay within 8 levels in every channel. A table is printed and written to
benchmarks/output/. `box` counts cases whose context box stayed, `cells` those in which the model
was also shown the very same mask.
"""

import argparse
import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.random import Generator
from PIL import Image

from benchmarks.shapes_cases import Case, Grey, Rgb, add_a_thing, exchange
from genimg_ui.backend.base import CancelToken
from genimg_ui.backend.diffusion.blend import touched_cells
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.backend.pool import BackendPool
from genimg_ui.core.geometry import Box
from genimg_ui.core.mask import make_masks
from genimg_ui.core.plan import EditPlan, crop_mask
from genimg_ui.core.request import ColourMatch, EditInputs, EditRequest, FillUnderMask
from genimg_ui.editor import Editor
from genimg_ui.history.record import LogEntry
from genimg_ui.history.store import Store
from genimg_ui.masks import mask_png
from genimg_ui.registry import first_request, load_registry
from training.shapes.render import render
from training.shapes.scenes import Scene, Thing

ROOT = Path(__file__).resolve().parent.parent
SIDE = 512  # pixels of the pictures
SHRUNK = 0.5  # things are as large in the model's crop as those that it was trained on
PADDING = 32
LEVELS = 8
CELL = 8
MAKERS: dict[str, Callable[[int], Case]] = {"add": add_a_thing, "exchange": exchange}


@dataclass(frozen=True, slots=True)
class Growth:
    """One case: shares that stayed, and whether box and cells did."""

    kept: float
    box: bool
    cells: bool


class Desk:
    """An editor with `shapes` and a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.open(folder)
        registry = load_registry(ROOT / "models.yaml")
        self.first = first_request(registry.get("shapes"))
        self.params = self.first.mask
        pool = BackendPool(backends={"diffusers": DiffusersBackend()})
        self.editor = Editor(self.store, registry, pool)

    def edit(self, request: EditRequest, picture: Rgb, mask: Grey) -> tuple[LogEntry, Rgb]:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "PNG")
        inputs = EditInputs(
            source=self.store.put_source(file.getvalue()), mask=self.store.put_mask(mask_png(mask))
        )
        entry = self.editor.apply(request, inputs, on_event=lambda _: None, cancel=CancelToken())
        assert entry.results, entry.error
        path = self.store.result_path(entry.results[0].sha256)
        return entry, np.asarray(Image.open(path).convert("RGB"))

    def request(self, case: Case, *, anchored: bool, seed: int) -> EditRequest:
        """As the page asks first, with the words of the case."""
        first = self.first
        return replace(
            first,
            sampling=replace(first.sampling, prompt=case.prompt, seed=seed),
            inpaint=replace(
                first.inpaint,
                padding=PADDING,
                fill=FillUnderMask.ORIGINAL,
                colour_match=ColourMatch.OFF,
                anchor_context=anchored,
            ),
        )

    def cells(self, entry: LogEntry, mask: Grey) -> Grey:
        """The mask as the model is shown it."""
        plan = entry.plan
        assert plan is not None
        cut = EditPlan(canvas=plan.canvas, box=plan.box, content=plan.working, working=plan.working)
        denoise = make_masks(mask, self.params, soft=True).denoise
        return touched_cells(crop_mask(cut, denoise), CELL)


def scene(case: Case, rng: Generator) -> tuple[Rgb, Grey]:
    """The case anew at SIDE pixels, its thing half as large and anywhere: picture and mask."""
    thing = case.thing
    assert thing is not None
    radius = thing.radius * SHRUNK
    x, y = rng.uniform(1.6 * radius, 1 - 1.6 * radius, 2)
    small = replace(thing, x=float(x), y=float(y), radius=radius)
    standing = (
        () if case.old is None else (replace(case.old, x=float(x), y=float(y), radius=radius),)
    )
    pixels = render([Scene(case.background, standing)], SIDE)[0].permute(1, 2, 0).numpy()
    return np.ascontiguousarray((pixels * 255).round().astype(np.uint8)), around(small, rng)


def around(thing: Thing, rng: Generator) -> Grey:
    """A loose rectangle or ellipse around a thing, as in the benchmark of `shapes`."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float64) / SIDE
    reach = thing.extent + 0.01
    if rng.random() < 0.6:
        left, right, top, bottom = reach + rng.uniform(0.05, 0.6, 4) * thing.extent
        inside = (columns > thing.x - left) & (columns < thing.x + right)
        inside &= (rows > thing.y - top) & (rows < thing.y + bottom)
    else:
        wide, high = reach * rng.uniform(1.1, 1.6, 2)
        inside = ((columns - thing.x) / wide) ** 2 + ((rows - thing.y) / high) ** 2 < 1
    return inside.astype(np.uint8) * np.uint8(255)


def grown(mask: Grey, share: float = 1.1) -> Grey:
    """The mask with a rim around it, `share` times as large."""
    away = cv2.distanceTransform(np.where(mask > 0, 0, 255).astype(np.uint8), cv2.DIST_L2, 5)
    enough = np.sort(away.ravel())[round(share * np.count_nonzero(mask))]
    return np.where(away <= enough, 255, 0).astype(np.uint8)


def kept(one: Rgb, other: Rgb, mask: Grey) -> float:
    """Share of the pixels under the mask that are the same within LEVELS in every channel."""
    same = np.abs(one.astype(int) - other).max(axis=2) <= LEVELS
    return float(same[mask > 0].mean())


def measure(desk: Desk, name: str, index: int, *, other_seed: bool) -> dict[str, Growth]:
    """The case with both rules, and with another seed of the same mask."""
    case = MAKERS[name](index)
    picture, mask = scene(case, np.random.default_rng([7, index]))
    wider = grown(mask)
    found = {}
    for rule in ("follows", "anchored"):
        request = desk.request(case, anchored=rule == "anchored", seed=case.seed)
        (first, one), (second, other) = (desk.edit(request, picture, m) for m in (mask, wider))
        cells = desk.cells(first, mask), desk.cells(second, wider)
        still = _box(first) == _box(second)
        found[rule] = Growth(kept(one, other, mask), still, still and np.array_equal(*cells))
    if not other_seed:
        return found
    unlike = desk.request(case, anchored=True, seed=case.seed + 500)
    found["another seed"] = Growth(kept(one, desk.edit(unlike, picture, mask)[1], mask), True, True)
    return found


def _box(entry: LogEntry) -> Box:
    assert entry.plan is not None
    return entry.plan.box


def table(name: str, cases: list[dict[str, Growth]]) -> str:
    lines = []
    for rule in cases[0]:
        rows = [case[rule] for case in cases]
        shares = np.array([row.kept for row in rows])
        error = shares.std(ddof=1) / len(rows) ** 0.5 if len(rows) > 1 else float("nan")
        lines.append(
            f"| {name} | {rule} | {len(rows)} | {shares.mean():.1%} ± {error:.1%} | "
            f"{np.median(shares):.1%} | {np.mean([row.box for row in rows]):.0%} | "
            f"{np.mean([row.cells for row in rows]):.0%} |"
        )
    return "\n".join(lines)


HEAD = "| row | box | cases | kept (mean ± s.e.) | median | box | cells |\n" + "|---" * 7 + "|"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--rows", default="add,exchange")
    parser.add_argument("--other-seed", action="store_true", help="also without growth")
    parser.add_argument("--threads", type=int, default=1)
    flags = parser.parse_args()
    torch.set_num_threads(flags.threads)
    parts = [HEAD]
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        for name in flags.rows.split(","):
            cases = []
            for index in range(flags.count):
                cases.append(measure(desk, name, 5 * index + 1, other_seed=flags.other_seed))
                print(name, index, {r: round(g.kept, 3) for r, g in cases[-1].items()}, flush=True)
            parts.append(table(name, cases))
            print(HEAD, parts[-1], sep="\n", flush=True)
        desk.store.close()
    out = ROOT / "benchmarks" / "output" / "anchoring.md"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
