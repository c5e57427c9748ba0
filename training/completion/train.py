"""Train a completion network on a folder of photographs.

    python -m training.completion.train --data DIR --minutes 150 --provenance FILE.md

Writes into its run folder (training/output/completion): checkpoint.pt, from which the same command
goes on; loss.png; samples-*.png; and at the end `final`, the folder that the app loads, with its
model card.
"""

import argparse
import shutil
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from genimg_ui.backend.completion.iizuka import Iizuka
from genimg_ui.backend.completion.weights import ARCHITECTURES, build, save
from training.completion.batches import HOLES, draw_holes, to_batch
from training.completion.card import Outcome, write_card
from training.completion.discriminators import Discriminators
from training.completion.gallery import Gallery
from training.completion.objective import Learners, Lesson, phase_at
from training.completion.pictures import Pictures, crops, open_pictures
from training.completion.recipe import DISCRIMINATORS, LOSSES, Recipe, hold_to
from training.completion.start import take_over
from training.loop import OUTPUT, Options, Run, add_arguments, options_from, prepare_device
from training.parallel import Lanes

PROVENANCE = "provenance.md"
LIMIT_MB = 30  # of the weights, as the project ships them


def train(options: Options, recipe: Recipe, data: Pictures, start: Path | None = None) -> Path:
    """Train within the budget; returns the folder `final` of the run.

    `start` is the folder of another run, whose averaged weights this one begins with.
    Raises ValueError where the run's folder holds one of another recipe, or `start` another
    network.
    """
    device = prepare_device(options)
    hold_to(recipe, options.out)
    learners = begin(options, recipe, data, device)
    if start is not None:
        take_over(learners.network, start, options.out)
    beside = {"critic": learners.critic, "critic_optimizer": learners.critic_optimizer}
    run = Run(
        options,
        learners.network,
        learners.optimizer,
        rng=np.random.default_rng(options.seed),
        beside={name: one for name, one in beside.items() if one is not None},
    )
    learnt, held = data.split(recipe.held)
    gallery = Gallery(data, held, recipe.size, device)
    lesson = Lesson(learners, recipe)
    size = sum(p.numel() for p in learners.network.parameters())
    run.say(f"{size} parameters on {device}, {len(learnt)} pictures, {recipe}")
    for tick in run:
        tick.set_rate(recipe.rate, recipe.warmup)
        pixels = crops(data, learnt, recipe.batch, recipe.size, run.rng)
        masks = draw_holes(recipe.holes, recipe.batch, recipe.size, run.rng)
        phase = phase_at(recipe, tick.fraction)
        run.record(pictures=recipe.batch, **lesson.step(to_batch(pixels, masks, device), phase))
        if run.due("samples", recipe.sample_minutes):
            gallery.look(run, learners.network)
    gallery.look(run, learners.network)
    return finish(run, recipe, data, gallery)


def begin(options: Options, recipe: Recipe, data: Pictures, device: torch.device) -> Learners:
    """The untrained network and discriminators, and what computes their gradients."""
    network = build(recipe.config)
    if isinstance(network, Iizuka):
        network.mean.copy_(torch.from_numpy(data.mean_colour()))
    # Not channels_last: backward of torch 2.15 corrupts memory with `fourier` laid out so.
    network = network.to(device).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.rate, betas=(0.9, 0.99))
    lanes = options.threads if device.type == "cpu" else 1
    # Batch normalisation keeps running means, which two threads would write in any order.
    normalised = any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    learners = Learners(
        network=network,
        optimizer=optimizer,
        lanes=Lanes(list(network.parameters()), 1 if normalised else lanes),
        critic=None,
        critic_optimizer=None,
        critic_lanes=None,
    )
    if recipe.discriminators == "none":
        return learners
    critic = Discriminators(recipe.discriminators, recipe.size, recipe.discriminator_width).to(
        device
    )
    adam = torch.optim.AdamW(critic.parameters(), lr=recipe.discriminator_rate, betas=(0.5, 0.99))
    critic_lanes = Lanes(list(critic.parameters()), 1 if normalised else lanes)
    return replace(learners, critic=critic, critic_optimizer=adam, critic_lanes=critic_lanes)


def finish(run: Run, recipe: Recipe, data: Pictures, gallery: Gallery) -> Path:
    """Write `final` with the averaged weights; the edge is blended where that lowered the error.

    Raises ValueError where the weights are larger than the project ships.
    """
    network, folder = run.model, run.options.out / "final"
    run.average.copy_to(network)
    network.eval()
    painted = gallery.scores(gallery.completed(network))
    blended = gallery.scores(gallery.completed(network, blend=True))
    if folder.exists():
        shutil.rmtree(folder)
    save(network, replace(recipe.config, blend=blended.mse < painted.mse), folder)
    write_card(folder, run, recipe, data, Outcome(painted, blended, gallery.smooth()))
    megabytes = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    run.say(f"{folder}: {megabytes:.1f} MB; as painted {painted}; edge blended {blended}")
    if megabytes > LIMIT_MB:
        raise ValueError(f"the weights must be at most {LIMIT_MB} MB, got {megabytes:.1f}")
    return folder


def recipe_from(arguments: argparse.Namespace) -> Recipe:
    """The recipe that the flags ask for; bfloat16 where nothing is said and there is a GPU."""
    told = {field.name: getattr(arguments, field.name) for field in fields(Recipe)}
    if told["bfloat16"] is None:
        told["bfloat16"] = arguments.device.startswith("cuda")
    return Recipe(**told | {"holes": tuple(told["holes"])})


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line; every number of the recipe has a flag of its name."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    add_arguments(parser, "completion", minutes=150)
    parser.add_argument("--data", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--cache", type=Path, default=OUTPUT / "pictures", help="of the pictures")
    parser.add_argument("--provenance", type=Path, help="Markdown for the card: whose pictures")
    parser.add_argument("--start", type=Path, help="another run, to begin with its weights")
    choices = {
        "architecture": tuple(ARCHITECTURES),
        "discriminators": DISCRIMINATORS,
        "loss": LOSSES,
    }
    for field in fields(Recipe):
        flag = f"--{field.name.replace('_', '-')}"
        if field.name == "holes":
            parser.add_argument(flag, nargs="+", choices=tuple(HOLES), default=list(HOLES))
        elif field.name == "bfloat16":
            parser.add_argument(flag, action=argparse.BooleanOptionalAction)
        else:
            parser.add_argument(
                flag,
                type=type(field.default),
                default=field.default,
                choices=choices.get(field.name),
            )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Train as the command line says."""
    arguments = parse(argv)
    options = options_from(arguments)
    data = open_pictures(arguments.data, arguments.cache)
    options.out.mkdir(parents=True, exist_ok=True)
    if arguments.provenance is not None:
        shutil.copyfile(arguments.provenance, options.out / PROVENANCE)
    train(options, recipe_from(arguments), data, arguments.start)


if __name__ == "__main__":
    main()
