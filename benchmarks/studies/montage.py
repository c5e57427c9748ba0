"""Some cases of an evaluation side by side: original, hole, and what each model made of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from genimg_ui.evaluation.folder import MASK, ORIGINAL, EvaluationFolder, file_of
from genimg_ui.evaluation.report.pictures import HOLE

LABEL: Final = 16  # pixels above the columns
GAP: Final = 4
QUALITY: Final = 92  # of the JPEG


def draw_montage(folder: Path, names: Mapping[str, str], path: Path, cases: int) -> None:
    """Write a JPEG with a line for each of `cases` cases, evenly from the first to the last.

    `names` are the models (id → label) in the order of the columns; one without a picture is left
    blank.
    """
    evaluation = EvaluationFolder(folder)
    count = evaluation.run().cases
    most = min(cases, count)
    chosen = [round(i * (count - 1) / max(1, most - 1)) for i in range(most)]
    side = max(_open(evaluation.picture(case, ORIGINAL)).size[0] for case in chosen)
    labels = ["original", "hole", *names.values()]
    size = (len(labels) * (side + GAP), LABEL + len(chosen) * (side + GAP))
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for column, label in enumerate(labels):
        draw.text((column * (side + GAP) + 2, 2), label, fill="black")
    for row, case in enumerate(chosen):
        original, mask = (evaluation.picture(case, name) for name in (ORIGINAL, MASK))
        pictures = [_open(original), _holed(_open(original), mask)]
        paths = [evaluation.picture(case, file_of(model)) for model in names]
        columns = [*pictures, *(_open(one) if one.is_file() else None for one in paths)]
        for column, picture in enumerate(columns):
            if picture is not None:
                sheet.paste(picture, (column * (side + GAP), LABEL + row * (side + GAP)))
    sheet.save(path, quality=QUALITY)


def _open(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")


def _holed(picture: Image.Image, mask: Path) -> Image.Image:
    pixels = np.asarray(picture).copy()
    with Image.open(mask) as grey:
        pixels[np.asarray(grey.convert("L")) > 0] = HOLE
    return Image.fromarray(pixels)
