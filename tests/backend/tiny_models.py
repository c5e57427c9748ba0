"""Tiny real diffusers models, built from configs and saved in the ordinary folder format.

Their weights are random but fixed, so pictures mean nothing, yet every parameter acts through
the same code as with a real model. Each `make_*` returns the folder that it wrote (about 2 MB).
"""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    ControlNetUnionModel,
    EulerDiscreteScheduler,
    PNDMScheduler,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

WIDTHS = (32, 64)
TEXT_WIDTH = 32
TEXT_TOKENS = 16
WORDS = ("a", "red", "blue", "green", "house", "tree", "cat", "sky", "blurry", "on", "the")
NOISE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def make_sd15_inpaint(folder: Path) -> Path:
    """Family sd15 with the 9 input channels of an inpainting model."""
    pipe = StableDiffusionInpaintPipeline(**_sd15(in_channels=9))
    return _saved(pipe, folder)


def make_sd15_strict(folder: Path) -> Path:
    """Like `make_sd15_inpaint`, with a safety checker that withholds every picture."""
    parts = _sd15(in_channels=9) | {
        "safety_checker": _strict_checker(),
        "feature_extractor": CLIPImageProcessor(size=32, crop_size=32),
        "requires_safety_checker": True,
    }
    return _saved(StableDiffusionInpaintPipeline(**parts), folder)


def make_sd15(folder: Path, *, variant: str | None = None) -> Path:
    """Family sd15 with 4 input channels; `variant="fp16"` saves half precision as such."""
    pipe = StableDiffusionPipeline(**_sd15(in_channels=4))
    if variant == "fp16":
        pipe.to(dtype=torch.float16)
    pipe.save_pretrained(folder, safe_serialization=True, variant=variant)
    return folder


def make_sdxl_inpaint(folder: Path) -> Path:
    """Family sdxl with the 9 input channels of an inpainting model."""
    pipe = StableDiffusionXLInpaintPipeline(**_sdxl(in_channels=9), add_watermarker=False)
    return _saved(pipe, folder)


def make_sdxl(folder: Path, *, second_width: int = TEXT_WIDTH) -> Path:
    """Family sdxl with 4 input channels; `second_width` is that of the second text encoder."""
    parts = _sdxl(in_channels=4, second_width=second_width)
    pipe = StableDiffusionXLPipeline(**parts, add_watermarker=False)
    return _saved(pipe, folder)


def make_sdxl_refiner(folder: Path) -> Path:
    """The second model of sdxl: one text encoder, an aesthetic score in place of a size."""
    torch.manual_seed(7)
    parts = _sdxl(in_channels=4) | {"tokenizer": None, "text_encoder": None}
    conditions = _attention(TEXT_WIDTH) | _added_conditions(numbers=5)
    parts["unet"] = _unet(4, conditions)
    pipe = StableDiffusionXLImg2ImgPipeline(
        **parts,
        requires_aesthetics_score=True,
        force_zeros_for_empty_prompt=False,
        add_watermarker=False,
    )
    return _saved(pipe, folder)


def make_sd15_control(folder: Path) -> Path:
    """A ControlNet for both sd15 models."""
    return _control(folder, _attention(TEXT_WIDTH))


def make_sdxl_control(folder: Path) -> Path:
    """A ControlNet for both sdxl models."""
    return _control(folder, _attention(2 * TEXT_WIDTH) | _added_conditions())


def make_sdxl_union(folder: Path) -> Path:
    """A union ControlNet of eight kinds for both sdxl models."""
    torch.manual_seed(4)
    network = ControlNetUnionModel(
        **_control_shape(),
        num_control_type=8,
        num_trans_channel=WIDTHS[0],
        num_proj_channel=WIDTHS[0],
        num_trans_head=4,
        num_trans_layer=1,
        **_attention(2 * TEXT_WIDTH),
        **_added_conditions(),
    ).eval()
    return _awake(network, folder)


def _sd15(*, in_channels: int) -> dict[str, Any]:
    torch.manual_seed(1)
    return {
        "unet": _unet(in_channels, _attention(TEXT_WIDTH)),
        "vae": _vae(),
        "text_encoder": CLIPTextModel(text_config()).eval(),
        "tokenizer": clip_tokenizer(),
        "scheduler": PNDMScheduler(
            **NOISE, skip_prk_steps=True, steps_offset=1, set_alpha_to_one=False
        ),
        "safety_checker": None,
        "feature_extractor": None,
        "requires_safety_checker": False,
    }


def _sdxl(*, in_channels: int, second_width: int = TEXT_WIDTH) -> dict[str, Any]:
    torch.manual_seed(2)
    conditions = _attention(TEXT_WIDTH + second_width) | _added_conditions()
    return {
        "unet": _unet(in_channels, conditions),
        "vae": _vae(),
        "text_encoder": CLIPTextModel(text_config()).eval(),
        "text_encoder_2": CLIPTextModelWithProjection(text_config(second_width)).eval(),
        "tokenizer": clip_tokenizer(),
        "tokenizer_2": clip_tokenizer(),
        "scheduler": EulerDiscreteScheduler(**NOISE, steps_offset=1, timestep_spacing="leading"),
    }


def _attention(width: int) -> dict[str, Any]:
    return {"cross_attention_dim": width, "attention_head_dim": 8, "norm_num_groups": 8}


def _added_conditions(*, numbers: int = 6) -> dict[str, Any]:
    """SDXL's pooled text and its numbers for size and crop; a refiner's has five."""
    time_width = 8
    return {
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": time_width,
        "projection_class_embeddings_input_dim": TEXT_WIDTH + numbers * time_width,
    }


def _unet(in_channels: int, conditions: dict[str, Any]) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=8,
        in_channels=in_channels,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=WIDTHS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        **conditions,
    ).eval()


def _vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=64,
    ).eval()


def text_config(width: int = TEXT_WIDTH) -> CLIPTextConfig:
    vocabulary = _vocabulary()
    return CLIPTextConfig(
        vocab_size=len(vocabulary),
        hidden_size=width,
        intermediate_size=2 * width,
        projection_dim=TEXT_WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=TEXT_TOKENS,
        bos_token_id=vocabulary["<|startoftext|>"],
        eos_token_id=vocabulary["<|endoftext|>"],
        pad_token_id=vocabulary["<|endoftext|>"],
    )


def _merges() -> list[tuple[str, str]]:
    """Byte-pair merges that join each word from its letters, left to right."""
    merges: dict[tuple[str, str], None] = {}
    for word in WORDS:
        pieces = [*word[:-1], f"{word[-1]}</w>"]
        left = pieces[0]
        for right in pieces[1:]:
            merges[left, right] = None
            left += right
    return list(merges)


def _vocabulary() -> dict[str, int]:
    letters = [chr(code) for code in range(33, 127)]
    joined = ["".join(pair) for pair in _merges()]
    marks = ["<|startoftext|>", "<|endoftext|>"]
    names = [*letters, *(f"{letter}</w>" for letter in letters), *joined, *marks]
    return {name: index for index, name in enumerate(dict.fromkeys(names))}


def clip_tokenizer() -> CLIPTokenizer:
    return CLIPTokenizer(vocab=_vocabulary(), merges=_merges(), model_max_length=TEXT_TOKENS)


def _strict_checker() -> StableDiffusionSafetyChecker:
    vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    vision |= {"num_attention_heads": 2, "image_size": 32, "patch_size": 16}
    checker = StableDiffusionSafetyChecker(CLIPConfig(vision_config=vision, projection_dim=16))
    torch.nn.init.normal_(checker.concept_embeds)
    torch.nn.init.constant_(checker.concept_embeds_weights, -2.0)  # below any cosine
    return checker.eval()


def _control(folder: Path, conditions: dict[str, Any]) -> Path:
    torch.manual_seed(3)
    return _awake(ControlNetModel(**_control_shape(), **conditions).eval(), folder)


def _control_shape() -> dict[str, Any]:
    return {
        "in_channels": 4,
        "layers_per_block": 1,
        "block_out_channels": WIDTHS,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "conditioning_embedding_out_channels": (8, 8, 16, 16),
    }


def _awake(network: Any, folder: Path) -> Path:
    """A ControlNet starts with outputs of zero; only other weights can be seen to act."""
    for block in (*network.controlnet_down_blocks, network.controlnet_mid_block):
        torch.nn.init.normal_(block.weight, std=0.1)
    torch.nn.init.normal_(network.controlnet_cond_embedding.conv_out.weight, std=0.1)
    network.save_pretrained(folder, safe_serialization=True)
    return folder


def _saved(pipe: Any, folder: Path) -> Path:
    pipe.save_pretrained(folder, safe_serialization=True)
    return folder
