"""How much of a wrong colour the colour match takes away: photographs, masks, simulated patches.

    python -m benchmarks.colour_match [--pictures DIR] [--side 512]

A patch is the photograph itself, its colours made wrong in a known way, a little blurred and
noisy as a decoder makes it, with two foreign things painted into the mask. So the truth under the
mask is known. `round trip` needs no made-up error: it is what the autoencoder of the embedded model
returns. Without --pictures, the photographs that scikit-image ships are used. ΔE is CIE76 of the
low frequencies (Gaussian, 6 px), its median inside the mask.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from benchmarks.masks import make
from genimg_ui.core.colour_match import Matched, match_colours
from genimg_ui.core.report import colour_shift, seam_score
from genimg_ui.core.request import ColourMatch

ROOT = Path(__file__).resolve().parent.parent
VAE = ROOT / "assets" / "models" / "shapes" / "vae"
SKIMAGE = ("astronaut", "chelsea", "coffee", "rocket", "brick", "grass", "gravel", "camera")
Rgb = NDArray[np.uint8]
Floats = NDArray[np.float32]
Wrong = Callable[[Floats, Generator], Floats]
THINGS = 2  # foreign things in each mask, which no correction may take for a tint
WORSE = 0.2  # ΔE: from here on an edit counts as worsened


def offset(picture: Floats, rng: Generator) -> Floats:
    return picture + rng.uniform(-12, 12, 3).astype(np.float32)


def gain(picture: Floats, rng: Generator) -> Floats:
    return picture * rng.uniform(0.9, 1.1, 3).astype(np.float32)


def gamma(picture: Floats, rng: Generator) -> Floats:
    return 255 * (picture / 255) ** np.exp(rng.uniform(-0.15, 0.15, 3)).astype(np.float32)


def slope(picture: Floats, rng: Generator) -> Floats:
    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    tilt = (x / width - 0.5) * rng.normal() + (y / height - 0.5) * rng.normal()
    return picture + tilt[..., None].astype(np.float32) * rng.uniform(-40, 40, 3)


@torch.no_grad()
def round_trip(picture: Floats, _rng: Generator, *, vae: AutoencoderTiny) -> Floats:
    height, width = picture.shape[:2]
    padded = np.pad(picture, ((0, -height % 8), (0, -width % 8), (0, 0)), mode="edge")
    pixels = torch.from_numpy(padded / 127.5 - 1).permute(2, 0, 1)[None].float()
    decoded = vae.decode(vae.encode(pixels).latents).sample[0].permute(1, 2, 0)
    return ((decoded.numpy() + 1) * 127.5)[:height, :width]


def patch_of(picture: Rgb, mask: NDArray[np.bool_], wrong: Wrong, rng: Generator) -> Rgb:
    """What an engine returns for the crop."""
    made = cv2.GaussianBlur(wrong(picture.astype(np.float32), rng), (0, 0), 0.8)
    made = np.ascontiguousarray(made + rng.normal(0, 2, picture.shape), np.float32)
    rows, columns = np.nonzero(mask)
    for _ in range(THINGS):
        at = rng.integers(len(rows))
        centre = (int(columns[at]), int(rows[at]))
        cv2.circle(made, centre, int(rng.integers(6, 20)), rng.uniform(0, 255, 3).tolist(), -1)
    return np.clip(made + 0.5, 0, 255).astype(np.uint8)


def lab_of(picture: Rgb) -> Floats:
    lab = cv2.cvtColor(picture.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
    return np.asarray(cv2.GaussianBlur(lab, (0, 0), 6), np.float32)


def figures(picture: Rgb, mask: NDArray[np.bool_], patch: Rgb, found: Matched) -> list[float]:
    """Ring error, error inside, colour shift and seam, each before and after; worsened or not."""
    composite = np.where(mask, np.uint8(255), np.uint8(0))
    row = [found.error_before or 0.0, found.error_after or 0.0]
    pair = (patch, found.patch)
    inside = [
        float(np.median(np.linalg.norm(lab_of(p) - lab_of(picture), axis=2)[mask])) for p in pair
    ]
    pasted = [np.where(mask[..., None], p, picture) for p in pair]
    row += inside
    row += [colour_shift(p, composite) for p in pasted]
    row += [seam_score(p, composite) for p in pasted]
    return [*row, float(inside[1] > inside[0] + WORSE)]


def load(folder: Path | None, side: int) -> list[Rgb]:
    """RGB pictures with `side` as their longer side."""
    if folder is None:
        found = [Image.fromarray(getattr(data, name)()) for name in SKIMAGE]
    else:
        files = sorted(p for p in folder.iterdir() if p.suffix.lower() in {".png", ".jpg"})
        found = [Image.open(file) for file in files]
    return [np.asarray(_scaled(image.convert("RGB"), side)) for image in found]


def _scaled(image: Image.Image, side: int) -> Image.Image:
    factor = side / max(image.size)
    size = (round(image.width * factor), round(image.height * factor))
    return image.resize(size, Image.Resampling.LANCZOS)


def row_of(pictures: list[Rgb], name: str, wrong: Wrong, mode: ColourMatch) -> str:
    """One line of the table: means over the pictures, with the masks a, b and c in turn."""
    rows, applied, seconds = [], 0, 0.0
    for index, picture in enumerate(pictures):
        rng = np.random.default_rng(index)
        mask = make("abc"[index % 3], *picture.shape[:2], index)
        patch = patch_of(picture, mask, wrong, rng)
        started = time.perf_counter()
        found = match_colours(patch, picture, np.where(mask, np.uint8(255), np.uint8(0)), mode)
        seconds += time.perf_counter() - started
        applied += found.applied is not ColourMatch.OFF
        rows.append(figures(picture, mask, patch, found))
    mean = np.mean(rows, axis=0)
    pairs = [f"{mean[i]:.2f} → {mean[i + 1]:.2f}" for i in (0, 2, 4, 6)]
    worse = int(np.sum(rows, axis=0)[8])
    done = f"{applied} of {len(rows)}"
    cells = [name, str(mode), done, *pairs, str(worse), f"{1000 * seconds / len(rows):.0f}"]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, help="a folder of photographs")
    parser.add_argument("--side", type=int, default=512, help="longer side in pixels")
    flags = parser.parse_args()
    pictures = load(flags.pictures, flags.side)
    vae = AutoencoderTiny.from_pretrained(VAE).eval()
    kinds: dict[str, Wrong] = {
        "none": lambda picture, _: picture,
        "offset": offset,
        "gain": gain,
        "gamma": gamma,
        "slope": slope,
        "round trip": partial(round_trip, vae=vae),
    }
    print("| error | match | applied | ring | inside | colour shift | seam | worsened | ms |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, wrong in kinds.items():
        for mode in (ColourMatch.OFFSET, ColourMatch.BLEND, ColourMatch.SEAM):
            print(row_of(pictures, name, wrong, mode), flush=True)


if __name__ == "__main__":
    main()
