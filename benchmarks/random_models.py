"""Networks of the published sizes with random weights: what they draw means nothing, but the time
and the memory that they take are those of real ones."""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    EulerDiscreteScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

DTYPE = torch.bfloat16
NOISE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
SMALL = 0.02  # a random network whose answers are small samples on without overflow
SD15_TEXT = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}
BIG_TEXT = {
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_hidden_layers": 32,
    "num_attention_heads": 20,
    "projection_dim": 1280,
    "hidden_act": "gelu",
}
XL_UNET = {
    "sample_size": 128,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "block_out_channels": (320, 640, 1280),
    "transformer_layers_per_block": [1, 2, 10],
    "attention_head_dim": [5, 10, 20],
    "use_linear_projection": True,
    "cross_attention_dim": 2048,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}


def make_model(kind: str, folder: Path) -> Path:
    """Write a model of the size of sd15 or sdxl to `folder`, unless it is there already."""
    target = folder / kind
    if not (target / "model_index.json").is_file():
        torch.manual_seed(0)
        pipe = _sd15() if kind == "sd15" else _sdxl()
        pipe.to(dtype=DTYPE).save_pretrained(target, safe_serialization=True)
    return target


def _sd15() -> Any:
    return StableDiffusionPipeline(
        unet=_quiet(UNet2DConditionModel(sample_size=64, cross_attention_dim=768)),
        vae=_vae(512),
        text_encoder=CLIPTextModel(CLIPTextConfig(**SD15_TEXT)),
        tokenizer=_tokenizer(),
        scheduler=_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _sdxl() -> Any:
    return StableDiffusionXLPipeline(
        unet=_quiet(UNet2DConditionModel(**XL_UNET)),
        vae=_vae(1024),
        text_encoder=CLIPTextModel(CLIPTextConfig(**SD15_TEXT)),
        text_encoder_2=CLIPTextModelWithProjection(CLIPTextConfig(**BIG_TEXT)),
        tokenizer=_tokenizer(),
        tokenizer_2=_tokenizer(),
        scheduler=_scheduler(),
        add_watermarker=False,
    )


def _vae(size: int) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(128, 256, 512, 512),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=4,
        sample_size=size,
        force_upcast=False,
    )


def _quiet(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    with torch.no_grad():
        unet.conv_out.weight.mul_(SMALL)
    return unet


def _scheduler() -> EulerDiscreteScheduler:
    return EulerDiscreteScheduler(**NOISE, steps_offset=1, timestep_spacing="leading")


def _tokenizer() -> CLIPTokenizer:
    """Letters only: what the words are does not change the time."""
    letters = [chr(code) for code in range(33, 127)]
    names = [*letters, *(f"{letter}</w>" for letter in letters)]
    vocabulary = {name: index for index, name in enumerate(names)}
    vocabulary |= {"<|startoftext|>": 49406, "<|endoftext|>": 49407}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)
