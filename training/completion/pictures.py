"""Reads a folder of photographs once, and cuts random crops out of them.

The pictures are reduced to a shorter side of `side` pixels and kept as plain bytes in a file that
is mapped into memory, so that drawing a batch decodes nothing.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

Rgb = NDArray[np.uint8]
ENDINGS: Final = (".jpg", ".jpeg", ".png")
PIXELS, INDEX = "pixels.bin", "index.npz"
ENLARGED: Final = 1.5  # at most, of a crop: the app enlarges small regions too


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures as uint8 (h, w, 3) views of one mapped file; `digest` tells which they are."""

    pixels: NDArray[np.uint8]
    sizes: NDArray[np.int64]  # (n, 2): height, width
    digest: str

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> Rgb:
        starts = np.concatenate([[0], np.cumsum(self.sizes.prod(axis=1) * 3)])
        height, width = (int(n) for n in self.sizes[index])
        found = self.pixels[starts[index] : starts[index + 1]]
        return found.reshape(height, width, 3)

    def split(self, held: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Indices to learn from, and `held` others that are never learnt: always the same ones.

        Raises ValueError where nothing would be left to learn from.
        """
        if not 0 < held < len(self):
            raise ValueError(
                f"there must be more pictures than are held out ({held}), got {len(self)}"
            )
        order = np.random.default_rng(0).permutation(len(self))
        return order[held:], order[:held]

    def mean_colour(self) -> NDArray[np.float32]:
        """float32 (3,) in [0, 1], of up to 256 of the pictures."""
        chosen = np.linspace(0, len(self) - 1, min(256, len(self))).astype(int)
        means = [self[int(index)].mean(axis=(0, 1)) for index in chosen]
        return np.asarray(np.mean(means, axis=0) / 255, np.float32)


def open_pictures(folder: Path, cache: Path, side: int = 192) -> Pictures:
    """The pictures of a folder; read, reduced and kept below `cache` at the first call.

    Raises ValueError where there are none, or one cannot be read.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
    if not files:
        raise ValueError(f"{folder} must hold pictures ({', '.join(ENDINGS)}), got none")
    told = [f"{path.name} {path.stat().st_size}" for path in files]
    digest = hashlib.sha256("\n".join(told).encode()).hexdigest()
    place = cache / f"{digest[:16]}-{side}"
    if not (place / INDEX).exists():
        _write(files, place, side)
    with np.load(place / INDEX) as index:
        sizes = index["sizes"]
    pixels = np.memmap(place / PIXELS, np.uint8, mode="r")
    return Pictures(pixels, sizes, digest)


def _write(files: Sequence[Path], place: Path, side: int) -> None:
    place.mkdir(parents=True, exist_ok=True)
    sizes = []
    with (place / PIXELS).open("wb") as out:
        for path in files:
            picture = _read(path, side)
            sizes.append(picture.shape[:2])
            out.write(picture.tobytes())
    unfinished = place / "unfinished.npz"
    np.savez(unfinished, sizes=np.array(sizes, np.int64))
    os.replace(unfinished, place / INDEX)  # last: a folder without it is written again


def _read(path: Path, side: int) -> Rgb:
    try:
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB")
    except OSError as error:
        raise ValueError(f"{path} cannot be read as a picture: {error}") from error
    factor = side / min(image.size)
    if factor < 1:
        size = (round(image.width * factor), round(image.height * factor))
        image = image.resize(size, Image.Resampling.LANCZOS)
    return np.asarray(image)


def crops(
    pictures: Pictures, indices: NDArray[np.int64], count: int, size: int, rng: np.random.Generator
) -> Rgb:
    """Square crops of any scale, half of them mirrored: uint8 (count, size, size, 3)."""
    made = np.empty((count, size, size, 3), np.uint8)
    for target in made:
        picture = pictures[int(indices[rng.integers(len(indices))])]
        shorter = min(picture.shape[:2])
        side = int(rng.integers(min(round(size / ENLARGED), shorter), shorter + 1))
        top, left = (int(rng.integers(n - side + 1)) for n in picture.shape[:2])
        cut = _scaled(picture[top : top + side, left : left + side], size)
        target[:] = cut[:, ::-1] if rng.random() < 0.5 else cut
    return made


def centre(picture: Rgb, size: int) -> Rgb:
    """The middle of a picture as a square: uint8 (size, size, 3)."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return _scaled(picture[top : top + side, left : left + side], size)


def _scaled(square: Rgb, size: int) -> Rgb:
    way = cv2.INTER_AREA if square.shape[0] > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (size, size), interpolation=way), np.uint8)
