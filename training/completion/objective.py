"""The losses, and one step of each of the three phases.

First the network alone learns to reconstruct; then the discriminators alone learn to tell its
pictures from real ones; then both learn (Iizuka et al. 2017, algorithm 1).
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.completion.batches import Batch
from training.completion.discriminators import Discriminators
from training.completion.recipe import Recipe
from training.parallel import Lanes


class Phase(StrEnum):
    """What learns."""

    RECONSTRUCTION = "reconstruction"
    DISCRIMINATORS = "discriminators"
    BOTH = "both"


def phase_at(recipe: Recipe, fraction: float) -> Phase:
    """The phase at a fraction (0..1) of the budget; without discriminators always the first."""
    if recipe.discriminators == "none" or fraction < recipe.reconstruction:
        return Phase.RECONSTRUCTION
    if fraction < recipe.reconstruction + recipe.discriminators_alone:
        return Phase.DISCRIMINATORS
    return Phase.BOTH


def hole_loss(made: Tensor, batch: Batch, kind: str, share: float) -> Tensor:
    """Mean error in the hole, of `l2` (the paper's) or `l1`; `share` is the batch's mean hole."""
    difference = (made - batch.image) * batch.hole
    errors = difference.square() if kind == "l2" else difference.abs()
    return errors.mean() / share


@dataclass(eq=False)
class Learners:
    """The network, its discriminators (None: `none`), and what computes their gradients."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    lanes: Lanes
    critic: Discriminators | None
    critic_optimizer: torch.optim.Optimizer | None
    critic_lanes: Lanes | None


class Lesson:
    """Runs single steps on batches."""

    def __init__(self, learners: Learners, recipe: Recipe) -> None:
        self._on, self._recipe = learners, recipe

    def step(self, batch: Batch, phase: Phase) -> Mapping[str, Tensor]:
        """One step of the phase; the losses by name."""
        made = torch.empty_like(batch.image)
        values: dict[str, Tensor] = {}
        if phase is Phase.DISCRIMINATORS:
            with torch.no_grad(), self._low(batch):
                made = self._on.network(batch.image, batch.hole).float()
        else:
            values["loss"] = self._paint(batch, made, fooling=phase is Phase.BOTH)
        if phase is not Phase.RECONSTRUCTION:
            values["discriminators"] = self._judge(batch, made)
        return values

    def _paint(self, batch: Batch, made: Tensor, *, fooling: bool) -> Tensor:
        """A step of the network, whose pictures are written into `made`."""
        on, recipe, share = self._on, self._recipe, float(batch.hole.mean())

        def loss_of(rows: slice) -> Tensor:
            part = batch.part(rows)
            with self._low(batch):
                answer = on.network(part.image, part.hole)
            painted: Tensor = answer.float()
            made[rows] = painted.detach()
            loss = hole_loss(painted, part, recipe.loss, share)
            return loss + self._fooled(painted, part) if fooling else loss

        loss = on.lanes.backward(loss_of, len(batch))
        nn.utils.clip_grad_norm_(on.network.parameters(), recipe.clip)
        on.optimizer.step()
        return loss

    def _fooled(self, painted: Tensor, part: Batch) -> Tensor:
        """Small where the discriminators take what was painted for real (Goodfellow 2014)."""
        recipe, critic = self._recipe, self._on.critic
        assert critic is not None
        with self._low(part):
            logits, seen = critic(part.completed(painted), part.hole)
        loss = recipe.adversarial * functional.softplus(-logits.float()).mean()
        if recipe.feature_matching == 0:
            return loss
        with torch.no_grad(), self._low(part):
            _, wanted = critic(part.image, part.hole)
        apart = [
            functional.l1_loss(a.float(), b.float()) for a, b in zip(seen, wanted, strict=True)
        ]
        return loss + recipe.feature_matching * torch.stack(apart).mean()

    def _judge(self, batch: Batch, made: Tensor) -> Tensor:
        """A step of the discriminators: softplus(-real) + softplus(painted)."""
        critic, lanes = self._on.critic, self._on.critic_lanes
        assert critic is not None and lanes is not None and self._on.critic_optimizer is not None
        painted = batch.completed(made)

        def loss_of(rows: slice) -> Tensor:
            part = batch.part(rows)
            with self._low(batch):
                real, _ = critic(part.image, part.hole)
                false, _ = critic(painted[rows], part.hole)
            told: Tensor = functional.softplus(-real.float()) + functional.softplus(false.float())
            return told.mean()

        loss = lanes.backward(loss_of, len(batch))
        self._on.critic_optimizer.step()
        return loss

    def _low(self, batch: Batch) -> AbstractContextManager[Any]:
        if not self._recipe.bfloat16:
            return nullcontext()
        return torch.autocast(batch.image.device.type, torch.bfloat16)
