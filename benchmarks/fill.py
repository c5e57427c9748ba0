"""Compare the exemplar fill with peers in one run: quality, processor time, a montage to look at.

    python benchmarks/fill.py [--set FOLDER SIDE PROTOCOLS]... [--montage FOLDER]

A set is a folder of pictures, their longer side in pixels, and the letters of the mask protocols
(`masks.py`); the folder `skimage` stands for the photographs that scikit-image ships, which are the
default. Tables are printed and written to benchmarks/output/. Processor seconds are of all threads
and child processes; on a busy machine they say more than the clock.
"""

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import fill_metrics
import masks
import numpy as np
import peers
from numpy.typing import NDArray
from PIL import Image
from skimage import data

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from genimg_ui.core.fill import exemplar  # noqa: E402  # the package is found by the path above
from genimg_ui.core.request import FillMode  # noqa: E402

OUTPUT = ROOT / "benchmarks" / "output"
SKIMAGE = ("astronaut", "chelsea", "coffee", "rocket", "brick", "grass", "gravel", "camera")
DEFAULT = [["skimage", "256", "abcd"]]
SPEED_PICTURES = 3
SPEED_PROTOCOLS = "ac"
MONTAGE_ROWS = 12

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Fill = Callable[[Picture, Mask], Picture]


def load(folder: str) -> list[Picture]:
    """RGB pixels of each picture, in the order of the names."""
    if folder == "skimage":
        return [_rgb(getattr(data, name)()) for name in SKIMAGE]
    kinds = {".png", ".jpg", ".jpeg"}
    files = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in kinds)
    return [np.asarray(Image.open(file).convert("RGB")) for file in files]


def _rgb(array: NDArray[np.uint8]) -> Picture:
    return np.asarray(Image.fromarray(array).convert("RGB"))


def scaled(picture: Picture, side: int) -> Picture:
    """The picture with `side` as its longer side."""
    factor = side / max(picture.shape[:2])
    size = (max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor)))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.ascontiguousarray(cv2.resize(picture, size, interpolation=way), np.uint8)


def contenders() -> dict[str, Fill]:
    ours: dict[str, Fill] = {
        f"ours {mode}": partial(exemplar.fill, seed=1, mode=mode)
        for mode in FillMode
        if mode is not FillMode.AUTO
    }
    return ours | peers.installed()


def processor_seconds() -> float:
    """Of this process, its threads and the programs that it ran."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def pasted(fill: Fill, picture: Picture, mask: Mask) -> Picture:
    """What `fill` makes of the hole, with the known pixels as they were."""
    hidden = picture.copy()
    hidden[mask] = 0  # no one may see what is to be guessed
    return np.where(mask[..., None], fill(hidden, mask), picture)


def quality(pictures: list[Picture], fills: dict[str, Fill], protocols: str) -> list[list[str]]:
    """One row per fill and protocol, and one over all protocols."""
    rows = []
    for name, fill in fills.items():
        every = []
        for protocol in protocols:
            values = [
                _timed(fill, picture, masks.make(protocol, *picture.shape[:2], number))
                for number, picture in enumerate(pictures)
            ]
            every += values
            rows.append(_row(name, protocol, values))
        if len(protocols) > 1:
            rows.append(_row(name, "all", every))
    order = {protocol: k for k, protocol in enumerate(["all", *protocols])}
    return sorted(rows, key=lambda row: order[row[1]])


def _timed(fill: Fill, picture: Picture, mask: Mask) -> tuple[float, ...]:
    before = processor_seconds()
    filled = pasted(fill, picture, mask)
    spent = processor_seconds() - before
    return (*fill_metrics.measure(filled, picture, mask), spent)


def _row(name: str, protocol: str, values: list[tuple[float, ...]]) -> list[str]:
    means = np.mean(values, axis=0)
    # A hole in a flat area has next to no Laplacian to compare with: the mean would be its alone.
    means[-2:] = np.median([value[-2:] for value in values], axis=0)
    digits = (4, 2, 3, 4, 2, 2)
    words = [f"{mean:.{digit}f}" for mean, digit in zip(means, digits, strict=True)]
    return [name, protocol, str(len(values)), *words]


def speed(pictures: list[Picture], fills: dict[str, Fill], sides: list[int]) -> list[list[str]]:
    """Median seconds over a few pictures and masks at each longer side: clock / processor."""
    rows = []
    for name, fill in fills.items():
        row = [name]
        for side in sides:
            clock, processor = [], []
            for number, picture in enumerate(pictures[:SPEED_PICTURES]):
                sized = scaled(picture, side)
                for protocol in SPEED_PROTOCOLS:
                    mask = masks.make(protocol, *sized.shape[:2], number)
                    start, before = time.perf_counter(), processor_seconds()
                    fill(sized, mask)
                    clock.append(time.perf_counter() - start)
                    processor.append(processor_seconds() - before)
            row.append(f"{statistics.median(clock):.2f} / {statistics.median(processor):.2f}")
        rows.append(row)
    return rows


def montage(pictures: list[Picture], fills: dict[str, Fill], protocols: str) -> Image.Image:
    """A row for each picture: original, hole, and each fill; the protocols take turns."""
    rows = []
    side = max(max(picture.shape[:2]) for picture in pictures)
    for number, picture in enumerate(pictures[:MONTAGE_ROWS]):
        mask = masks.make(protocols[number % len(protocols)], *picture.shape[:2], number)
        hole = np.where(mask[..., None], np.uint8(255), picture)
        tiles = [picture, hole, *(pasted(fill, picture, mask) for fill in fills.values())]
        rows.append(np.concatenate([_framed(tile, side) for tile in tiles], axis=1))
    return Image.fromarray(np.concatenate(rows))


def _framed(tile: Picture, side: int) -> Picture:
    frame = np.zeros((side + 4, side + 4, 3), np.uint8)
    frame[: tile.shape[0], : tile.shape[1]] = tile
    return frame


def table(head: list[str], rows: list[list[str]]) -> str:
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words = ("FOLDER", "SIDE", "PROTOCOLS")
    parser.add_argument("--set", nargs=3, action="append", metavar=words, dest="sets")
    parser.add_argument("--count", type=int, help="pictures of each set, evenly chosen")
    parser.add_argument("--only", default="", help="parts of fills' names, with commas")
    parser.add_argument("--sides", type=int, nargs="*", default=[256, 512, 1024], help="for speed")
    parser.add_argument("--montage", type=Path, help="folder for a PNG of each set")
    parser.add_argument("--no-quality", action="store_true")
    return parser.parse_args()


def some(pictures: list[Picture], count: int | None) -> list[Picture]:
    """`count` of the pictures, evenly chosen; all where there are no more."""
    if count is None or count >= len(pictures):
        return pictures
    return [pictures[k * len(pictures) // count] for k in range(count)]


def write(name: str, text: str) -> None:
    """Print a table, and keep it at once: the next one may take long."""
    OUTPUT.mkdir(exist_ok=True)
    (OUTPUT / f"{name}.md").write_text(text)
    print(f"{name}\n{text}", flush=True)


def main() -> None:
    args = arguments()
    wanted = args.only.split(",")
    fills = {n: f for n, f in contenders().items() if any(word in n for word in wanted)}
    exemplar.warm_up()
    sets = args.sets or DEFAULT
    for folder, side, protocols in sets:
        sized = [scaled(picture, int(side)) for picture in some(load(folder), args.count)]
        name = f"fill-{Path(folder).name}-{side}"
        if args.montage:
            montage(sized, fills, protocols).save(args.montage / f"{name}.png")
        if not args.no_quality:
            head = ["fill", "masks", "n", *fill_metrics.NAMES, "processor s"]
            write(name, table(head, quality(sized, fills, protocols)))
    if args.sides:
        head = ["fill, median seconds: clock / processor", *(str(side) for side in args.sides)]
        write("fill-speed", table(head, speed(load(sets[0][0]), fills, args.sides)))


if __name__ == "__main__":
    main()
