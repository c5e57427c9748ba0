"""Encoded examples on disk and in memory.

A folder holds shards `shard-000.safetensors`, `shard-001.safetensors`, ... of equal keys. N
examples are, on a grid of side / 8 cells:

    latents         float16 (N, 4, h, w)  the picture that is wanted, scaled to unit deviation
    masked_latents  float16 (N, 4, h, w)  the picture with 0 of [-1, 1] under the mask, scaled
    mask            uint8   (N, 1, h, w)  1 = to be painted
    token_ids       int16   (N, 32)       the caption
    names_things    bool    (N,)          whether the caption asks for a thing

and, where they were prepared for a ControlNet, on pixels:

    canny           uint8   (N, side, side / 8)  edges, eight pixels to a byte
    segments        uint8   (N, side, side)      numbers of semantic classes
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

CONTROLS: Final = ("canny", "segments")


def shard_path(folder: Path, number: int) -> Path:
    return folder / f"shard-{number:03d}.safetensors"


def write_shard(folder: Path, number: int, tensors: Mapping[str, Tensor]) -> None:
    """Write a shard whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = shard_path(folder, number)
    unfinished = path.with_suffix(".tmp")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, unfinished)
    os.replace(unfinished, path)


@dataclass(frozen=True)
class Batch:
    """Examples as a training step takes them: see the module; float32, mask 0 or 1."""

    latents: Tensor
    masked_latents: Tensor
    mask: Tensor
    token_ids: Tensor
    names_things: Tensor
    controls: Mapping[str, Tensor]

    def __len__(self) -> int:
        return len(self.latents)

    def part(self, rows: slice | Tensor) -> "Batch":
        """Some of its examples."""
        return Batch(
            latents=self.latents[rows],
            masked_latents=self.masked_latents[rows],
            mask=self.mask[rows],
            token_ids=self.token_ids[rows],
            names_things=self.names_things[rows],
            controls={name: held[rows] for name, held in self.controls.items()},
        )


class Examples:
    """All examples of a folder, held in memory as they are on disk and drawn in random order.

    Every pass begins with the shards that were added meanwhile. Raises FileNotFoundError where
    there is none.
    """

    def __init__(
        self, folder: Path, rng: np.random.Generator, device: torch.device | str = "cpu"
    ) -> None:
        self.folder, self.rng, self.device = folder, rng, torch.device(device)
        self._read: set[Path] = set()
        self._all: dict[str, Tensor] = {}
        self._order = np.empty(0, np.int64)
        self._next = 0
        self.refresh()
        if not self._read:
            raise FileNotFoundError(
                f"{folder} holds no shard-*.safetensors; make some: "
                f"python -m training.shapes.prepare --out {folder}"
            )

    def __len__(self) -> int:
        return len(self._all["latents"]) if self._all else 0

    def refresh(self) -> None:
        """Read the shards that are new, and begin a new pass."""
        new = [path for path in sorted(self.folder.glob("shard-*.safetensors"))]
        new = [path for path in new if path not in self._read]
        parts = [load_file(path, device=str(self.device)) for path in new]
        if parts:
            held = [self._all] if self._all else []
            self._all = {name: torch.cat([p[name] for p in (*held, *parts)]) for name in parts[0]}
            self._read.update(new)
        self._order = self.rng.permutation(len(self))
        self._next = 0

    def draw(self, count: int) -> Batch:
        """The next `count` examples of this pass, or of a new one where it has fewer left."""
        if self._next + count > len(self._order):
            self.refresh()
        rows = torch.from_numpy(self._order[self._next : self._next + count]).to(self.device)
        self._next += count
        return self.batch(rows)

    def batch(self, rows: Tensor) -> Batch:
        """The examples of these numbers."""
        held = {name: tensor[rows] for name, tensor in self._all.items()}
        return Batch(
            latents=held["latents"].float(),
            masked_latents=held["masked_latents"].float(),
            mask=held["mask"].float(),
            token_ids=held["token_ids"].long(),
            names_things=held["names_things"],
            controls={name: held[name] for name in CONTROLS if name in held},
        )
