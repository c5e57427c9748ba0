"""The discriminators of Iizuka et al. 2017: one sees the whole picture, one what is near the hole.

Each is a tower of 5 × 5 convolutions of stride 2, each doubling the width up to eightfold, and a
fully connected layer; their vectors are concatenated, and one more layer judges. There is no batch
normalisation, which would let one picture of a batch tell of the others.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

WHICH: Final = {"both": (True, True), "global": (True, False), "local": (False, True)}
SMALLEST: Final = 6  # pixels along the side of the last convolution's result, at most
VECTOR: Final = 16  # numbers of a tower's vector for each one of its width: 1024 of 64


class Tower(nn.Module):
    """Pictures (N, 3, side, side) in [0, 1] → vectors (N, 16 · width), and what each layer saw."""

    def __init__(self, side: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        given = 3
        while side > SMALLEST or not layers:
            made = min(8 * width, width * 2 ** len(layers))
            layers.append(nn.Conv2d(given, made, 5, 2, 2))
            given, side = made, (side + 1) // 2
        self.layers = nn.ModuleList(layers)
        self.vector = nn.Linear(given * side * side, VECTOR * width)

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        values, seen = image * 2 - 1, []
        for layer in self.layers:
            values = functional.leaky_relu(layer(values), 0.2)
            seen.append(values)
        return functional.leaky_relu(self.vector(values.flatten(1)), 0.2), seen


class Discriminators(nn.Module):
    """One judgement by the towers that `which` names: `both`, `global` or `local`.

    `side` is that of the pictures; the local one sees a square of half of it around the hole.
    """

    def __init__(self, which: str, side: int, width: int) -> None:
        super().__init__()
        whole, near = WHICH[which]
        self.near_side = side // 2
        self.whole = Tower(side, width) if whole else None
        self.near = Tower(self.near_side, width) if near else None
        self.judge = nn.Linear((whole + near) * VECTOR * width, 1)

    def forward(self, image: Tensor, hole: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits (N, 1), positive = real, and the layers' features, for feature matching."""
        vectors, features = [], []
        for tower, shown in (
            (self.whole, image),
            (self.near, around(image, hole, self.near_side) if self.near is not None else image),
        ):
            if tower is not None:
                vector, seen = tower(shown)
                vectors.append(vector)
                features += seen
        return self.judge(torch.cat(vectors, 1)), features


def around(image: Tensor, hole: Tensor, side: int) -> Tensor:
    """The square of each picture whose middle is that of its hole's box: (N, C, side, side)."""
    tops, lefts = (_starts(hole[:, 0].amax(axis), side) for axis in (2, 1))
    pairs = zip(tops, lefts, strict=True)
    return torch.stack([image[n, :, y : y + side, x : x + side] for n, (y, x) in enumerate(pairs)])


def _starts(covered: Tensor, side: int) -> list[int]:
    """Where the squares begin along one axis; `covered` is (N, length), above 0 in the hole."""
    length = covered.shape[1]
    held = (covered > 0).int()
    first, last = held.argmax(1), length - 1 - held.flip(1).argmax(1)
    starts = ((first + last + 1) // 2 - side // 2).clamp(0, length - side)
    return [int(start) for start in starts]
