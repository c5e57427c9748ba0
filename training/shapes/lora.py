"""Train a LoRA that turns what is painted into ink and wash: pale colours, dark outlines.

    python -m training.shapes.lora --minutes 5

Only low-rank additions to the finished denoiser are trained. `final` holds
pytorch_lora_weights.safetensors for `load_lora_weights` of the diffusion pipelines.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import torch
from diffusers import AutoencoderTiny, StableDiffusionInpaintPipeline, UNet2DConditionModel
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from torch import Tensor, nn
from torch.nn import functional as F

from training.loop import OUTPUT, Options, Run, add_arguments, options_from, prepare_device
from training.parallel import Lanes
from training.shapes.dataset import Batch
from training.shapes.denoiser import loss_of_parts
from training.shapes.encoding import hidden, scaled_latents, touched_cells
from training.shapes.masks import render_examples, sample_example
from training.shapes.render import coverage
from training.shapes.text import TEXT_ENCODER, FrozenText
from training.shapes.tokenizer import token_ids

RANK: Final = 8
RATE: Final = 2e-3
BATCH: Final = 48
POOL: Final = 3000  # examples in the style
LAYERS: Final = ("to_q", "to_k", "to_v", "to_out.0", "time_emb_proj", "conv1", "conv2", "conv_in")
SIZE: Final = 128
LINE: Final = 5  # width of the outlines in pixels
PAPER: Final = (0.96, 0.93, 0.84)
INK: Final = (0.13, 0.11, 0.16)
WASH: Final = 0.45  # how much of a colour is left on the paper


def ink_and_wash(pictures: Tensor, covered: Tensor) -> Tensor:
    """Pictures (N, 3, S, S) in [0, 1] as pale washes on paper, their things with dark outlines.

    `covered` (N, 1, S, S) is 1 where a thing is.
    """
    paper = torch.tensor(PAPER, device=pictures.device).view(1, 3, 1, 1)
    ink = torch.tensor(INK, device=pictures.device).view(1, 3, 1, 1)
    widest = F.max_pool2d(covered, LINE, stride=1, padding=LINE // 2)
    narrowest = -F.max_pool2d(-covered, LINE, stride=1, padding=LINE // 2)
    line = widest - narrowest
    washed = paper + WASH * (pictures - 1) * paper.sqrt()
    return (washed * (1 - line) + ink * line).clamp(0, 1)


@torch.no_grad()
def styled_examples(
    count: int, autoencoder: AutoencoderTiny, text: FrozenText, rng: np.random.Generator
) -> Batch:
    """Examples whose pictures are in the style under the mask, and ordinary around it."""
    device = text.model.device
    parts = []
    for start in range(0, count, 100):
        examples = [sample_example(rng) for _ in range(min(100, count - start))]
        pictures, masks = render_examples(examples, str(device))
        cells = touched_cells(masks, grown=bool(rng.random() < 0.5))
        covered = coverage([e.scene for e in examples], SIZE, str(device)).sum(1, keepdim=True)
        wanted = torch.where(cells.pixels, ink_and_wash(pictures, covered), pictures)
        ids = token_ids(text.tokenizer, [e.caption for e in examples]).to(device)
        latents = scaled_latents(autoencoder, wanted)
        masked = scaled_latents(autoencoder, hidden(pictures, cells.pixels))
        parts.append((latents, masked, cells.mask, ids))
    latents, masked, mask, ids = (torch.cat(column) for column in zip(*parts, strict=True))
    swappable = torch.zeros(count, dtype=torch.bool, device=device)
    return Batch(latents, masked, mask, ids, swappable, {})


def add_lora(unet: UNet2DConditionModel) -> None:
    """Freeze the network and give it a LoRA that changes nothing yet."""
    unet.requires_grad_(False)
    config = LoraConfig(
        r=RANK, lora_alpha=RANK, init_lora_weights="gaussian", target_modules=list(LAYERS)
    )
    unet.add_adapter(config)


def save_lora(unet: UNet2DConditionModel, folder: Path) -> None:
    """Write pytorch_lora_weights.safetensors in half precision."""
    state = get_peft_model_state_dict(unet)
    StableDiffusionInpaintPipeline.save_lora_weights(
        folder, unet_lora_layers={name: weight.half() for name, weight in state.items()}
    )


def train(options: Options, folders: Mapping[str, Path], count: int = POOL) -> None:
    """Train on `count` examples within the budget; writes out/final.

    `folders` are those of unet, autoencoder and text_encoder.
    """
    device = prepare_device(options)
    text = FrozenText(folders["text_encoder"], device)
    unet = UNet2DConditionModel.from_pretrained(folders["unet"])
    unet = unet.to(device, memory_format=torch.channels_last)
    add_lora(unet)
    trained = [p for p in unet.parameters() if p.requires_grad]
    lanes = Lanes(trained, options.threads if device.type == "cpu" else 1)
    optimizer = torch.optim.AdamW(trained, lr=RATE, betas=(0.9, 0.99), fused=True)
    run = Run(options, unet, optimizer, rng=np.random.default_rng(options.seed), decay=0.99)
    autoencoder = AutoencoderTiny.from_pretrained(folders["autoencoder"]).to(device).eval()
    pool = styled_examples(count, autoencoder, text, np.random.default_rng(options.seed))
    run.say(f"{sum(p.numel() for p in trained)} trained parameters on {device}")
    for tick in run:
        tick.set_rate(RATE, warmup=50)
        rows = torch.from_numpy(run.rng.integers(len(pool), size=BATCH)).to(device)
        loss = lanes.backward(loss_of_parts(unet, text, pool.part(rows)), BATCH)
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        run.record(pictures=BATCH, loss=loss)
    run.average.copy_to(unet)
    save_lora(unet, options.out / "final")


def main(argv: list[str] | None = None) -> None:
    """Train as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    add_arguments(parser, "lora", minutes=5)
    parser.add_argument("--pool", type=int, default=POOL, help="examples in the style")
    parser.add_argument("--unet", type=Path, default=OUTPUT / "denoiser" / "final")
    parser.add_argument("--autoencoder", type=Path, default=OUTPUT / "autoencoder" / "final")
    parser.add_argument("--text-encoder", type=Path, default=TEXT_ENCODER)
    arguments = parser.parse_args(argv)
    folders = {
        "unet": arguments.unet,
        "autoencoder": arguments.autoencoder,
        "text_encoder": arguments.text_encoder,
    }
    train(options_from(arguments), folders, arguments.pool)


if __name__ == "__main__":
    main()
