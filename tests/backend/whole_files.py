"""Writes tiny models of the families sdxl and sd3 as one file, in the published names.

The inverse of what diffusers does when it reads such files. Text encoders are told apart by their
widths there, so those of these models must differ.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers import (
    FluxPipeline,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionXLPipeline,
)
from safetensors.torch import save_file

from tests.backend.single_file import Tensors, unet_name, vae_tensors
from tests.backend.tiny_models import TEXT_WIDTH

SECOND_WIDTH = 48
_OPEN_CLIP = {
    "text_model.encoder.layers.": "transformer.resblocks.",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.embeddings.": "",
    "text_model.final_layer_norm": "ln_final",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn": "attn",
    "text_projection.weight": "text_projection",
}
_SD3_ENDS = {
    "pos_embed.pos_embed": "pos_embed",
    "pos_embed.proj": "x_embedder.proj",
    "time_text_embed.timestep_embedder.linear_1": "t_embedder.mlp.0",
    "time_text_embed.timestep_embedder.linear_2": "t_embedder.mlp.2",
    "time_text_embed.text_embedder.linear_1": "y_embedder.mlp.0",
    "time_text_embed.text_embedder.linear_2": "y_embedder.mlp.2",
    "norm_out.linear": "final_layer.adaLN_modulation.1",
    "proj_out": "final_layer.linear",
}
_SD3_BLOCK = {
    "attn.to_out.0": "x_block.attn.proj",
    "attn.to_add_out": "context_block.attn.proj",
    "norm1.linear": "x_block.adaLN_modulation.1",
    "norm1_context.linear": "context_block.adaLN_modulation.1",
    "ff.net.0.proj": "x_block.mlp.fc1",
    "ff.net.2": "x_block.mlp.fc2",
    "ff_context.net.0.proj": "context_block.mlp.fc1",
    "ff_context.net.2": "context_block.mlp.fc2",
}
# Queries, keys and values stand together, in this order.
_JOINED = {
    "attn.to_q": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "attn.add_q_proj": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
}


def write_sdxl(folder: Path, path: Path) -> Path:
    """The model of `folder` as one safetensors file."""
    pipe = StableDiffusionXLPipeline.from_pretrained(folder)
    tensors = {
        f"model.diffusion_model.{unet_name(name, pipe.unet)}": value
        for name, value in pipe.unet.state_dict().items()
    }
    tensors |= vae_tensors(pipe.vae)
    tensors |= _named("conditioner.embedders.0.transformer.", _wrapped(pipe.text_encoder))
    tensors |= _named("conditioner.embedders.1.model.", _open_clip(pipe.text_encoder_2))
    return _saved(tensors, path)


def write_sd3(folder: Path, path: Path, *, without: str = "") -> Path:
    """The same of sd3; `without` the tensors whose names begin so."""
    pipe = StableDiffusion3Pipeline.from_pretrained(folder)
    tensors = _named("model.diffusion_model.", sd3_tensors(pipe.transformer))
    tensors |= vae_tensors(pipe.vae)
    first = _wrapped(pipe.text_encoder)
    first.pop("text_projection.weight")  # published without: it is the identity
    tensors |= _named("text_encoders.clip_l.transformer.", first)
    tensors |= _named("text_encoders.clip_g.transformer.", _wrapped(pipe.text_encoder_2))
    tensors |= _named("text_encoders.t5xxl.transformer.", pipe.text_encoder_3.state_dict())
    return _saved(
        {name: t for name, t in tensors.items() if not (without and name.startswith(without))}, path
    )


def write_flux(folder: Path, path: Path) -> Path:
    """The same of flux, its transformer in the names of diffusers.

    What converts the published names takes the published width for granted.
    """
    pipe = FluxPipeline.from_pretrained(folder)
    tensors = _named("model.diffusion_model.", pipe.transformer.state_dict())
    vae = vae_tensors(pipe.vae)
    tensors |= {name.replace("first_stage_model.", "vae."): value for name, value in vae.items()}
    tensors |= _named("text_encoders.clip_l.transformer.", _wrapped(pipe.text_encoder))
    tensors |= _named("text_encoders.t5xxl.transformer.", pipe.text_encoder_2.state_dict())
    return _saved(tensors, path)


def make_first_projection_plain(folder: Path) -> None:
    """Let the first text encoder of an sd3 model project by the identity, as its file has none."""
    pipe = StableDiffusion3Pipeline.from_pretrained(folder)
    with torch.no_grad():
        pipe.text_encoder.text_projection.weight.copy_(torch.eye(TEXT_WIDTH))
    pipe.text_encoder.save_pretrained(folder / "text_encoder")


def sd3_tensors(transformer: SD3Transformer2DModel) -> Tensors:
    """Its tensors in the authors' names."""
    last = transformer.config.num_layers - 1
    state = transformer.state_dict()
    joined = {name for names in _JOINED.values() for name in names}
    found: Tensors = {}
    for name, value in state.items():
        block = re.match(r"transformer_blocks\.(\d+)\.(.*)\.(weight|bias)", name)
        if block is None:
            own = _replaced(name, _SD3_ENDS)
            found[own] = _swapped(value) if name.startswith("norm_out.") else value
            continue
        index, part, end = int(block[1]), block[2], block[3]
        if part in _JOINED:
            stream = "x" if part == "attn.to_q" else "context"
            three = [state[f"transformer_blocks.{index}.{kind}.{end}"] for kind in _JOINED[part]]
            found[f"joint_blocks.{index}.{stream}_block.attn.qkv.{end}"] = torch.cat(three)
        elif part not in joined:
            final = index == last and part == "norm1_context.linear"
            own = f"joint_blocks.{index}.{_SD3_BLOCK[part]}.{end}"
            found[own] = _swapped(value) if final else value
    return found


def _swapped(value: torch.Tensor) -> torch.Tensor:
    """Shift and scale of a last norm are published in the other order."""
    scale, shift = value.chunk(2)
    return torch.cat([shift, scale])


def _open_clip(encoder: torch.nn.Module) -> Tensors:
    state = _wrapped(encoder)
    found: Tensors = {}
    for name, value in state.items():
        layer = re.match(r"(.*self_attn)\.([qkv])_proj\.(weight|bias)", name)
        own = _replaced(layer[1] if layer else name, _OPEN_CLIP)
        if layer is None:
            found[own] = value.T if own == "text_projection" else value
        elif layer[2] == "q":  # queries, keys and values stand together, in this order
            three = [state[f"{layer[1]}.{kind}_proj.{layer[3]}"] for kind in "qkv"]
            found[f"{own}.in_proj_{layer[3]}"] = torch.cat(three)
    return found


def _wrapped(encoder: torch.nn.Module) -> Tensors:
    """Names as they are published: the text model in a module of its own."""
    return {
        name if name.startswith(("text_model.", "text_projection")) else f"text_model.{name}": value
        for name, value in encoder.state_dict().items()
        if not name.endswith("position_ids")
    }


def _named(prefix: str, tensors: Mapping[str, torch.Tensor]) -> Tensors:
    return {f"{prefix}{name}": value for name, value in tensors.items()}


def _replaced(name: str, table: Mapping[str, str]) -> str:
    for own, published in table.items():
        name = name.replace(own, published)
    return name


def _saved(tensors: Tensors, path: Path) -> Path:
    save_file({name: value.contiguous().clone() for name, value in tensors.items()}, path)
    return path
