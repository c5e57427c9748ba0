"""Compare the exemplar fill with peers: quality on photographs, seconds, a montage to look at.

    python benchmarks/fill.py [--pictures DIR] [--side 256] [--montage OUT.png]

Without --pictures, the photographs that scikit-image ships are used. Tables are printed and
written to benchmarks/output/.
"""

import argparse
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
SPEED_PICTURES = 3
SPEED_PROTOCOLS = "ac"
MONTAGE_ROWS = 12

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Fill = Callable[[Picture, Mask], Picture]


def load(folder: Path | None) -> list[tuple[str, Picture]]:
    """Name and RGB pixels of each picture, in the order of the names."""
    if folder is None:
        return [(name, _rgb(getattr(data, name)())) for name in SKIMAGE]
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in {".png", ".jpg", ".jpeg"})
    return [(file.stem, np.asarray(Image.open(file).convert("RGB"))) for file in files]


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
                fill_metrics.measure(pasted(fill, picture, mask), picture, mask)
                for number, picture in enumerate(pictures)
                for mask in [masks.make(protocol, *picture.shape[:2], number)]
            ]
            every += values
            rows.append(_row(name, protocol, values))
        if len(protocols) > 1:
            rows.append(_row(name, "all", every))
    order = {protocol: k for k, protocol in enumerate(["all", *protocols])}
    return sorted(rows, key=lambda row: order[row[1]])


def _row(name: str, protocol: str, values: list[tuple[float, ...]]) -> list[str]:
    means = np.mean(values, axis=0)
    # A hole in a flat area has next to no Laplacian to compare with: the mean would be its alone.
    means[-1] = np.median([value[-1] for value in values])
    digits = (4, 2, 3, 4, 2)
    words = [f"{mean:.{digit}f}" for mean, digit in zip(means, digits, strict=True)]
    return [name, protocol, str(len(values)), *words]


def speed(pictures: list[Picture], fills: dict[str, Fill], sides: list[int]) -> list[list[str]]:
    """Median seconds over a few pictures and masks, at each longer side."""
    rows = []
    for name, fill in fills.items():
        row = [name]
        for side in sides:
            spent = []
            for number, picture in enumerate(pictures[:SPEED_PICTURES]):
                sized = scaled(picture, side)
                for protocol in SPEED_PROTOCOLS:
                    mask = masks.make(protocol, *sized.shape[:2], number)
                    start = time.perf_counter()
                    fill(sized, mask)
                    spent.append(time.perf_counter() - start)
            row.append(f"{statistics.median(spent):.3f}")
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
    parser.add_argument("--pictures", type=Path, help="folder; default: scikit-image's photographs")
    parser.add_argument("--side", type=int, default=256, help="longer side for quality and montage")
    parser.add_argument("--protocols", default="abcd")
    parser.add_argument("--only", default="", help="parts of fills' names, with commas")
    parser.add_argument("--sides", type=int, nargs="*", default=[256, 512, 1024], help="for speed")
    parser.add_argument("--montage", type=Path)
    parser.add_argument("--no-quality", action="store_true")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    pictures = [picture for _, picture in load(args.pictures)]
    sized = [scaled(picture, args.side) for picture in pictures]
    wanted = args.only.split(",")
    fills = {n: f for n, f in contenders().items() if any(word in n for word in wanted)}
    exemplar.warm_up()
    tables = []
    if args.montage:
        montage(sized, fills, args.protocols).save(args.montage)
    if not args.no_quality:
        head = ["fill", "masks", "n", *fill_metrics.NAMES]
        tables.append(table(head, quality(sized, fills, args.protocols)))
    if args.sides:
        head = ["fill, median seconds", *(str(side) for side in args.sides)]
        tables.append(table(head, speed(pictures, fills, args.sides)))
    OUTPUT.mkdir(exist_ok=True)
    name = args.pictures.name if args.pictures else "skimage"
    (OUTPUT / f"fill-{name}-{args.side}.md").write_text("\n".join(tables))
    sys.stdout.write("\n".join(tables))


if __name__ == "__main__":
    main()
