"""Writes a tiny model of family sd15 as one file, in the names of the published checkpoints.

The inverse of what diffusers does when it reads such a file, for the shapes of `tiny_models`.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline
from safetensors.torch import save_file

Tensors = dict[str, torch.Tensor]
LAYERS = 1  # of each block: `layers_per_block`
_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_UNET_ENDS = {
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
}
_VAE_PARTS = {
    "conv_norm_out": "norm_out",
    "conv_shortcut": "nin_shortcut",
    "mid_block.resnets.0": "mid.block_1",
    "mid_block.resnets.1": "mid.block_2",
    "mid_block.attentions.0": "mid.attn_1",
    "attn_1.group_norm": "attn_1.norm",
    "attn_1.to_q": "attn_1.q",
    "attn_1.to_k": "attn_1.k",
    "attn_1.to_v": "attn_1.v",
    "attn_1.to_out.0": "attn_1.proj_out",
}


def write_single_file(folder: Path, path: Path, *, only_unet: bool = False) -> Path:
    """The model of `folder` as one safetensors file."""
    pipe = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    tensors = {
        f"model.diffusion_model.{unet_name(name, pipe.unet)}": value
        for name, value in pipe.unet.state_dict().items()
    }
    if not only_unet:
        tensors |= vae_tensors(pipe.vae)
        tensors |= {
            f"cond_stage_model.transformer.{_text_name(name)}": value
            for name, value in pipe.text_encoder.state_dict().items()
        }
    save_file({name: value.contiguous().clone() for name, value in tensors.items()}, path)
    return path


def vae_tensors(vae: AutoencoderKL) -> Tensors:
    """The autoencoder's share of a whole checkpoint."""
    return {
        f"first_stage_model.{_vae_name(name, vae)}": _unflattened(name, value)
        for name, value in vae.state_dict().items()
    }


def unet_name(name: str, unet: object) -> str:
    blocks = len(unet.config.block_out_channels)
    down = re.match(r"down_blocks\.(\d+)\.(resnets|attentions|downsamplers)\.(\d+)\.(.*)", name)
    up = re.match(r"up_blocks\.(\d+)\.(resnets|attentions|upsamplers)\.(\d+)\.(.*)", name)
    if down:
        block, kind, layer, rest = int(down[1]), down[2], int(down[3]), down[4]
        at = 1 + block * (LAYERS + 1) + (LAYERS if kind == "downsamplers" else layer)
        inside = {"resnets": "0", "attentions": "1", "downsamplers": "0.op"}[kind]
        rest = rest.removeprefix("conv.") if kind == "downsamplers" else rest
        return f"input_blocks.{at}.{inside}.{_inner(kind, rest)}"
    if up:
        block, kind, layer, rest = int(up[1]), up[2], int(up[3]), up[4]
        at = block * (LAYERS + 1) + (LAYERS if kind == "upsamplers" else layer)
        attends = "Attn" in unet.config.up_block_types[block]
        inside = {"resnets": "0", "attentions": "1", "upsamplers": "2" if attends else "1"}[kind]
        assert block < blocks
        return f"output_blocks.{at}.{inside}.{_inner(kind, rest)}"
    for own, published in _UNET_ENDS.items():
        if name.startswith(f"{own}."):
            kind = "resnets" if ".resnets." in own else ""
            return f"{published}.{_inner(kind, name.removeprefix(f'{own}.'))}"
    raise AssertionError(name)


def _inner(kind: str, rest: str) -> str:
    return _replaced(rest, _RESNET) if kind == "resnets" else rest


def _vae_name(name: str, vae: object) -> str:
    last = len(vae.config.block_out_channels) - 1
    down = r"down_blocks\.(\d+)\.(resnets|downsamplers)\.(\d+)\."
    up = r"up_blocks\.(\d+)\.(resnets|upsamplers)\.(\d+)\."
    name = re.sub(down, lambda m: _vae_block("down", int(m[1]), m[2], m[3]), name)
    name = re.sub(up, lambda m: _vae_block("up", last - int(m[1]), m[2], m[3]), name)
    return _replaced(name, _VAE_PARTS)


def _vae_block(way: str, block: int, kind: str, layer: str) -> str:
    return f"{way}.{block}.block.{layer}." if kind == "resnets" else f"{way}.{block}.{way}sample."


def _text_name(name: str) -> str:
    return name if name.startswith("text_model.") else f"text_model.{name}"


def _replaced(name: str, table: Mapping[str, str]) -> str:
    for own, published in table.items():
        name = name.replace(own, published)
    return name


def _unflattened(name: str, value: torch.Tensor) -> torch.Tensor:
    """The attention of these autoencoders was published as convolutions of 1 × 1."""
    attends = ".attentions." in name and name.endswith("weight") and "norm" not in name
    return value[:, :, None, None] if attends else value
