"""Pictures of anything but the world, which an autoencoder has to carry as well."""

import numpy as np
import torch
from torch import Tensor

from training.shapes.patterns import clouds
from training.shapes.render import shape_coverage
from training.shapes.scenes import Background, Thing
from training.shapes.words import SHAPES


def dead_leaves(rng: np.random.Generator, count: int, size: int = 128) -> Tensor:
    """Pictures of anything else, float32 (count, 3, size, size) in 0..1, on the CPU.

    Shapes of any colour and size over one another, each flat or mottled, half of them on mottled
    ground, some with noise: what an autoencoder has to carry besides the world.
    """
    return (
        torch.stack([_leaves(rng, size) for _ in range(count)])
        if count
        else torch.zeros(0, 3, size, size)
    )


def _leaves(rng: np.random.Generator, size: int) -> Tensor:
    picture = _mottled(rng, size)
    things = [
        Thing(
            str(rng.choice(SHAPES)),
            "",
            (0.0, 0.0, 0.0),
            float(rng.uniform(-0.1, 1.1)),
            float(rng.uniform(-0.1, 1.1)),
            float(np.exp(rng.uniform(np.log(0.03), np.log(0.4)))),
            float(rng.uniform(0, 2 * np.pi)),
        )
        for _ in range(int(rng.integers(2, 14)))
    ]
    for alpha in shape_coverage(things, size):
        picture = torch.lerp(picture, _mottled(rng, size), alpha)
    if rng.random() < 0.3:
        picture += torch.from_numpy(rng.normal(0, 0.03, (3, size, size)).astype(np.float32))
    return picture.clamp(0, 1)


def _mottled(rng: np.random.Generator, size: int) -> Tensor:
    """One colour, or two that flow into each other."""
    first = torch.from_numpy(rng.random((3, 1, 1), dtype=np.float32))
    second = torch.from_numpy(rng.random((3, 1, 1), dtype=np.float32))
    if rng.random() < 0.5:
        return first.expand(3, size, size).clone()
    ground = Background(
        "cloudy",
        "",
        None,
        (0, 0, 0),
        (0, 0, 0),
        period=1 / int(rng.integers(1, 9)),
        seed=int(rng.integers(2**31)),
    )
    return torch.lerp(first, second, clouds(ground, size))
