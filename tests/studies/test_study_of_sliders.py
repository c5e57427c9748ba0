"""The study of sliders: cells that are kept and gone on with, tables, heat map."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.shapes_cases import Case
from benchmarks.shapes_studio import Painted
from benchmarks.studies import sliders
from benchmarks.studies.pages import PAGES
from benchmarks.studies.sliders import Cell, Notebook, draw_heat_map, measured, tables

pytestmark = pytest.mark.torch


def wish_come_true(case: Case) -> list[Painted]:
    """The thing that is asked for, drawn by hand where the mask is: as a perfect model would."""
    assert case.thing is not None
    colour = (np.array(case.thing.rgb) * 255).astype(np.uint8)
    picture = np.where(case.mask[..., None] > 0, colour, case.picture).astype(np.uint8)
    return [Painted(picture, picture)]


def untouched(case: Case) -> list[Painted]:
    return [Painted(case.picture, case.picture)]


def test_the_same_case_differs_between_cells_in_its_sliders_only() -> None:
    low, high = (Cell(s, g, n).case(3) for s, g, n in ((0.3, 1.0, 8), (1.0, 7.5, 50)))
    assert np.array_equal(low.picture, high.picture) and np.array_equal(low.mask, high.mask)
    assert (low.prompt, low.seed) == (high.prompt, high.seed)
    assert (low.strength, low.guidance_scale, low.num_inference_steps) == (0.3, 1.0, 8)
    assert (high.strength, high.guidance_scale, high.num_inference_steps) == (1.0, 7.5, 50)


def test_what_is_left_alone_is_the_old_thing_and_like_the_original() -> None:
    case = Cell(0.5, 3.0, 8).case(0)
    kept, changed = measured(case, untouched), measured(case, wish_come_true)
    assert (kept["old"], kept["both"], changed["old"]) == (1.0, 0.0, 0.0)
    assert kept["psnr"] > changed["psnr"]


def test_a_cell_is_gone_on_with_and_another_model_begins_anew(tmp_path: Path) -> None:
    path, cell = tmp_path / "n.json", Cell(0.5, 3.0, 8)
    painted: list[str] = []

    def paint(case: Case) -> list[Painted]:
        painted.append(case.prompt)
        return untouched(case)

    first = Notebook(path, "model").fill(cell, 2, paint)
    more = Notebook(path, "model").fill(cell, 3, paint)
    assert more[:2] == first and len(painted) == 3
    assert len(json.loads(path.read_text())["cells"][cell.name]) == 3
    Notebook(path, "other").fill(cell, 1, paint)
    assert len(painted) == 4


def test_tables_name_every_cell_and_the_front(tmp_path: Path) -> None:
    def rows(both: float, psnr: float) -> list[dict[str, float]]:
        one = {"colour": both, "shape": both, "both": both, "old": 1 - both, "psnr": psnr}
        return [one | {"seconds": 0.25}] * 4

    found = {
        Cell(0.3, 1.0, 8): rows(0.0, 30.0),
        Cell(0.3, 3.0, 8): rows(0.0, 25.0),
        Cell(1.0, 1.0, 8): rows(1.0, 12.0),
        Cell(1.0, 3.0, 8): rows(1.0, 11.0),
    }
    text = tables(found)
    assert "| 8 steps: strength | guidance_scale 1 | guidance_scale 3 |" in text
    assert "| 1 | 100% (51% to 100%); old 0%; 12.0 dB; 0.25 s | 100%" in text
    front = [line for line in text.splitlines() if line.startswith("- strength")]
    assert [line.split(",")[0:2] for line in front] == [
        ["- strength 1", " guidance_scale 1"],
        ["- strength 0.3", " guidance_scale 1"],
    ]
    draw_heat_map(found, tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 1000


def test_the_command_paints_with_the_embedded_model(tmp_path: Path) -> None:
    page = tmp_path / "sliders.md"
    page.write_text((PAGES / "sliders.md").read_text("utf-8"), "utf-8")
    sizes = ["--count=1", "--strengths=0.5,1", "--guidance=3", "--steps=2"]
    assert sliders.main([*sizes, "--out", str(tmp_path), "--page", str(page)]) == 0
    text = page.read_text("utf-8")
    assert "n = 1 pictures in each cell" in text and "| 0.5 | " in text
    assert page.with_suffix(".png").stat().st_size > 1000
