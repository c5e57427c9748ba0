"""What a network learns from: crops of photographs, and holes of the kinds that edits have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genimg_ui.evaluation.mask_shapes import Blob, Border, MaskShape, Rectangles, Strokes
from genimg_ui.evaluation.masks import draw

HOLES: Final[Mapping[str, MaskShape]] = MappingProxyType(
    {
        "rectangles": Rectangles(),  # of the published protocol
        "strokes": Strokes(),
        "blob": Blob(),
        "border": Border(),
    }
)


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures (N, 3, S, S) in [0, 1], and their holes (N, 1, S, S), 1 = fill."""

    image: Tensor
    hole: Tensor

    def __len__(self) -> int:
        return len(self.image)

    def part(self, rows: slice) -> "Batch":
        return Batch(self.image[rows], self.hole[rows])

    def completed(self, made: Tensor) -> Tensor:
        """The pictures with what was made in their holes: what is judged, and what is shown."""
        return torch.where(self.hole > 0, made, self.image)


def to_batch(pixels: NDArray[np.uint8], holes: NDArray[np.uint8], device: torch.device) -> Batch:
    """uint8 (N, S, S, 3) and masks (N, S, S), 255 = fill, as tensors."""
    image = torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).contiguous().float() / 255
    return Batch(image, torch.from_numpy(holes).to(device)[:, None].float() / 255)


def draw_holes(
    kinds: Sequence[str], count: int, size: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Masks uint8 (count, size, size), 255 = fill, each of one of the `kinds` by chance.

    A kind that is named twice comes twice as often.
    """
    made = np.empty((count, size, size), np.uint8)
    for target in made:
        shape = HOLES[kinds[int(rng.integers(len(kinds)))]]
        target[:] = draw(shape, int(rng.integers(2**32)), size, size)
    return made
