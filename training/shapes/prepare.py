"""Make encoded examples ahead of a training, in shards.

    python -m training.shapes.prepare --count 50000
    python -m training.shapes.prepare --count 20000 --controls --out training/output/controls
    python -m training.shapes.prepare --count 60000 --task whole --out training/output/wholes

A shard follows from the seed and its number alone. Shards that are there already are left alone, so
that an interrupted command goes on, and a larger --count adds to what is there.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.random import Generator
from torch import Tensor
from transformers import CLIPTokenizer

from training.loop import OUTPUT
from training.shapes.dataset import shard_path, write_shard
from training.shapes.encoding import Cells, exact_cells, hidden, scaled_latents, touched_cells
from training.shapes.masks import TASKS, Example, render_examples, sample_example
from training.shapes.render import segmentation
from training.shapes.tokenizer import build, token_ids

SHARD: Final = 2000  # examples
CHUNK: Final = 100  # encoded at once
SIZE: Final = 128
# Editors hand over whole cells, some with one more around; the plain pipeline, exact masks.
GROWN, TOUCHED = 0.4, 0.4
CANNY_LOW, CANNY_HIGH = 100, 200  # the thresholds of the app's own edge map


@dataclass(frozen=True)
class Preparation:
    """What a shard is made with: the frozen autoencoder, its device, the seed, control maps.

    `task` is the only one of `masks.TASKS` that is drawn; None draws all, each by its share.
    """

    autoencoder: AutoencoderTiny
    tokenizer: CLIPTokenizer
    seed: int
    controls: bool = False
    device: torch.device = torch.device("cpu")
    task: str | None = None


def cells_of(masks: Tensor, rng: Generator) -> Cells:
    """Masks (N, 1, S, S; bool) as cells: each grown, touched or exact, at random."""
    draw = torch.from_numpy(rng.random(len(masks)))
    ways = (touched_cells(masks, grown=True), touched_cells(masks), exact_cells(masks))
    grown = (draw < GROWN).to(masks.device).view(-1, 1, 1, 1)
    exact = (draw >= GROWN + TOUCHED).to(masks.device).view(-1, 1, 1, 1)

    def pick(part: Callable[[Cells], Tensor]) -> Tensor:
        first, second, third = (part(way) for way in ways)
        return torch.where(grown, first, torch.where(exact, third, second))

    return Cells(pick(lambda way: way.mask), pick(lambda way: way.pixels))


def canny_maps(pictures: Tensor) -> Tensor:
    """Edges of pictures (N, 3, S, S) in [0, 1], packed, uint8 (N, S, S / 8)."""
    pixels = pictures.mul(255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    edges = [cv2.Canny(np.ascontiguousarray(p), CANNY_LOW, CANNY_HIGH) > 0 for p in pixels]
    return torch.from_numpy(np.packbits(np.stack(edges), axis=-1))


def segment_numbers(maps: Tensor) -> Tensor:
    """Semantic maps (N, 3, S, S), whose channels are 0 or 1, as uint8 (N, S, S): r + 2 g + 4 b."""
    weights = torch.tensor([1, 2, 4], device=maps.device).view(1, 3, 1, 1)
    return (maps.round().long() * weights).sum(1).byte()


def encode(
    examples: Sequence[Example], made_with: Preparation, rng: Generator
) -> dict[str, Tensor]:
    """The tensors of some examples, as `dataset` describes them."""
    device = made_with.device
    pictures, masks = render_examples(examples, str(device))
    cells = cells_of(masks, rng)
    seen = pictures.contiguous(memory_format=torch.channels_last)
    masked = hidden(pictures, cells.pixels).contiguous(memory_format=torch.channels_last)
    tensors = {
        "latents": scaled_latents(made_with.autoencoder, seen).half(),
        "masked_latents": scaled_latents(made_with.autoencoder, masked).half(),
        "mask": cells.mask.byte(),
        "token_ids": token_ids(made_with.tokenizer, [e.caption for e in examples]).short(),
        "names_things": torch.tensor([bool(e.said.mentions) for e in examples]),
    }
    if made_with.controls:
        tensors["canny"] = canny_maps(pictures)
        scenes = [example.scene for example in examples]
        tensors["segments"] = segment_numbers(segmentation(scenes, SIZE, str(device)))
    return {name: tensor.cpu() for name, tensor in tensors.items()}


def make_shard(number: int, count: int, made_with: Preparation) -> dict[str, Tensor]:
    """A shard of `count` examples."""
    rng = np.random.default_rng((made_with.seed, number))
    parts = [
        encode([sample_example(rng, SIZE, made_with.task) for _ in range(size)], made_with, rng)
        for size in _sizes(count, CHUNK)
    ]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _sizes(count: int, most: int) -> Iterator[int]:
    for start in range(0, count, most):
        yield min(most, count - start)


def prepare(folder: Path, count: int, made_with: Preparation, size: int = SHARD) -> None:
    """Write the shards that are missing for `count` examples, and say how it goes."""
    total = math.ceil(count / size)
    for number in range(total):
        if shard_path(folder, number).exists():
            continue
        start = time.monotonic()
        write_shard(folder, number, make_shard(number, size, made_with))
        speed = size / (time.monotonic() - start)
        print(f"shard {number + 1} of {total}: {speed:.0f} examples/s", flush=True)


def main(argv: list[str] | None = None) -> None:
    """Make examples as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, default=OUTPUT / "examples")
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--controls", action="store_true", help="edges and semantic maps as well")
    parser.add_argument("--task", choices=TASKS, help="this alone, not all by their shares")
    parser.add_argument("--autoencoder", type=Path, default=OUTPUT / "autoencoder" / "final")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU")
    arguments = parser.parse_args(argv)
    torch.set_num_threads(arguments.threads)
    device = torch.device(arguments.device)
    autoencoder = AutoencoderTiny.from_pretrained(arguments.autoencoder)
    autoencoder = autoencoder.to(device, memory_format=torch.channels_last).eval()
    made_with = Preparation(autoencoder, build(), arguments.seed, arguments.controls, device)
    made_with = replace(made_with, task=arguments.task)
    prepare(arguments.out, arguments.count, made_with)


if __name__ == "__main__":
    main()
