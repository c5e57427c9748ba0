"""What may be chosen for a training of a completion network."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from genimg_ui.backend.completion.weights import ARCHITECTURES, NetworkConfig
from training.completion.batches import HOLES
from training.completion.discriminators import WHICH

FILE = "recipe.json"
LOSSES = ("l2", "l1")
DISCRIMINATORS = (*WHICH, "none")


@dataclass(frozen=True)
class Recipe:
    """The choices, with the paper's own phases, loss and weight of the discriminators.

    `reconstruction` and `discriminators_alone` are parts of the budget (90,000 and 10,000 of
    500,000 steps in the paper); the rest is for both. `size` is the side of the crops in pixels.
    """

    architecture: str = "fourier"
    width: int = 32
    blocks: int = 8
    size: int = 96
    batch: int = 32
    rate: float = 1e-3
    discriminator_rate: float = 2e-4
    warmup: int = 200
    clip: float = 1.0  # largest norm of a gradient
    loss: str = "l2"
    discriminators: str = "both"
    discriminator_width: int = 32  # 64 in the paper
    reconstruction: float = 0.18
    discriminators_alone: float = 0.02
    adversarial: float = 0.0004
    feature_matching: float = 0.0
    holes: tuple[str, ...] = tuple(HOLES)
    bfloat16: bool = False
    held: int = 32  # pictures that are only looked at
    sample_minutes: float = 6.0

    def __post_init__(self) -> None:
        _one_of("architecture", self.architecture, tuple(ARCHITECTURES))
        _one_of("loss", self.loss, LOSSES)
        _one_of("discriminators", self.discriminators, DISCRIMINATORS)
        for hole in self.holes:
            _one_of("holes", hole, tuple(HOLES))
        if self.size % 8 or self.size < 16:
            raise ValueError(f"size must be a multiple of 8 from 16, got {self.size}")
        if not 0 <= self.reconstruction <= 1 - self.discriminators_alone <= 1:
            raise ValueError(
                "reconstruction and discriminators_alone must be parts of 1, got "
                f"{self.reconstruction} and {self.discriminators_alone}"
            )

    @property
    def config(self) -> NetworkConfig:
        """The network that it trains."""
        return NetworkConfig(
            architecture=self.architecture,
            width=self.width,
            blocks=self.blocks,
            trained_side=self.size,
        )


def hold_to(recipe: Recipe, folder: Path) -> None:
    """Keep the recipe in the run's folder; a run that goes on must have the same.

    Raises ValueError that names what differs.
    """
    path, told = folder / FILE, json.loads(json.dumps(asdict(recipe)))
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        other = [name for name in told if before.get(name) != told[name]]
        if other:
            words = ", ".join(f"{name} {before.get(name)} (now {told[name]})" for name in other)
            raise ValueError(f"{folder} holds a run with {words}; choose another --out")
    path.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def _one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f'{name} must be one of {", ".join(allowed)}, got "{value}"')
