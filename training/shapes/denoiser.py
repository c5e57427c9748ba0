"""Train the denoiser: latents under a mask, for a caption.

    python -m training.shapes.denoiser --minutes 60

It reads the shards that `training.shapes.prepare` writes, those that come later too, and the frozen
autoencoder and text encoder. The averaged weights are written to `unet` in the run folder every
few minutes, beside a grid of samples, and to `final` at the end.
"""

import argparse
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from torch import Tensor, nn

from training.loop import OUTPUT, Options, Run, add_arguments, options_from, prepare_device
from training.parallel import Lanes
from training.shapes.dataset import Batch, Examples
from training.shapes.diffusion import (
    Predict,
    add_noise,
    build_unet,
    inpaint_predict,
    stratified_timesteps,
    velocity_loss,
)
from training.shapes.samples import Cases, Trial, Trials, inpaint_cases, save_grid
from training.shapes.text import TEXT_ENCODER, FrozenText

# Below this timestep the picture is mostly there already. Captions of other examples teach that
# it then wins over the text, so that a low strength keeps what stands there.
PICTURE_WINS: Final = 400
SWAPPED: Final = 0.5  # of the captions of things below it

Bind = Callable[[UNet2DConditionModel, Batch], Predict]


@dataclass(frozen=True)
class Recipe:
    """What may be chosen for a training of the denoiser."""

    rate: float = 1e-3
    batch: int = 64
    warmup: int = 200
    bfloat16: bool = False
    sample_minutes: float = 6.0


@dataclass(frozen=True)
class Sources:
    """The folders that a training reads."""

    shards: Path
    autoencoder: Path
    text_encoder: Path


@dataclass(frozen=True)
class Subject:
    """What is trained: the network to begin with, how it sees a batch, and what it is tried on."""

    begin: Callable[[], UNet2DConditionModel]
    bind: Bind = inpaint_predict
    cases: Callable[[], Cases] = inpaint_cases


def training_ids(batch: Batch, timesteps: Tensor) -> Tensor:
    """The batch's token numbers, half of those of things at low noise taken from its neighbour."""
    chance = torch.rand(len(batch), device=timesteps.device)
    swap = batch.names_things & (timesteps < PICTURE_WINS) & (chance < SWAPPED)
    return torch.where(swap[:, None], batch.token_ids.roll(1, 0), batch.token_ids)


def loss_of_parts(
    unet: UNet2DConditionModel,
    text: FrozenText,
    batch: Batch,
    *,
    bind: Bind = inpaint_predict,
    bfloat16: bool = False,
) -> Callable[[slice], Tensor]:
    """The loss of parts of a batch, all that is random about it drawn beforehand."""
    timesteps = stratified_timesteps(len(batch), batch.latents.device)
    noised = add_noise(batch.latents, timesteps)
    ids = training_ids(batch, timesteps)

    def loss(rows: slice) -> Tensor:
        part, at = batch.part(rows), noised.part(rows)
        low = torch.autocast(timesteps.device.type, torch.bfloat16) if bfloat16 else nullcontext()
        with low:
            states = text.states(ids[rows])
            predicted = bind(unet, part)(at.latents, at.timesteps, states)
        return velocity_loss(predicted, at, part.mask)

    return loss


def begin(start: Path | None) -> UNet2DConditionModel:
    """An untrained network, or the one in the folder `start`, in single precision."""
    return build_unet() if start is None else UNet2DConditionModel.from_pretrained(start)


def train(options: Options, recipe: Recipe, sources: Sources, subject: Subject) -> None:
    """Train within the budget; writes out/final."""
    device = prepare_device(options)
    text = FrozenText(sources.text_encoder, device)
    unet = subject.begin().to(device, memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(
        unet.parameters(), lr=recipe.rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True
    )
    run = Run(options, unet, optimizer, rng=np.random.default_rng(options.seed))
    lanes = Lanes(list(unet.parameters()), options.threads if device.type == "cpu" else 1)
    examples = Examples(sources.shards, run.rng, device)
    autoencoder = AutoencoderTiny.from_pretrained(sources.autoencoder).to(device).eval()
    trials = Trials(autoencoder, text, subject.cases())
    size = sum(p.numel() for p in unet.parameters())
    run.say(f"{size} parameters on {device}, {len(examples)} examples at first")
    for tick in run:
        tick.set_rate(recipe.rate, recipe.warmup)
        batch = examples.draw(recipe.batch)
        parts = loss_of_parts(unet, text, batch, bind=subject.bind, bfloat16=recipe.bfloat16)
        loss = lanes.backward(parts, recipe.batch)
        nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        optimizer.step()
        run.record(pictures=recipe.batch, loss=loss)
        if run.due("samples", recipe.sample_minutes):
            look(run, trials, unet, subject.bind)
            run.say(f"{len(examples)} examples")
    look(run, trials, unet, subject.bind)
    run.average.copy_to(unet)
    unet.to(memory_format=torch.contiguous_format).save_pretrained(options.out / "final")


def look(run: Run, trials: Trials, unet: UNet2DConditionModel, bind: Bind) -> None:
    """Write the averaged weights and a grid of what they draw, and say how it is judged."""
    with run.average.applied_to(unet):
        unet.save_pretrained(run.options.out / "unet")
        trial = Trial(lambda batch: bind(unet, batch))
        save_grid(trials.gallery(trial), run.options.out / f"samples-{run.step:06d}.png")
        run.say(trials.score(trial))


def add_recipe(parser: argparse.ArgumentParser, *, rate: float, shards: str) -> None:
    """Give a command the flags of `Recipe` and `Sources`; `shards` is a folder's name."""
    parser.add_argument("--rate", type=float, default=rate, help="peak learning rate")
    parser.add_argument("--batch", type=int, default=Recipe.batch)
    parser.add_argument("--bfloat16", action="store_true", help="where it is enough")
    parser.add_argument("--shards", type=Path, default=OUTPUT / shards)
    parser.add_argument("--autoencoder", type=Path, default=OUTPUT / "autoencoder" / "final")
    parser.add_argument("--text-encoder", type=Path, default=TEXT_ENCODER)


def recipe_from(arguments: argparse.Namespace) -> tuple[Recipe, Sources]:
    """What `add_recipe` asked for."""
    recipe = Recipe(rate=arguments.rate, batch=arguments.batch, bfloat16=arguments.bfloat16)
    return recipe, Sources(arguments.shards, arguments.autoencoder, arguments.text_encoder)


def main(argv: list[str] | None = None) -> None:
    """Train as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    add_arguments(parser, "denoiser", minutes=60)
    add_recipe(parser, rate=Recipe.rate, shards="examples")
    parser.add_argument("--start", type=Path, help="folder of a trained unet to go on from")
    arguments = parser.parse_args(argv)
    subject = Subject(lambda: begin(arguments.start))
    train(options_from(arguments), *recipe_from(arguments), subject)


if __name__ == "__main__":
    main()
