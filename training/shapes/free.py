"""Train the network without mask channels: whole pictures, for a caption.

    python -m training.shapes.prepare --count 100000 --task whole --out training/output/wholes
    python -m training.shapes.free --minutes 60

It begins as the trained inpainting network with everything masked (`fold`), and with attention
among all 16 × 16 cells on the way up, which at first changes nothing: a pattern of dots or checks
has to agree with itself from one edge of the picture to the other.
"""

import argparse
from pathlib import Path
from typing import Final

import numpy as np
import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from torch import Tensor

from training.loop import OUTPUT, add_arguments, options_from
from training.shapes.dataset import Batch
from training.shapes.denoiser import Subject, add_recipe, recipe_from, train
from training.shapes.diffusion import LATENT_CHANNELS, Predict, build_unet
from training.shapes.encoding import scaled_latents
from training.shapes.samples import SIZE, Asked, Case, Cases, ground_for
from training.shapes.scenes import Scene
from training.shapes.words import BACKGROUNDS, COLOURS, SHAPES

RATE: Final = 5e-4
SHOWN: Final = 18  # of the judged cases


def fold(unet: UNet2DConditionModel, autoencoder: AutoencoderTiny) -> UNet2DConditionModel:
    """The network with 4 input channels that paints whole pictures as the 9-channel one does.

    With everything masked, the mask is 1 and the masked picture grey: constants, whose part in the
    first layer becomes its bias.
    """
    grey = scaled_latents(autoencoder, torch.full((1, 3, SIZE, SIZE), 0.5))
    constant = torch.cat([torch.ones(1), grey[0, :, 4:-4, 4:-4].mean((1, 2))])
    weights = {name: weight.clone() for name, weight in unet.state_dict().items()}
    first = weights["conv_in.weight"]
    weights["conv_in.bias"] += torch.einsum("oikl,i->o", first[:, LATENT_CHANNELS:], constant)
    weights["conv_in.weight"] = first[:, :LATENT_CHANNELS].clone()
    folded = build_unet(LATENT_CHANNELS)
    folded.load_state_dict(weights)
    return folded


def attentive(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """The same network with attention at its finest cells on the way up, which adds nothing yet."""
    blocks = ("CrossAttnUpBlock2D",) * len(unet.config.up_block_types)
    config = {name: value for name, value in unet.config.items() if not name.startswith("_")}
    config |= {"up_block_types": blocks}
    grown = UNet2DConditionModel.from_config(config)
    fresh = grown.load_state_dict(unet.state_dict(), strict=False).missing_keys
    with torch.no_grad():
        for name, weight in grown.named_parameters():
            if name in fresh and ".proj_out." in name:
                weight.zero_()
    return grown


def free_predict(unet: UNet2DConditionModel, _batch: Batch) -> Predict:
    """The 4-channel network; of the batch it sees nothing but the noised latents."""

    def predict(latents: Tensor, timesteps: Tensor, states: Tensor) -> Tensor:
        seen = latents.contiguous(memory_format=torch.channels_last)
        velocity: Tensor = unet(seen, timesteps, states).sample
        return velocity

    return predict


def whole_cases(seed: int = 78) -> Cases:
    """Every colour in every shape, on each kind of background in turn."""
    rng = np.random.default_rng(seed)
    everything = np.ones((SIZE, SIZE), np.bool_)
    asked = []
    for number in range(len(SHAPES) * len(COLOURS)):
        colour, shape = COLOURS[number % len(COLOURS)], SHAPES[number % len(SHAPES)]
        kind = BACKGROUNDS[number % len(BACKGROUNDS)]
        ground = ground_for(rng, colour, kind)
        words = f"{kind} {' and '.join(ground.colours)} background"
        case = Case(Scene(ground), everything, f"a {colour} {shape} on a {words}")
        asked.append(Asked(case, colour, shape, kind))
    return Cases(tuple(one.case for one in asked[:SHOWN]), tuple(asked))


def begin(denoiser: Path, autoencoder: Path) -> UNet2DConditionModel:
    """The network to begin with, from the folders of the inpainting one and of the autoencoder."""
    unet = UNet2DConditionModel.from_pretrained(denoiser)
    return attentive(fold(unet, AutoencoderTiny.from_pretrained(autoencoder)))


def main(argv: list[str] | None = None) -> None:
    """Train as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    add_arguments(parser, "free", minutes=60)
    add_recipe(parser, rate=RATE, shards="wholes")
    parser.add_argument("--denoiser", type=Path, default=OUTPUT / "denoiser" / "final")
    arguments = parser.parse_args(argv)
    subject = Subject(
        lambda: begin(arguments.denoiser, arguments.autoencoder), free_predict, whole_cases
    )
    train(options_from(arguments), *recipe_from(arguments), subject)


if __name__ == "__main__":
    main()
