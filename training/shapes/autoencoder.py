"""Train the autoencoder: 128 px pictures to 16x16 latents of 4 channels and back.

    python -m training.shapes.autoencoder --minutes 22
    python -m training.shapes.autoencoder --decoder-only --minutes 30

The second command goes on with the decoder alone from the first one's result: latents that were
made meanwhile stay valid. Both write a diffusers folder `final` into their run folder.
"""

import argparse
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from diffusers import AutoencoderTiny
from torch import Tensor, nn

from training.loop import OUTPUT, Options, Run, add_arguments, options_from, prepare_device
from training.shapes.leaves import dead_leaves
from training.shapes.render import render
from training.shapes.scenes import sample_scene

SIZE: Final = 128
ENCODER_WIDTH: Final = 32  # light: it encodes the whole data set
DECODER_WIDTH: Final = 48
LATENT_NOISE: Final = 0.05  # of the latents' own standard deviation
GRADIENT_WEIGHT: Final = 0.5
PENALTY: Final = 1e-3  # on the squared latents: keeps them around 0, below the decoder's clamp


@dataclass(frozen=True)
class Recipe:
    """What may be chosen for a training of the autoencoder.

    Until `cropped` of the budget, batches hold `4 * batch` crops of 64 px, then `batch` whole
    pictures: the same number of pixels, first of more scenes, then with the true borders.
    """

    rate: float = 2e-3
    batch: int = 16
    cropped: float = 0.6
    pool: int = 2048
    fresh: int = 8
    bfloat16: bool = True
    start: Path | None = None  # a finished autoencoder, whose decoder alone goes on


def build() -> AutoencoderTiny:
    """The autoencoder, untrained: factor 8, no normalisation, deterministic latents."""
    return AutoencoderTiny(
        encoder_block_out_channels=(ENCODER_WIDTH,) * 4,
        decoder_block_out_channels=(DECODER_WIDTH,) * 4,
        num_encoder_blocks=(0, 1, 2, 3),
        num_decoder_blocks=(3, 2, 1, 0),
        latent_channels=4,
    )


def holes(count: int, size: int, rng: np.random.Generator) -> Tensor:
    """Masks as an inpainting model's input has them: boxes, ellipses, strokes, borders, all.

    Returns bool (count, 1, size, size); True is masked. Four in ten are turned inside out.
    """
    masks = np.zeros((count, size, size), np.uint8)
    for mask in masks:
        for _ in range(int(rng.integers(1, 4))):
            start, end = (tuple(int(v) for v in rng.integers(0, size, 2)) for _ in range(2))
            match int(rng.integers(3)):
                case 0:
                    cv2.rectangle(mask, start, end, 1, -1)
                case 1:
                    axes = tuple(int(v) for v in rng.integers(size // 12, size // 3, 2))
                    cv2.ellipse(mask, start, axes, float(rng.uniform(0, 180)), 0, 360, 1, -1)
                case _:
                    cv2.line(mask, start, end, 1, int(rng.integers(size // 16, size // 3)))
        kind = rng.random()
        if kind < 0.4:
            mask[:] = 1 - mask
        elif kind < 0.45:
            mask[:] = 1
    return torch.from_numpy(masks[:, None].astype(bool))


class Pictures:
    """A pool of pictures to learn from, a few of them replaced by new ones for every batch.

    75 % are scenes, 15 % scenes that are grey (0.5) under a mask, 10 % pictures that are not of
    the world. Held as uint8 on `device`; drawn with flips, quarter turns and, one time in eight,
    other orders of the colour channels.
    """

    def __init__(self, count: int, rng: np.random.Generator, device: torch.device) -> None:
        self.rng, self.device, self.next = rng, device, 0
        parts = [self._made(min(256, count - at)) for at in range(0, count, 256)]
        self.pool = torch.cat(parts)

    def _made(self, count: int) -> Tensor:
        others = int(self.rng.binomial(count, 0.1))
        scenes = [sample_scene(self.rng) for _ in range(count - others)]
        world = render(scenes, SIZE, str(self.device))
        pictures = torch.cat([world, dead_leaves(self.rng, others, SIZE).to(self.device)])
        hidden = torch.from_numpy(self.rng.random(count) < 1 / 6).to(self.device)
        masks = holes(count, SIZE, self.rng).to(self.device) & hidden.view(-1, 1, 1, 1)
        pictures = torch.where(masks, 0.5, pictures)
        return (pictures * 255).round().to(torch.uint8)[torch.randperm(count)]

    def refresh(self, count: int) -> None:
        """Replace the oldest `count` pictures by new ones."""
        where = (torch.arange(count) + self.next) % len(self.pool)
        self.pool[where.to(self.device)] = self._made(count)
        self.next = (self.next + count) % len(self.pool)

    def draw(self, count: int, side: int) -> Tensor:
        """A batch (count, 3, side, side) in [-1, 1]: whole pictures, or crops of them."""
        chosen = self.rng.integers(len(self.pool), size=count)
        cut = []
        corners = self.rng.integers(SIZE - side + 1, size=(count, 2))
        for index, (y, x) in zip(chosen, corners, strict=True):
            picture = self.pool[int(index), :, y : y + side, x : x + side]
            if self.rng.random() < 1 / 8:
                picture = picture[torch.from_numpy(self.rng.permutation(3))]
            picture = torch.rot90(picture, int(self.rng.integers(4)), (1, 2))
            cut.append(picture.flip(2) if self.rng.random() < 0.5 else picture)
        return torch.stack(cut).float().div_(127.5).sub_(1)


def reconstruction_loss(made: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
    """L1 + MSE + differences between neighbours, on [-1, 1]; returns (loss, MSE)."""
    difference = made - true
    squared = difference.square().mean()
    across = difference.diff(dim=-1).abs().mean() + difference.diff(dim=-2).abs().mean()
    return difference.abs().mean() + squared + GRADIENT_WEIGHT * across, squared


def encode(model: AutoencoderTiny, pictures: Tensor) -> Tensor:
    """Raw latents, not scaled, of pictures (N, 3, S, S) in [-1, 1]."""
    latents: Tensor = model.encode(pictures).latents
    return latents


def decode(model: AutoencoderTiny, latents: Tensor) -> Tensor:
    """Pictures in about [-1, 1] (not clipped) of raw latents."""
    pictures: Tensor = model.decode(latents).sample
    return pictures


def fresh_scenes(count: int, seed: int, device: torch.device) -> Tensor:
    """Scenes that no training of another seed has seen, (N, 3, 128, 128) in [-1, 1]."""
    rng = np.random.default_rng(seed)
    return render([sample_scene(rng) for _ in range(count)], SIZE, str(device)) * 2 - 1


@torch.no_grad()
def psnr(model: AutoencoderTiny, pictures: Tensor) -> Tensor:
    """PSNR in dB of every picture after encoding, decoding and clipping; shape (N,)."""
    made = torch.cat([decode(model, encode(model, part)) for part in torch.split(pictures, 32)])
    error = (made.clamp(-1, 1) - pictures).div(2).square().mean((1, 2, 3))
    return -10 * error.clamp_min(1e-10).log10()


@torch.no_grad()
def save_grid(model: AutoencoderTiny, pictures: Tensor, path: Path) -> None:
    """Write pairs of rows, original above reconstruction, eight pictures each, as a PNG."""
    made = decode(model, encode(model, pictures)).clamp(-1, 1)
    rows = []
    for above, below in zip(torch.split(pictures, 8), torch.split(made, 8), strict=True):
        rows += [torch.cat(list(above), 2), torch.cat(list(below), 2)]
    grid = (torch.cat(rows, 1).add(1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()
    cv2.imwrite(str(path), np.ascontiguousarray(grid[..., ::-1]))


def train(options: Options, recipe: Recipe) -> AutoencoderTiny:
    """Train within the budget; the model with its averaged weights, in evaluation mode."""
    device = prepare_device(options)
    model = AutoencoderTiny.from_pretrained(recipe.start) if recipe.start else build()
    if recipe.start:
        model.encoder.requires_grad_(False)
    model = model.to(device, memory_format=torch.channels_last).train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=recipe.rate, betas=(0.9, 0.98), weight_decay=1e-4)
    run = Run(options, model, optimizer, rng=np.random.default_rng(options.seed), decay=0.998)
    pool = Pictures(recipe.pool, run.rng, device)
    held = fresh_scenes(128, 10**9, device)
    run.say(f"{sum(p.numel() for p in trained)} trained parameters on {device}")
    for tick in run:
        rate = tick.set_rate(recipe.rate)
        pool.refresh(recipe.fresh)
        whole = tick.fraction >= recipe.cropped
        count, side = (recipe.batch, SIZE) if whole else (4 * recipe.batch, SIZE // 2)
        loss, squared = step_loss(model, pool.draw(count, side), recipe)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        run.record(pictures=count, loss=loss, mse=squared)
        if rate and run.due("samples", 2):
            with run.average.applied_to(model):
                run.say(f"PSNR on fresh scenes {describe(psnr(model, held))}")
                save_grid(model, held[:32], options.out / f"samples-{run.step:06d}.png")
    run.average.copy_to(model)
    return model.eval()


def step_loss(model: AutoencoderTiny, pictures: Tensor, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """The training loss of a batch, and the mean squared error in it."""
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    low = torch.autocast(pictures.device.type, torch.bfloat16) if recipe.bfloat16 else nullcontext()
    with low:
        latents = encode(model, pictures)
        noise = torch.randn_like(latents) * (LATENT_NOISE * latents.detach().float().std())
        made = decode(model, latents + noise)
    loss, squared = reconstruction_loss(made.float(), pictures)
    return loss + PENALTY * latents.float().square().mean(), squared


def describe(values: Tensor) -> str:
    """Mean of the decibels, and the decibels of the mean error, with the worst picture."""
    pooled = -10 * torch.log10((10 ** (-values / 10)).mean())
    return f"mean {values.mean():.2f} dB, of the mean error {pooled:.2f}, worst {values.min():.2f}"


@torch.no_grad()
def finish(model: AutoencoderTiny, out: Path, *, frozen: bool, count: int = 512) -> None:
    """Write out/final and print its scores on `count` fresh scenes.

    `scaling_factor` brings their latents to unit deviation; with a `frozen` encoder it stays.
    """
    device = next(model.parameters()).device
    held = fresh_scenes(count, 10**9 + 1, device)
    latents = torch.cat([encode(model, part) for part in torch.split(held, 32)])
    if not frozen:
        model.register_to_config(scaling_factor=round(float(1 / latents.std()), 5))
    model.to(memory_format=torch.contiguous_format).save_pretrained(out / "final")
    per_channel = ", ".join(f"{v:.2f}" for v in latents.std((0, 2, 3)))
    means = ", ".join(f"{v:.2f}" for v in latents.mean((0, 2, 3)))
    print(f"{out / 'final'}: PSNR on {count} fresh scenes {describe(psnr(model, held))}")
    print(f"latents: deviation per channel {per_channel}; mean {means}")
    print(f"scaling_factor {model.config.scaling_factor}", flush=True)


def main(argv: list[str] | None = None) -> None:
    """Train and write the result, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    add_arguments(parser, "autoencoder", minutes=22)
    parser.add_argument("--rate", type=float, default=Recipe.rate, help="peak learning rate")
    parser.add_argument("--batch", type=int, default=Recipe.batch, help="whole pictures a step")
    parser.add_argument("--float32", action="store_true", help="not bfloat16 where it is enough")
    parser.add_argument("--decoder-only", action="store_true", help="keep the encoder as it is")
    parser.add_argument("--start", type=Path, default=OUTPUT / "autoencoder" / "final")
    arguments = parser.parse_args(argv)
    if arguments.decoder_only and arguments.out == OUTPUT / "autoencoder":
        arguments.out = OUTPUT / "decoder"
    recipe = Recipe(
        rate=arguments.rate,
        batch=arguments.batch,
        bfloat16=not arguments.float32,
        start=arguments.start if arguments.decoder_only else None,
    )
    options = options_from(arguments)
    finish(train(options, recipe), options.out, frozen=arguments.decoder_only)


if __name__ == "__main__":
    main()
