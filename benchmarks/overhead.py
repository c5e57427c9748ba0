"""Measure everything of an edit but its engine, on a photograph of 24 megapixels.

    python benchmarks/overhead.py [--rounds 3]

Times by stage with an engine that answers at once, peak memory of the edit and of a process that
does what the page does, time to the first byte of the page. A table is printed and written to
benchmarks/output/. Every figure stands beside its limit.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from genimg_ui.application import Application  # noqa: E402  # found by the path above
from genimg_ui.backend.base import CancelToken  # noqa: E402
from genimg_ui.backend.fake import FakeBackend  # noqa: E402
from genimg_ui.backend.pool import BackendPool  # noqa: E402
from genimg_ui.core.geometry import Sides  # noqa: E402
from genimg_ui.core.request import EditInputs, EditRequest, InpaintParams  # noqa: E402
from genimg_ui.editor import Editor  # noqa: E402
from genimg_ui.history.names import session_id  # noqa: E402
from genimg_ui.history.store import Store  # noqa: E402
from genimg_ui.masks import mask_png  # noqa: E402
from genimg_ui.registry import ModelSpec, Registry  # noqa: E402
from genimg_ui.settings import parse_settings  # noqa: E402

OUTPUT = ROOT / "benchmarks" / "output"
PICTURE = OUTPUT / "coffee-24mp.jpg"
SIZE = (6000, 4000)
SESSION = session_id("0" * 32)
ENGINES = {
    "plain": ModelSpec(id="plain", title="Plain", engine="fake", licence="-"),
    "square": ModelSpec(
        id="square", title="Square", engine="fake", licence="-", native_size=1024, size_multiple=8
    ),
}
WHOLE = InpaintParams(only_masked=False)
# Name → share of the picture that is painted, and the request.
CASES = {
    "1 % hole": (0.01, EditRequest(model="plain")),
    "10 % hole": (0.10, EditRequest(model="plain")),
    "10 % hole, 1024² model": (0.10, EditRequest(model="square")),
    "10 % hole, whole picture seen": (0.10, EditRequest(model="square", inpaint=WHOLE)),
    "90 % hole": (0.90, EditRequest(model="plain")),
    "border of 10 % on the right": (0.0, EditRequest(model="plain", border=Sides(right=600))),
}
ENGINE_STAGES = ("generate", "load")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value beside its limit."""

    name: str
    value: float
    limit: float | None
    unit: str

    def row(self) -> str:
        limit = "" if self.limit is None else f"{self.limit:g} {self.unit}"
        verdict = "" if self.limit is None else ("ok" if self.value <= self.limit else "OVER")
        return f"| {self.name} | {self.value:.2f} {self.unit} | {limit} | {verdict} |"


def make_picture() -> Path:
    """A photograph of 24 megapixels, as a camera's JPEG."""
    if not PICTURE.exists():
        OUTPUT.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(data.coffee()).resize(SIZE, Image.Resampling.LANCZOS)
        grain = np.random.default_rng(0).normal(0, 4, (SIZE[1], SIZE[0], 1)).astype(np.float32)
        pixels = np.clip(np.asarray(image, np.float32) + grain, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(PICTURE, quality=92)
    return PICTURE


def ellipse(share: float) -> NDArray[np.uint8]:
    """A mask that covers `share` of the picture (above 0.78: a rectangle)."""
    width, height = SIZE
    mask = np.zeros((height, width), np.uint8)
    if share > np.pi / 4:
        side = share**0.5
        mask[: round(height * side), : round(width * side)] = 255
        return mask
    y, x = np.ogrid[:height, :width]
    radius = (share / np.pi) ** 0.5
    mask[((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2) <= radius**2] = 255
    return mask


def measure_edit(name: str, folder: Path) -> dict[str, Any]:
    """Seconds by stage of one edit, in this process."""
    share, request = CASES[name]
    store = Store.open(folder)
    mask = store.put_mask(mask_png(ellipse(share))) if share else None
    inputs = EditInputs(source=store.put_source(PICTURE), mask=mask)
    pool = BackendPool(backends={"fake": FakeBackend(colour=(90, 120, 60))})
    editor = Editor(store, Registry(tuple(ENGINES.values()), "plain"), pool)
    start = time.perf_counter()
    entry = editor.apply(request, inputs, on_event=lambda _: None, cancel=CancelToken())
    whole = time.perf_counter() - start
    if not entry.results:
        raise SystemExit(f"{name} failed: {entry.error}")
    engine = sum(entry.timings.get(stage, 0.0) for stage in ENGINE_STAGES)
    return {"stages": entry.timings, "overhead": whole - engine, "peak": peak()}


def measure_page(name: str, folder: Path) -> dict[str, Any]:
    """Seconds of what the page does before the queue, in a process as the server's."""
    share, request = CASES[name]
    application = Application(parse_settings(["--data-dir", str(folder)], {}))
    work, steps = application.workspace, {}
    request = EditRequest(border=request.border)
    masks = folder / "mask.png"
    masks.write_bytes(mask_png(ellipse(share)))

    def timed(step: str, call: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = call()
        steps[step] = time.perf_counter() - start
        return result

    opened = timed("upload", lambda: work.open_upload(SESSION, PICTURE))
    path = masks if share else None
    mask = timed("mask", lambda: work.keep_mask(SESSION, opened.sha256, path, opened.size))
    timed("context box", lambda: work.context_view(request, opened.size, mask))
    timed("findings", lambda: work.findings(request, opened.size, mask))
    inputs = EditInputs(source=opened.sha256, mask=mask)
    timed("submit", lambda: work.submit(SESSION, request, inputs))
    return {"steps": steps, "peak": peak()}


def peak() -> float:
    """The largest resident memory of this process so far, in MiB.

    Not by getrusage: its figure begins with that of the process that started this one.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def measure_start(folder: Path) -> dict[str, Any]:
    """Seconds from `python app.py` to the first byte of the page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(ROOT / "app.py"), "--port", str(port), "--data-dir", str(folder)]
    start = time.perf_counter()
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while server.poll() is None and time.perf_counter() - start < 60:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
                    page.read(1)
                return {"first byte": time.perf_counter() - start}
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.02)
        raise SystemExit("the server did not start")
    finally:
        server.terminate()
        server.wait(20)


PARTS = {"edit": measure_edit, "page": measure_page}


def in_a_process(part: str, name: str) -> dict[str, Any]:
    """Run one measurement in a fresh process, so that its peak memory is its own."""
    with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
        command = [sys.executable, __file__, "--part", part, "--case", name, "--folder", folder]
        environment = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"}
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def edit_figures(rounds: int) -> list[Figure]:
    figures = []
    for name in CASES:
        found = [in_a_process("edit", name) for _ in range(rounds)]
        best = min(found, key=lambda one: one["overhead"])
        stages = ", ".join(f"{stage} {spent:.2f}" for stage, spent in best["stages"].items())
        print(f"{name}: {stages}", file=sys.stderr)
        median = statistics.median(one["overhead"] for one in found)
        figures.append(Figure(f"all but the engine: {name}", median, 3.0, "s"))
        figures.append(Figure(f"memory of the edit: {name}", found[0]["peak"] / 1024, None, "GiB"))
    return figures


def page_figures(rounds: int) -> list[Figure]:
    figures = []
    for name in ("10 % hole", "90 % hole"):
        found = [in_a_process("page", name) for _ in range(rounds)]
        steps = {
            step: statistics.median(one["steps"][step] for one in found)
            for step in found[0]["steps"]
        }
        figures.append(Figure(f"upload, decoded and stored: {name}", steps["upload"], 2.0, "s"))
        figures.append(Figure(f"context box shown: {name}", steps["context box"], None, "s"))
        queued = steps["mask"] + steps["findings"] + steps["submit"]
        figures.append(Figure(f"Apply to queued: {name}", queued, 1.0, "s"))
        most = max(one["peak"] for one in found)
        figures.append(Figure(f"memory of the page's process: {name}", most / 1024, 1.4, "GiB"))
    return figures


def start_figures(rounds: int) -> list[Figure]:
    spent = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
            spent.append(measure_start(Path(folder))["first byte"])
    return [Figure("python app.py to the first byte", statistics.median(spent), 5.0, "s")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--case", default="10 % hole", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    flags = parser.parse_args()
    make_picture()
    if flags.part:
        print(json.dumps(PARTS[flags.part](flags.case, flags.folder)))
        return
    figures = edit_figures(flags.rounds) + page_figures(flags.rounds) + start_figures(flags.rounds)
    table = ["| measured | value | limit | |", "|---|---|---|---|", *(f.row() for f in figures)]
    load = f"Load of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores."
    text = "\n".join([*table, "", load])
    print(text)
    (OUTPUT / "overhead.md").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
