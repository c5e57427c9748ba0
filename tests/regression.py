"""The project's own visual regression log: edits whose pixels must stay what they are.

Sources and masks are made by whole-number arithmetic and kept without compression, so that their
digests are the same on every machine. The log holds what the edits gave when it was written
(`python benchmarks/replay.py --write-regression`), and on which machine. Engines promise the same
pixels on the same machine; on another processor or with other libraries the last bit of a sum may
differ and lead elsewhere. There a coarse sketch is compared: mean colours of 8 × 8 pixels.
"""

import io
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from genimg_ui.backend.base import CancelToken
from genimg_ui.backend.pool import BackendPool
from genimg_ui.core.geometry import Sides
from genimg_ui.core.image import decode
from genimg_ui.core.request import (
    EditInputs,
    EditRequest,
    FillMode,
    InpaintParams,
    MaskParams,
    SamplingParams,
)
from genimg_ui.editor import Editor
from genimg_ui.history.names import session_id
from genimg_ui.history.record import EntryState, LogEntry
from genimg_ui.history.seed_log import entry_line, read_line
from genimg_ui.history.store import Store
from genimg_ui.registry import Registry, availability, load_registry

ROOT = Path(__file__).resolve().parent.parent
LOG = ROOT / "tests" / "data" / "regression.jsonl"
SKETCHES = ROOT / "tests" / "data" / "regression-sketches.json"
SESSION = session_id("f" * 32)
SIZE = (96, 72)
CELL = 8  # pixels of a sketch's cell
TOLERANCE = 12.0  # levels of 255 by which a sketch may differ on average on another machine
MADE = "2026-01-01T00:00:00.000+00:00"  # so that the file changes only where pixels do


def source() -> bytes:
    """A picture with ramps, stripes and a checked field, as an uncompressed BMP."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    red = (x * 2 + (y // 6 % 2) * 40) % 256
    green = (y * 3 + ((x // 8 + y // 8) % 2) * 60) % 256
    blue = (x * x // 40 + y * 2 + ((x * 7 + y * 13) % 5) * 4) % 256
    return _bmp(np.stack([red, green, blue], axis=2).astype(np.uint8))


def mask() -> bytes:
    """A hole with a corner cut off, away from the picture's edge."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    inside = (x >= 34) & (x < 60) & (y >= 22) & (y < 46) & (x + y < 98)
    return _bmp(np.where(inside, 255, 0).astype(np.uint8))


def cases(registry: Registry) -> dict[str, EditRequest]:
    """The edits by name: of the embedded engine, and of the embedded model where it is here."""
    exact = MaskParams(grow=2, feather=3)
    seeded = SamplingParams(seed=1234)
    found = {
        f"exemplar-{mode}": EditRequest(
            sampling=seeded, mask=exact, inpaint=InpaintParams(fill_mode=mode, padding=24)
        )
        for mode in FillMode
    }
    found["exemplar-border"] = EditRequest(
        sampling=replace(seeded, variants=2), mask=exact, border=Sides(10, 0, 6, 8)
    )
    shapes = next((spec for spec in registry.all() if spec.id == "shapes"), None)
    if shapes is not None and availability(shapes) is None:
        few = replace(seeded, prompt="a red circle", num_inference_steps=4)
        found["shapes-inside"] = EditRequest(model="shapes", sampling=few, mask=exact)
        half = replace(few, strength=0.6)
        found["shapes-half"] = EditRequest(model="shapes", sampling=half, mask=exact)
        found["shapes-border"] = EditRequest(
            model="shapes", sampling=few, mask=exact, border=Sides(right=16)
        )
    return found


class Bench:
    """A fresh data folder that holds the pictures of every case."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.open(folder)
        self.registry = load_registry(ROOT / "models.yaml")
        self.editor = Editor(self.store, self.registry, BackendPool())
        self.inputs = EditInputs(
            source=self.store.put_source(source()), mask=self.store.put_mask(mask())
        )

    def edit(self, name: str, request: EditRequest) -> LogEntry:
        """Run one case; its entry says what does not change from run to run."""
        entry = self.editor.apply(
            request, self.inputs, entry_id=name, on_event=lambda _: None, cancel=CancelToken()
        )
        if entry.state is not EntryState.DONE:
            raise RuntimeError(f"{name}: {entry.error}")
        return entry

    def sketches(self, entry: LogEntry) -> list[list[int]]:
        """Mean levels of each cell and channel, a list for each result."""
        paths = [self.store.result_path(record.sha256) for record in entry.results]
        return [sketch(decode(path).rgb()) for path in paths]

    def close(self) -> None:
        self.store.close()


def sketch(rgb: NDArray[np.uint8]) -> list[int]:
    """Mean level of each cell and channel, rows first; what does not fill a cell is left out."""
    rows, columns = rgb.shape[0] // CELL, rgb.shape[1] // CELL
    cells = rgb[: rows * CELL, : columns * CELL].reshape(rows, CELL, columns, CELL, 3)
    return [int(level) for level in cells.mean(axis=(1, 3)).round().ravel()]


def apart(first: list[int], second: list[int]) -> float:
    """Mean absolute difference of two sketches in levels; infinite for other sizes."""
    if len(first) != len(second):
        return float("inf")
    return float(np.abs(np.subtract(first, second)).mean())


def lines() -> list[LogEntry]:
    """The entries of the log."""
    return [read_line(line) for line in LOG.read_text("utf-8").splitlines()]


def kept_sketches() -> dict[str, list[list[int]]]:
    """The sketches of the log's results by entry."""
    kept: dict[str, list[list[int]]] = json.loads(SKETCHES.read_text("utf-8"))
    return kept


def write_regression() -> str:
    """Write log and sketches anew; where they lie, and how many entries they hold."""
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place))
        entries = [bench.edit(name, case) for name, case in cases(bench.registry).items()]
        found = {entry.id: bench.sketches(entry) for entry in entries}
        bench.close()
    LOG.parent.mkdir(exist_ok=True)
    steady = [
        replace(
            entry,
            **{"created": MADE, "ended": MADE, "timings": {}},
            results=tuple(replace(record, sha256="0" * 64) for record in entry.results),
        )
        for entry in entries
    ]
    LOG.write_text("".join(f"{entry_line(entry)}\n" for entry in steady), "utf-8")
    rows = ",\n".join(f'"{name}": {json.dumps(value)}' for name, value in found.items())
    SKETCHES.write_text(f"{{\n{rows}\n}}\n", "utf-8")
    return f"{LOG.relative_to(ROOT)}: {len(entries)} entries"


def _bmp(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "BMP")
    return buffer.getvalue()
