"""Tiny real additions for the tiny models: LoRAs, embeddings, IP-Adapters, T2I-Adapters.

Each `make_*` returns the file or folder that it wrote; weights are random but fixed.
"""

from pathlib import Path

import torch
from diffusers import (
    AutoModel,
    StableDiffusionInpaintPipeline,
    T2IAdapter,
    UNet2DConditionModel,
)
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from tests.backend.tiny_models import TEXT_WIDTH, WIDTHS

TOKENS = 4  # that an IP-Adapter makes of a picture
VISION_WIDTH = 24


def make_lora(unet_folder: Path, folder: Path, *, seed: int = 0) -> Path:
    """A folder with a LoRA of rank 2 for the attention of a network."""
    unet = UNet2DConditionModel.from_pretrained(unet_folder)
    unet.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "to_v", "to_k"]))
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in unet.named_parameters():
        if "lora_" in name:
            with torch.no_grad():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
    layers = convert_state_dict_to_diffusers(get_peft_model_state_dict(unet))
    StableDiffusionInpaintPipeline.save_lora_weights(folder, unet_lora_layers=layers)
    return folder


def make_flow_lora(transformer: Path, file: Path, *, seed: int = 0) -> Path:
    """A LoRA of rank 2 for the attention of a flow family's transformer."""
    network = AutoModel.from_pretrained(str(transformer))
    network.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "to_v", "to_k"]))
    layers = get_peft_model_state_dict(network)
    generator = torch.Generator().manual_seed(seed)
    random = {
        f"transformer.{name}": torch.randn(layer.shape, generator=generator)
        for name, layer in layers.items()
    }
    save_file(random, file)
    return file


def make_embedding(
    file: Path, *, vectors: int = 2, width: int = TEXT_WIDTH, seed: int = 5, both: bool = False
) -> Path:
    """A textual inversion; `both` has vectors for two text encoders."""
    generator = torch.Generator().manual_seed(seed)
    names = ("clip_l", "clip_g") if both else ("emb_params",)
    save_file({name: torch.randn(vectors, width, generator=generator) for name in names}, file)
    return file


def make_ip_adapter(unet_folder: Path, folder: Path, *, seed: int = 7) -> Path:
    """A folder with `adapter.safetensors` for a network, and `image_encoder` beside it."""
    unet = UNet2DConditionModel.from_pretrained(unet_folder)
    generator = torch.Generator().manual_seed(seed)
    width = unet.config.cross_attention_dim

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * 0.3

    tensors = {
        "image_proj.proj.weight": random(TOKENS * width, VISION_WIDTH),
        "image_proj.proj.bias": random(TOKENS * width),
        "image_proj.norm.weight": torch.ones(width),
        "image_proj.norm.bias": torch.zeros(width),
    }
    for index, name in enumerate(unet.attn_processors):
        if name.endswith("attn2.processor"):
            attention = unet.get_submodule(name.removesuffix(".processor"))
            for part in ("to_k_ip", "to_v_ip"):
                tensors[f"ip_adapter.{index}.{part}.weight"] = random(attention.inner_dim, width)
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter.safetensors")
    torch.manual_seed(seed)
    config = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=32,
        projection_dim=VISION_WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=32,
        patch_size=8,
    )
    CLIPVisionModelWithProjection(config).eval().save_pretrained(folder / "image_encoder")
    return folder


def make_t2i_adapter(folder: Path, *, channels: tuple[int, ...] = (*WIDTHS, 64, 64)) -> Path:
    """A T2I-Adapter for both families: their tiny networks begin as SDXL's does."""
    torch.manual_seed(9)
    network = T2IAdapter(
        in_channels=3,
        channels=list(channels),
        num_res_blocks=1,
        downscale_factor=16,
        adapter_type="full_adapter_xl",
    )
    network.eval().save_pretrained(folder, safe_serialization=True)
    return folder
