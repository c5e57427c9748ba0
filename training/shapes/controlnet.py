"""Train a ControlNet on the finished denoiser, whose own weights stay as they are.

    python -m training.shapes.controlnet canny --minutes 10
    python -m training.shapes.controlnet segmentation --minutes 10

It reads examples that were prepared with --controls. `final` is a ControlNet in the folder format
of diffusers; its control image is RGB in 0..1, of the picture's own size.
"""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from torch import Tensor, nn

from training.loop import OUTPUT, Options, Run, add_arguments, options_from, prepare_device
from training.parallel import Lanes
from training.shapes.dataset import Batch, Examples
from training.shapes.diffusion import (
    LATENT_CHANNELS,
    Predict,
    add_noise,
    stratified_timesteps,
    velocity_loss,
)
from training.shapes.text import TEXT_ENCODER, FrozenText

KINDS: Final[Mapping[str, str]] = {"canny": "canny", "segmentation": "segments"}
EMBEDDING: Final = (8, 16, 32, 32)  # widths on the way from 128 px to 16 cells
RATE: Final = 1e-3
BATCH: Final = 24


def build_controlnet(unet: UNet2DConditionModel) -> ControlNetModel:
    """A ControlNet that changes nothing yet: the UNet's first half and middle, copied.

    It has 4 input channels whatever the UNet has: the inpainting pipeline shows it no mask. Only
    its outputs begin at zero. Were the end of the map's embedding zero too, as in Zhang et al.
    2023, no gradient would reach the map before the outputs have learned to pass something on.
    """
    config = unet.config
    shared = (
        "block_out_channels layers_per_block down_block_types cross_attention_dim "
        "attention_head_dim norm_num_groups resnet_time_scale_shift addition_embed_type "
        "addition_embed_type_num_heads"
    )
    model = ControlNetModel(
        in_channels=LATENT_CHANNELS,
        conditioning_embedding_out_channels=EMBEDDING,
        **{name: config[name] for name in shared.split()},
    )
    own = model.state_dict()
    taken = {name: weight for name, weight in unet.state_dict().items() if name in own}
    taken["conv_in.weight"] = taken["conv_in.weight"][:, :LATENT_CHANNELS]
    model.load_state_dict(own | taken)
    model.controlnet_cond_embedding.conv_out.reset_parameters()
    return model


def control_image(batch: Batch, kind: str) -> Tensor:
    """The control maps of a batch, float32 (N, 3, S, S) in 0..1."""
    held = batch.controls[KINDS[kind]]
    if kind == "canny":
        bits = torch.arange(7, -1, -1, device=held.device)
        edges = (held[..., None].long() >> bits & 1).flatten(-2)
        return edges[:, None].float().expand(-1, 3, -1, -1)
    bits = torch.arange(3, device=held.device).view(1, 3, 1, 1)
    return (held[:, None].long() >> bits & 1).float()


def controlled_predict(
    unet: UNet2DConditionModel, network: ControlNetModel, batch: Batch, image: Tensor
) -> Predict:
    """The 9-channel network with the ControlNet beside it, bound to a batch."""
    fixed = torch.cat([batch.mask, batch.masked_latents], 1)

    def predict(latents: Tensor, timesteps: Tensor, states: Tensor) -> Tensor:
        repeats = len(latents) // len(fixed)
        latents = latents.contiguous(memory_format=torch.channels_last)
        shown = image.repeat(repeats, 1, 1, 1).contiguous(memory_format=torch.channels_last)
        down, middle = network(latents, timesteps, states, shown, return_dict=False)
        velocity: Tensor = unet(
            torch.cat([latents, fixed.repeat(repeats, 1, 1, 1)], 1),
            timesteps,
            states,
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
        ).sample
        return velocity

    return predict


def loss_of_parts(
    unet: UNet2DConditionModel, network: ControlNetModel, text: FrozenText, seen: tuple[Batch, str]
) -> Callable[[slice], Tensor]:
    """The loss of parts of a batch with its maps of a kind; `seen` is both."""
    batch, kind = seen
    noised = add_noise(batch.latents, stratified_timesteps(len(batch), batch.latents.device))

    def loss(rows: slice) -> Tensor:
        part, at = batch.part(rows), noised.part(rows)
        predict = controlled_predict(unet, network, part, control_image(part, kind))
        return velocity_loss(
            predict(at.latents, at.timesteps, text.states(part.token_ids)), at, part.mask
        )

    return loss


def train(options: Options, kind: str, folders: Mapping[str, Path]) -> None:
    """Train within the budget; `folders` are unet, text_encoder and shards. Writes out/final."""
    device = prepare_device(options)
    text = FrozenText(folders["text_encoder"], device)
    unet = UNet2DConditionModel.from_pretrained(folders["unet"])
    unet = unet.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)
    network = build_controlnet(unet).to(device, memory_format=torch.channels_last).train()
    trained = list(network.parameters())
    lanes = Lanes(trained, options.threads if device.type == "cpu" else 1)
    optimizer: Any = torch.optim.AdamW(trained, lr=RATE, betas=(0.9, 0.99), fused=True)
    run = Run(options, network, optimizer, rng=np.random.default_rng(options.seed))
    examples = Examples(folders["shards"], run.rng, device)
    for tick in run:
        tick.set_rate(RATE, warmup=100)
        batch = examples.draw(BATCH)
        loss = lanes.backward(loss_of_parts(unet, network, text, (batch, kind)), BATCH)
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        run.record(pictures=BATCH, loss=loss)
    run.average.copy_to(network)
    network.to(memory_format=torch.contiguous_format).save_pretrained(options.out / "final")


def main(argv: list[str] | None = None) -> None:
    """Train as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("kind", choices=tuple(KINDS))
    add_arguments(parser, "controlnet-KIND", minutes=10)
    parser.add_argument("--shards", type=Path, default=OUTPUT / "controls")
    parser.add_argument("--unet", type=Path, default=OUTPUT / "denoiser" / "final")
    parser.add_argument("--text-encoder", type=Path, default=TEXT_ENCODER)
    arguments = parser.parse_args(argv)
    if arguments.out == OUTPUT / "controlnet-KIND":
        arguments.out = OUTPUT / f"controlnet-{arguments.kind}"
    folders = {
        "unet": arguments.unet,
        "text_encoder": arguments.text_encoder,
        "shards": arguments.shards,
    }
    train(options_from(arguments), arguments.kind, folders)


if __name__ == "__main__":
    main()
