"""A sheet of what the `shapes` model painted: a line for each task, a picture for each case."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.shapes_cases import (
    SIDE,
    Case,
    Rgb,
    add_a_thing,
    exchange,
    from_nothing,
    guided_by_edges,
    guided_by_segments,
    outpaint,
    removal,
)
from benchmarks.shapes_studio import LORA, Studio, open_studio

CASES: Final = 10
GAP: Final = 4
LABEL: Final = 16  # pixels above each line
SHADE: Final = 0.55  # how far a masked region is darkened in the line that shows the sources


def draw_sheet(models: Path, path: Path) -> None:
    """Write the sheet as a PNG."""
    studio = open_studio(models, "shapes", threads=2)
    lines: list[tuple[str, list[Rgb]]] = []
    adds = [add_a_thing(7 * i) for i in range(CASES)]
    lines.append(("source and mask", [_masked(case) for case in adds]))
    for scale in (1.0, 3.0, 7.5):
        cases = [replace(case, guidance_scale=scale) for case in adds]
        lines.append((f"prompt, CFG {scale:g}", _painted(studio, cases)))
    changes = [exchange(7 * i) for i in range(CASES)]
    lines.append(("to be exchanged", [_masked(case) for case in changes]))
    for strength in (0.3, 0.6, 1.0):
        cases = [replace(case, strength=strength) for case in changes]
        lines.append((f"strength {strength:g}", _painted(studio, cases)))
    gone = [removal(i) for i in range(CASES)]
    lines.append(("to be removed", [_masked(case) for case in gone]))
    lines.append(("empty prompt", _painted(studio, gone)))
    borders = [outpaint(i, 0.5) for i in range(CASES)]
    lines.append(("border of 50 %", [_masked(case) for case in borders]))
    lines.append(("outpainted, empty prompt", _painted(studio, borders)))
    texts = [from_nothing(7 * i) for i in range(CASES)]
    lines.append(("text to image", _painted(studio, texts)))
    if studio.control in dict(studio.spec.controls):
        edges = [guided_by_edges(7 * i) for i in range(CASES)]
        lines.append(("edges", [c.control for c in edges if c.control is not None]))
        lines.append(("ControlNet edges, scale 1", _painted(studio, edges)))
    if "segmentation" in dict(studio.spec.controls):
        other = open_studio(models, "shapes", threads=2, control="segmentation")
        maps = [guided_by_segments(7 * i) for i in range(CASES)]
        lines.append(("semantic maps", [c.control for c in maps if c.control is not None]))
        lines.append(("ControlNet segments, scale 1", _painted(other, maps)))
    if LORA in {lora.name for lora in studio.spec.loras}:
        inked = [replace(case, lora_scale=1.0) for case in adds]
        lines.append(("prompt, LoRA of ink", _painted(studio, inked)))
    _sheet(lines).save(path)


def _painted(studio: Studio, cases: list[Case]) -> list[Rgb]:
    return [studio.paint(case)[0].result for case in cases]


def _masked(case: Case) -> Rgb:
    shown = case.picture.astype(np.float64)
    shown[case.mask > 0] *= SHADE
    return shown.astype(np.uint8)


def _sheet(lines: list[tuple[str, list[Rgb]]]) -> Image.Image:
    height = (SIDE + LABEL + GAP) * len(lines)
    sheet = Image.new("RGB", ((SIDE + GAP) * CASES, height), "white")
    pen = ImageDraw.Draw(sheet)
    for row, (label, pictures) in enumerate(lines):
        top = row * (SIDE + LABEL + GAP)
        pen.text((2, top + 2), label, fill="black")
        for column, picture in enumerate(pictures):
            sheet.paste(Image.fromarray(picture), (column * (SIDE + GAP), top + LABEL))
    return sheet
