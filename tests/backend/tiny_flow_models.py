"""Tiny real models of the flow families, built from configs, in the ordinary folder format.

As in `tiny_models`: random but fixed weights, the real classes, a few hundred kilobytes each.
Each `make_*` returns the folder that it wrote.
"""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLQwenImage,
    FlowMatchEulerDiscreteScheduler,
    FluxControlNetModel,
    FluxFillPipeline,
    FluxPipeline,
    FluxTransformer2DModel,
    QwenImageControlNetModel,
    QwenImageEditPipeline,
    QwenImagePipeline,
    QwenImageTransformer2DModel,
    SD3ControlNetModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    ZImageControlNetModel,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    CLIPTextModel,
    CLIPTextModelWithProjection,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Tokenizer,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
    Qwen3Config,
    Qwen3Model,
    T5Config,
    T5EncoderModel,
    T5TokenizerFast,
)

from tests.backend.tiny_models import TEXT_WIDTH, WORDS, clip_tokenizer, text_config

CHANNELS = 16
WIDTH = 32  # of every transformer
PACKED = 4 * CHANNELS  # channels of a 2 × 2 patch
ROPE = (4, 4, 8)  # one head's 16 channels: frame, row, column
T5_TOKENS = 16
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)
VISION = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
MARKS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", *VISION)


def make_sd3(folder: Path, *, second_width: int = TEXT_WIDTH) -> Path:
    """Family sd3; `second_width` is that of the second text encoder."""
    torch.manual_seed(11)
    shape = _sd3() | {"joint_attention_dim": TEXT_WIDTH + second_width}
    parts = {
        "transformer": SD3Transformer2DModel(**shape, caption_projection_dim=WIDTH).eval(),
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=3.0),
        "vae": _vae(),
        "text_encoder": CLIPTextModelWithProjection(text_config()).eval(),
        "text_encoder_2": CLIPTextModelWithProjection(text_config(second_width)).eval(),
        "text_encoder_3": _t5(TEXT_WIDTH + second_width),
        "tokenizer": clip_tokenizer(),
        "tokenizer_2": clip_tokenizer(),
        "tokenizer_3": _t5_tokenizer(),
    }
    return _saved(StableDiffusion3Pipeline(**parts), folder)


def make_sd3_control(folder: Path) -> Path:
    """A ControlNet for `make_sd3`."""
    torch.manual_seed(12)
    network = SD3ControlNetModel(**_sd3(), caption_projection_dim=WIDTH)
    return _saved(_awake(network, "controlnet_blocks", "pos_embed_input"), folder)


def make_sd3_control_inpaint(folder: Path) -> Path:
    """A ControlNet for `make_sd3` that is shown the picture without what lies under the mask."""
    torch.manual_seed(13)
    network = SD3ControlNetModel(
        **_sd3(), caption_projection_dim=WIDTH, extra_conditioning_channels=1
    )
    return _saved(_awake(network, "controlnet_blocks", "pos_embed_input"), folder)


def make_flux(folder: Path, *, guidance: bool = True, fill: bool = False) -> Path:
    """Family flux: dev; schnell without `guidance`; Fill, which sees the mask, with `fill`."""
    torch.manual_seed(21)
    # Fill sees its latents, those of the masked picture, and 8 × 8 mask pixels for each cell.
    inputs = PACKED * 2 + 4 * 64 if fill else PACKED
    transformer = FluxTransformer2DModel(
        **_flux(), in_channels=inputs, out_channels=PACKED, guidance_embeds=guidance
    )
    shift = {"use_dynamic_shifting": True, "shift": 3.0} if guidance else {"shift": 1.0}
    parts = {
        "transformer": transformer.eval(),
        "scheduler": FlowMatchEulerDiscreteScheduler(**shift),
        "vae": _vae(),
        "text_encoder": CLIPTextModel(text_config()).eval(),
        "tokenizer": clip_tokenizer(),
        "text_encoder_2": _t5(WIDTH),
        "tokenizer_2": _t5_tokenizer(),
    }
    return _saved((FluxFillPipeline if fill else FluxPipeline)(**parts), folder)


def make_flux_schnell(folder: Path) -> Path:
    """Family flux without guidance."""
    return make_flux(folder, guidance=False)


def make_flux_fill(folder: Path) -> Path:
    """Family flux with the channels of Fill."""
    return make_flux(folder, fill=True)


def make_flux_control(folder: Path, *, modes: int | None = None) -> Path:
    """A ControlNet for `make_flux`; a union of `modes` kinds where that is given."""
    torch.manual_seed(22)
    network = FluxControlNetModel(
        **_flux(), in_channels=PACKED, guidance_embeds=True, num_mode=modes
    )
    blocks = ("controlnet_blocks", "controlnet_single_blocks", "controlnet_x_embedder")
    return _saved(_awake(network, *blocks), folder)


def make_flux_union(folder: Path) -> Path:
    """A ControlNet for `make_flux` that was trained on several kinds."""
    return make_flux_control(folder, modes=7)


def make_qwen(folder: Path) -> Path:
    """Family qwen-image."""
    torch.manual_seed(31)
    return _saved(QwenImagePipeline(**_qwen_parts()), folder)


def make_qwen_edit(folder: Path) -> Path:
    """Family qwen-image, the variant that is shown the picture and an instruction."""
    torch.manual_seed(32)
    tokenizer = _qwen_tokenizer()
    pixels = {"shortest_edge": 28 * 28, "longest_edge": 56 * 56}
    processor = Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(size=pixels),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(size=pixels),
    )
    return _saved(QwenImageEditPipeline(**_qwen_parts(), processor=processor), folder)


def make_qwen_control(folder: Path) -> Path:
    """A ControlNet for `make_qwen`."""
    torch.manual_seed(33)
    network = QwenImageControlNetModel(**_qwen())
    return _saved(_awake(network, "controlnet_blocks", "controlnet_x_embedder"), folder)


def make_qwen_control_inpaint(folder: Path) -> Path:
    """A ControlNet for `make_qwen` that is shown the picture without what is masked."""
    torch.manual_seed(34)
    network = QwenImageControlNetModel(**_qwen(), extra_condition_channels=4)
    return _saved(_awake(network, "controlnet_blocks", "controlnet_x_embedder"), folder)


def make_zimage(folder: Path) -> Path:
    """Family z-image."""
    torch.manual_seed(41)
    tokenizer = _qwen_tokenizer()
    transformer = ZImageTransformer2DModel(
        in_channels=CHANNELS,
        dim=WIDTH,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=WIDTH,
        axes_dims=list(ROPE),
        axes_lens=[1024, 64, 64],
    )
    for name in ("x_pad_token", "cap_pad_token"):  # made without values
        torch.nn.init.normal_(getattr(transformer, name))
    encoder = Qwen3Model(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=WIDTH,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            head_dim=16,
        )
    )
    parts = {
        "transformer": transformer.eval(),
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=3.0),
        "vae": _vae(),
        "text_encoder": encoder.eval(),
        "tokenizer": tokenizer,
    }
    return _saved(ZImagePipeline(**parts), folder)


def make_zimage_control(folder: Path) -> Path:
    """A ControlNet for `make_zimage` that also takes the masked picture (33 channels)."""
    torch.manual_seed(42)
    network = ZImageControlNetModel(
        control_layers_places=[0, 1],
        control_refiner_layers_places=[0],
        control_in_dim=2 * CHANNELS + 1,
        dim=WIDTH,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        add_control_noise_refiner="control_noise_refiner",
    )
    for name, weight in network.named_parameters():
        if "before_proj" in name or "after_proj" in name:
            torch.nn.init.normal_(weight, std=0.2)
    return _saved(network.eval(), folder)


def _sd3() -> dict[str, Any]:
    return {
        "sample_size": 32,
        "in_channels": CHANNELS,
        "num_layers": 2,
        "attention_head_dim": 16,
        "num_attention_heads": 2,
        "joint_attention_dim": 2 * TEXT_WIDTH,
        "pooled_projection_dim": 2 * TEXT_WIDTH,
        "pos_embed_max_size": 32,
    }


def _flux() -> dict[str, Any]:
    return {
        "num_layers": 1,
        "num_single_layers": 1,
        "attention_head_dim": 16,
        "num_attention_heads": 2,
        "joint_attention_dim": WIDTH,
        "pooled_projection_dim": TEXT_WIDTH,
        "axes_dims_rope": ROPE,
    }


def _qwen() -> dict[str, Any]:
    return {
        "in_channels": PACKED,
        "out_channels": CHANNELS,
        "num_layers": 2,
        "attention_head_dim": 16,
        "num_attention_heads": 2,
        "joint_attention_dim": WIDTH,
        "axes_dims_rope": ROPE,
    }


def _qwen_parts() -> dict[str, Any]:
    dynamic = {"use_dynamic_shifting": True, "base_shift": 0.5, "max_shift": 0.9}
    transformer = QwenImageTransformer2DModel(**_qwen()).eval()
    for block in transformer.transformer_blocks:  # texts that can be seen to act
        torch.nn.init.normal_(block.attn.add_v_proj.weight, std=2.0)
        torch.nn.init.normal_(block.attn.to_out[0].weight, std=1.0)
    return {
        "transformer": transformer,
        # The schedule as published: shifted by the size, stretched to end at 0.02.
        "scheduler": FlowMatchEulerDiscreteScheduler(
            **dynamic, max_image_seq_len=8192, shift_terminal=0.02
        ),
        "vae": AutoencoderKLQwenImage(
            base_dim=8, z_dim=CHANNELS, dim_mult=[1, 1, 1, 1], num_res_blocks=1
        ).eval(),
        "text_encoder": _qwen_encoder(),
        "tokenizer": _qwen_tokenizer(),
    }


def _qwen_encoder() -> Qwen2_5_VLForConditionalGeneration:
    tokens = _qwen_vocabulary()
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(tokens),
            "hidden_size": WIDTH,
            "intermediate_size": WIDTH,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "rope_scaling": {"rope_type": "default", "mrope_section": [2, 3, 3]},
            "bos_token_id": tokens["<|endoftext|>"],
            "eos_token_id": tokens["<|endoftext|>"],
            "pad_token_id": tokens["<|endoftext|>"],
        },
        vision_config={
            "depth": 1,
            "hidden_size": WIDTH,
            "intermediate_size": WIDTH,
            "num_heads": 2,
            "out_hidden_size": WIDTH,
            "fullatt_block_indexes": [0],
        },
        image_token_id=tokens["<|image_pad|>"],
        video_token_id=tokens["<|video_pad|>"],
        vision_start_token_id=tokens["<|vision_start|>"],
        vision_end_token_id=tokens["<|vision_end|>"],
    )
    return Qwen2_5_VLForConditionalGeneration(config).eval()


def _qwen_vocabulary() -> dict[str, int]:
    names = (*MARKS, *sorted(ByteLevel.alphabet()))
    return {name: index for index, name in enumerate(names)}


def _qwen_tokenizer() -> Qwen2Tokenizer:
    """One token for each byte: this vocabulary has no merges."""
    tokenizer = Qwen2Tokenizer(vocab=_qwen_vocabulary(), merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": list(MARKS[1:])})
    tokenizer.chat_template = CHAT
    return tokenizer


def _t5(width: int) -> T5EncoderModel:
    config = T5Config(vocab_size=64, d_model=width, d_kv=8, d_ff=width, num_layers=1, num_heads=2)
    return T5EncoderModel(config).eval()


def _t5_tokenizer() -> T5TokenizerFast:
    pieces = ["<pad>", "</s>", "<unk>", *(f"▁{word}" for word in WORDS)]
    return T5TokenizerFast(
        vocab=[(piece, -float(index)) for index, piece in enumerate(pieces)],
        extra_ids=0,
        model_max_length=T5_TOKENS,
    )


def _vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=CHANNELS,
        norm_num_groups=4,
        sample_size=64,
        scaling_factor=0.36,
        shift_factor=0.12,
        use_quant_conv=False,
        use_post_quant_conv=False,
    ).eval()


def _awake(network: Any, *names: str) -> Any:
    """A ControlNet starts with weights of zero; only others can be seen to act."""
    for name in names:
        for weight in getattr(network, name).parameters():
            torch.nn.init.normal_(weight, std=0.2)
    return network.eval()


def _saved(part: Any, folder: Path) -> Path:
    part.save_pretrained(folder, safe_serialization=True)
    return folder
