"""The exemplar fill on a large picture: seconds, memory, and how long a cancel may wait.

    python benchmarks/fill_large.py [--megapixels 12] [--share 0.1] [--modes remove,balanced]

A square hole of `--share` of the picture, or with `--border` a border at its right of that share.
Printed for each mode: seconds of the clock and of the processor, the peak of resident memory over
what the process had before as a multiple of the picture's bytes, and the longest processor time of
the filling thread between two looks at the cancel token, with where it lay. On one thread, so that
this is all the work between the two looks.
"""

import argparse
import inspect
import resource
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from genimg_ui.core.fill import exemplar  # noqa: E402  # the package is found by the path above
from genimg_ui.core.request import FillMode  # noqa: E402

MEGA = 1e6
KIB = 1024


class Waits:
    """A cancel token that keeps the longest waits, with the functions that asked around them."""

    def __init__(self) -> None:
        self._last, self._place = time.thread_time(), "start"
        self.all: list[tuple[float, str]] = []

    def __call__(self, place: str = "") -> None:
        now = time.thread_time()
        if not place:
            frames = inspect.stack(context=0)[2:4]
            place = " < ".join(f"{frame.function}:{frame.lineno}" for frame in frames)
        self.all.append((now - self._last, f"{self._place} → {place}"))
        self._last, self._place = time.thread_time(), place


def picture(megapixels: float) -> NDArray[np.uint8]:
    """A photograph enlarged to 4:3."""
    height = round((megapixels * MEGA * 3 / 4) ** 0.5)
    size = (round(height * 4 / 3), height)
    return np.ascontiguousarray(cv2.resize(data.coffee(), size, interpolation=cv2.INTER_CUBIC))


def hole(shape: tuple[int, int], share: float, *, border: bool) -> NDArray[np.bool_]:
    height, width = shape
    mask = np.zeros(shape, np.bool_)
    if border:
        mask[:, round(width * (1 - share)) :] = True
        return mask
    side = round((height * width * share) ** 0.5)
    top, left = (height - side) // 2, (width - side) // 2
    mask[top : top + side, left : left + side] = True
    return mask


def resident_peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, default=12.0)
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--border", action="store_true")
    parser.add_argument("--modes", default="remove,extend,balanced,closest")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    cv2.setNumThreads(args.threads)
    exemplar.warm_up()
    image = picture(args.megapixels)
    mask = hole(image.shape[:2], args.share, border=args.border)
    for mode in args.modes.split(","):
        before, waits = resident_peak(), Waits()
        clock, processor = time.perf_counter(), time.process_time()
        exemplar.fill(image, mask, seed=1, mode=FillMode(mode), cancel=waits, threads=args.threads)
        waits("end")
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
        memory = (resident_peak() - before) / image.nbytes
        print(f"{mode}: {clock:.2f} s, {processor:.2f} s of the processor, {memory:.1f} × memory")
        for seconds, place in sorted(waits.all, reverse=True)[:5]:
            print(f"  {1000 * seconds:.0f} ms  {place}", flush=True)


if __name__ == "__main__":
    main()
