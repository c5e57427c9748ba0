"""How long the completion engine takes for a crop, beside the patches alone and OpenCV's Telea.

    python -m benchmarks.completion_edits --data cc0/test [--sides 256 1024] [--count 5]

Pictures are cut square, a blob of an eighth of them is masked; the median of all pictures, each
measured by the clock in the turn of all engines, after one that does not count. The ratio is that
to the patches alone (`exemplar`, balanced).
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from genimg_ui.backend.base import Backend, BackendJob, CancelToken, Rgb
from genimg_ui.backend.completion.engine import CompletionBackend
from genimg_ui.backend.exemplar import ExemplarBackend
from genimg_ui.core.request import EditRequest, FillMode, ResolvedRequest
from genimg_ui.evaluation.mask_shapes import Blob
from genimg_ui.evaluation.masks import draw
from genimg_ui.registry import ModelSpec, load_registry

ROOT = Path(__file__).resolve().parents[1]
COVER = (0.12, 0.13)  # of the picture
PEER = "exemplar"
Scene = tuple[Rgb, Rgb]  # picture, and mask of 255
Fill = Callable[[Scene], object]


def scenes(data: Path, count: int, side: int) -> list[Scene]:
    """Square cuts of the folder's pictures, evenly chosen, with a blob each."""
    files = sorted(path for path in data.rglob("*") if path.suffix in (".jpg", ".png"))
    chosen = [files[index * len(files) // count] for index in range(count)]
    found = []
    for seed, path in enumerate(chosen):
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
        least = min(picture.size)
        cut = picture.crop((0, 0, least, least)).resize((side, side), Image.Resampling.LANCZOS)
        found.append((np.asarray(cut), draw(Blob(cover=COVER), seed, side, side)))
    return found


def filler(backend: Backend, spec: ModelSpec) -> Fill:
    """What fills a scene by an engine of the app."""
    resolved = ResolvedRequest(
        request=EditRequest(model=spec.id), seeds=(0,), scheduler="", fill_mode=FillMode.BALANCED
    )

    def fill(scene: Scene) -> object:
        image, mask = scene
        job = BackendJob(resolved=resolved, spec=spec, image=image, filled=image, mask=mask)
        return backend.generate(job, lambda _: None, CancelToken())

    return fill


def seconds(fills: dict[str, Fill], found: list[Scene]) -> dict[str, list[float]]:
    """Each engine's seconds for each scene."""
    spent: dict[str, list[float]] = {name: [] for name in fills}
    for fill in fills.values():
        fill(found[0])
    for scene in found:
        for name, fill in fills.items():
            start = time.perf_counter()
            fill(scene)
            spent[name].append(time.perf_counter() - start)
    return spent


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sides", type=int, nargs="+", default=[256, 1024])
    parser.add_argument("--count", type=int, default=5)
    arguments = parser.parse_args()
    registry, networks = load_registry(ROOT / "models.yaml"), {}
    for name in ("completion", "completion-iizuka"):
        networks[name] = filler(CompletionBackend(), registry.get(name))
    fills: dict[str, Fill] = {
        PEER: filler(ExemplarBackend(), registry.get("exemplar")),
        **networks,
        "telea": lambda scene: cv2.inpaint(*scene, 3, cv2.INPAINT_TELEA),
    }
    print("| side | engine | median s | worst s | ratio |\n|---|---|---|---|---|")
    for side in arguments.sides:
        spent = seconds(fills, scenes(arguments.data, arguments.count, side))
        peer = statistics.median(spent[PEER])
        for name, times in spent.items():
            median = statistics.median(times)
            print(f"| {side} | {name} | {median:.3f} | {max(times):.3f} | {median / peer:.2f} |")


if __name__ == "__main__":
    main()
