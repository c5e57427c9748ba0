"""What a model is, told from its index or from the names of its weights; nothing is loaded.

A folder names its pipeline in `model_index.json`. A single file has only its tensors: their names
and shapes stand in the header of a safetensors file, which is read alone. The names are those of
the files that the models' authors published, and of diffusers' own components.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from genimg_ui.errors import ModelUnavailable
from genimg_ui.weights.folders import HEADER_BYTES, pipeline_class
from genimg_ui.weights.gguf_header import GGUF, gguf_tensors

MAX_HEADER = 100_000_000  # bytes; the limit of the safetensors library itself
_WRAP = "model.diffusion_model."  # how whole checkpoints name their denoiser

# How the name of a pipeline's class begins → the family; the first that fits is meant.
FAMILY_OF_CLASS = (
    ("StableDiffusionXL", "sdxl"),
    ("StableDiffusion3", "sd3"),
    ("StableDiffusion", "sd15"),
    ("FluxFill", "flux-fill"),
    ("FluxKontext", None),
    ("FluxPriorRedux", None),
    ("FluxControlNet", "flux"),
    ("FluxControl", None),  # reads a control map beside the latents: another network
    ("Flux2", None),
    ("Flux", "flux"),
    ("QwenImageEdit", "qwen-image-edit"),
    ("QwenImageLayered", None),
    ("QwenImage", "qwen-image"),
    ("ZImageOmni", None),
    ("ZImage", "z-image"),
    ("KandinskyV22", "kandinsky22"),
)


@dataclass(frozen=True, slots=True)
class Recognised:
    """A single file: its family, what it holds, and the hub model whose configuration fits.

    `kind` is model, controlnet, lora or vae. `whole` is False where a model's file holds its
    denoiser alone. `native` is True for a UNet with the channels of an inpainting model.
    `config` is empty where none is known. `absent` are components that the rest of a whole file
    needs and that it has not: some are published without their largest text encoder.
    """

    kind: str
    family: str = ""
    whole: bool = False
    native: bool = False
    config: str = ""
    absent: tuple[str, ...] = ()


# Names of one tensor that only this family's denoiser has: as published, and as diffusers has it.
_DENOISERS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "qwen-image",
        ("transformer_blocks.0.img_mod.1.weight",),
        "Qwen/Qwen-Image",
    ),
    (
        "sd3",
        ("joint_blocks.0.context_block.adaLN_modulation.1.bias",),
        "stabilityai/stable-diffusion-3-medium-diffusers",
    ),
    (
        "flux",
        (
            "double_blocks.0.img_attn.norm.key_norm.scale",
            "single_transformer_blocks.0.proj_mlp.weight",
        ),
        "",  # by what else it holds
    ),
    ("z-image", ("layers.0.adaLN_modulation.0.weight",), "Tongyi-MAI/Z-Image-Turbo"),
)
# Family → its components beside the denoiser, and how whole checkpoints begin their names.
_VAE = ("vae", ("vae.", "first_stage_model."))
_COMPONENTS: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "sd3": (
        ("text_encoder", ("text_encoders.clip_l.",)),
        ("text_encoder_2", ("text_encoders.clip_g.",)),
        ("text_encoder_3", ("text_encoders.t5xxl.",)),
        _VAE,
    ),
    "flux": (
        ("text_encoder", ("text_encoders.clip_l.",)),
        ("text_encoder_2", ("text_encoders.t5xxl.",)),
        _VAE,
    ),
}
_UNET_IN = f"{_WRAP}input_blocks.0.0.weight"
_INPAINT_CHANNELS = 9
_FILL_CHANNELS = 384  # 2 × 2 cells of latents, of the masked picture's latents, and of 8 × 8 mask
# (family, native) → the model whose configuration a checkpoint of Stable Diffusion shares.
_UNET_CONFIGS: Mapping[tuple[str, bool], str] = {
    ("sd15", False): "stable-diffusion-v1-5/stable-diffusion-v1-5",
    ("sd15", True): "stable-diffusion-v1-5/stable-diffusion-inpainting",
    ("sdxl", False): "stabilityai/stable-diffusion-xl-base-1.0",
    ("sdxl", True): "diffusers/stable-diffusion-xl-1.0-inpainting-0.1",
}
_V2_CONFIG = "stabilityai/stable-diffusion-2-1"
_V2_INPAINT_CONFIG = "stabilityai/stable-diffusion-2-inpainting"


def family_of_class(name: str) -> str | None:
    """The family of a pipeline class of diffusers, None for one that is not known."""
    for start, family in FAMILY_OF_CLASS:
        if name.startswith(start):
            return family
    return None


def recognise_family(folder: Path) -> str | None:
    """The family of the model in `folder`, by the pipeline class that its index names."""
    return family_of_class(pipeline_class(folder) or "")


def tensor_shapes(path: Path) -> Mapping[str, tuple[int, ...]]:
    """Every tensor of a safetensors file with its shape; reads the header only.

    Raises ModelUnavailable where the file is no safetensors or ends before its last tensor.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(HEADER_BYTES))
            if length > min(size, MAX_HEADER):
                raise ValueError
            header = json.loads(file.read(length))
        shapes, last = shapes_of_header(header)
        whole = HEADER_BYTES + length + last
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise ModelUnavailable(
            f"{path.name} is no readable safetensors file; download it anew."
        ) from error
    if size < whole:
        raise ModelUnavailable(
            f"{path.name} has only {size:,} of {whole:,} bytes; download it anew."
        )
    return shapes


def shapes_of_header(header: dict[str, Any]) -> tuple[dict[str, tuple[int, ...]], int]:
    """Shapes by name from a safetensors header, and how many bytes of data must follow it.

    Raises KeyError, TypeError or AttributeError where it is none.
    """
    entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
    shapes = {name: tuple(entry["shape"]) for name, entry in entries.items()}
    return shapes, max((entry["data_offsets"][1] for entry in entries.values()), default=0)


def recognise_file(path: Path) -> Recognised | None:
    """What a single safetensors or GGUF file holds; None where its names are not known.

    Raises ModelUnavailable where it cannot be read.
    """
    if path.suffix.lower() == GGUF:
        return recognise_shapes({name: t.shape for name, t in gguf_tensors(path).items()})
    return recognise_shapes(tensor_shapes(path))


def recognise_shapes(shapes: Mapping[str, tuple[int, ...]]) -> Recognised | None:
    """The same for tensors whose names and shapes are known."""
    if any("lora_" in name or ".lora." in name for name in shapes):
        return Recognised("lora")
    if any(name.startswith(("control_model.", "controlnet_")) for name in shapes):
        return Recognised("controlnet")
    if _UNET_IN in shapes:
        return _stable_diffusion(shapes)
    for family, marks, config in _DENOISERS:
        if any(mark in shapes or _WRAP + mark in shapes for mark in marks):
            whole = any(name.startswith(("text_encoders.", "vae.")) for name in shapes)
            absent = _absent(family, shapes) if whole else ()
            if family == "flux":
                return replace(_flux(shapes, whole=whole), absent=absent)
            return Recognised("model", family, whole, config=config, absent=absent)
    if "decoder.conv_in.weight" in shapes and "encoder.conv_in.weight" in shapes:
        return Recognised("vae")
    return None


def _absent(family: str, shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, ...]:
    return tuple(
        component
        for component, prefixes in _COMPONENTS.get(family, ())
        if not any(name.startswith(prefixes) for name in shapes)
    )


def _flux(shapes: Mapping[str, tuple[int, ...]], *, whole: bool) -> Recognised:
    bare = {name.removeprefix(_WRAP): shape for name, shape in shapes.items()}
    entry = bare.get("img_in.weight") or bare.get("x_embedder.weight") or (0, 0)
    if entry[1] == _FILL_CHANNELS:
        fill = "black-forest-labs/FLUX.1-Fill-dev"
        return Recognised("model", "flux-fill", whole, native=True, config=fill)
    guided = any(name.startswith(("guidance_in.", "time_text_embed.guidance")) for name in bare)
    name = "dev" if guided else "schnell"
    return Recognised("model", "flux", whole, config=f"black-forest-labs/FLUX.1-{name}")


def _stable_diffusion(shapes: Mapping[str, tuple[int, ...]]) -> Recognised | None:
    native = shapes[_UNET_IN][1] == _INPAINT_CHANNELS
    starts = {name.split(".model.")[0] for name in shapes if name.startswith("conditioner.")}
    whole = any(name.startswith("first_stage_model.") for name in shapes)
    if any(start.startswith("conditioner.embedders.1") for start in starts):
        return Recognised("model", "sdxl", whole, native, _UNET_CONFIGS["sdxl", native])
    if starts:
        return None  # the refiner's one text encoder: no model to begin with
    config = _UNET_CONFIGS["sd15", native]
    if any(name.startswith("cond_stage_model.model.") for name in shapes):
        config = _V2_INPAINT_CONFIG if native else _V2_CONFIG
    return Recognised("model", "sd15", whole, native, config)
