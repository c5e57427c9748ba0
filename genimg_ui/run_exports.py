"""What is handed on of a run: its contact sheet as a PNG, its approved results as an archive."""

import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, PngImagePlugin

from genimg_ui.core.sheet import SheetCell, arrange, draw_sheet
from genimg_ui.core.sweep import describe_cell
from genimg_ui.errors import RefusedInput
from genimg_ui.history.exports import ExportFolder
from genimg_ui.runs import Run, RunCell, Runs
from genimg_ui.workspace import Workspace

METADATA = "genimg_ui_run"  # text chunk of a sheet: JSON with the ids of run and entries
LONGEST_NAME = 60  # characters of a cell's values in a file's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A file to download, and what it shall be called."""

    path: Path
    filename: str


class RunExports:
    """Makes downloads of runs; the page gets links to them."""

    def __init__(
        self,
        workspace: Workspace,
        runs: Runs,
        leaving: Callable[[str], Path] | None = None,
        *,
        record: bool = True,
    ) -> None:
        """`leaving` gives the file of a result's sha256 to pack; None: the stored one.

        `record`: whether settings go into the sheet's metadata and into the names of files.
        """
        self._record = record
        self._work = workspace
        self._leaving = leaving or workspace.store.result_path
        self._runs = runs
        self._folder = ExportFolder(workspace.store.data_dir)

    def sheet(self, session: str, run_id: str) -> Export:
        """The contact sheet as it is now; where the record goes out, the ids of its entries too."""
        run = self._runs.run(session, run_id)
        shown = [cell for cell in run.cells if cell.result is not None and not cell.gone]
        if not shown:
            raise RefusedInput("This run has no picture yet.", remedy="Wait for the first one.")
        profile = None
        cells = []
        for cell in run.cells:
            picture = None
            if cell.result is not None and not cell.gone:
                with Image.open(self._work.pictures.crop(cell.result.sha256, run.crop)) as image:
                    picture = np.asarray(image.convert("RGB"))
                    profile = image.info.get("icc_profile")
            cells.append(SheetCell(picture=picture, caption=caption(cell)))
        title = f"{run.title} · {run.model} · {run.began[:10]}"
        grid = arrange([cell.varies for cell in run.cells])
        sheet = Image.fromarray(draw_sheet(title, grid, cells, run.crop.size))
        inside = PngImagePlugin.PngInfo()
        if self._record:
            inside.add_itxt(METADATA, json.dumps(_metadata(run)))

        def write(file: BinaryIO) -> None:
            sheet.save(file, "PNG", pnginfo=inside, icc_profile=profile)

        return Export(
            path=self._folder.write(".png", write, owner=f"sheet {session}"),
            filename=f"contact_sheet_{run.id}.png",
        )

    def approved(self, session: str, run_id: str) -> Export:
        """The PNGs of the approved cells in a ZIP, as they leave the program."""
        run = self._runs.run(session, run_id)
        kept = [
            (number, cell)
            for number, cell in enumerate(run.cells, 1)
            if cell.approved and cell.result is not None and not cell.gone
        ]
        if not kept:
            raise RefusedInput(
                "No picture of this run is approved.",
                remedy="Choose one with the arrow keys and press Space.",
            )

        def write(file: BinaryIO) -> None:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:  # PNG is compressed
                for number, cell in kept:
                    if cell.result is not None:
                        path = self._leaving(cell.result.sha256)
                        name = _file_name(number, cell) if self._record else f"{number:02d}.png"
                        archive.write(path, name)

        path = self._folder.write(".zip", write, owner=f"approved {session}")
        return Export(path=path, filename=f"approved_{run.id}.zip")


def caption(cell: RunCell) -> str:
    """What stands below a cell: what it varies, its seed, or why there is no picture."""
    varies = describe_cell(cell.varies)
    if cell.result is None:
        return f"{varies} · {cell.text}"
    seed = "" if "seed" in cell.varies else f" · seed {cell.result.seed}"
    return f"{varies}{seed}{' · approved' if cell.approved else ''}"


def _metadata(run: Run) -> dict[str, object]:
    cells = [{"entry": cell.entry, "varies": cell.varies} for cell in run.cells]
    return {"run": run.id, "crop": list(run.crop), "cells": cells}


def _file_name(number: int, cell: RunCell) -> str:
    values = "_".join(f"{name}-{value}" for name, value in cell.varies.items())
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", values).strip("-.")[:LONGEST_NAME]
    return f"{number:02d}_{plain}.png"
