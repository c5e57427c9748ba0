"""What a model is, by its index or by the names of its tensors."""

import json
import struct
from pathlib import Path

import pytest

from genimg_ui.errors import ModelUnavailable
from genimg_ui.weights.recognise import (
    Recognised,
    family_of_class,
    recognise_file,
    recognise_shapes,
    tensor_shapes,
)

UNET = "model.diffusion_model.input_blocks.0.0.weight"


def safetensors(path: Path, shapes: dict[str, tuple[int, ...]]) -> Path:
    """A file with a true header and zeros for its tensors (one byte each, dtype U8)."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        size = 1
        for side in shape:
            size *= side
        header[name] = {"dtype": "U8", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(end))
    return path


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("StableDiffusionPipeline", "sd15"),
        ("StableDiffusionInpaintPipeline", "sd15"),
        ("StableDiffusionXLInpaintPipeline", "sdxl"),
        ("StableDiffusion3Pipeline", "sd3"),
        ("KandinskyV22InpaintPipeline", "kandinsky22"),
        ("FluxFillPipeline", "flux-fill"),
        ("Flux2Pipeline", None),
        ("QwenImageEditPipeline", "qwen-image-edit"),
        ("ZImagePipeline", "z-image"),
        ("WanPipeline", None),
        ("", None),
    ],
)
def test_a_pipeline_class_tells_the_family(name, family):
    assert family_of_class(name) == family


CASES = {
    "sd15": ({UNET: (320, 4, 3, 3), "first_stage_model.a": (1,)}, "sd15", True, False),
    "sd15-inpaint": ({UNET: (320, 9, 3, 3), "first_stage_model.a": (1,)}, "sd15", True, True),
    "sd2": ({UNET: (320, 4, 3, 3), "cond_stage_model.model.a": (1,)}, "sd15", False, False),
    "sdxl": (
        {UNET: (320, 4, 3, 3), "conditioner.embedders.1.model.ln_final.bias": (1,)},
        "sdxl",
        False,
        False,
    ),
    "sd3": (
        {
            "model.diffusion_model.joint_blocks.0.context_block.adaLN_modulation.1.bias": (9,),
            "text_encoders.clip_l.a": (1,),
        },
        "sd3",
        True,
        False,
    ),
    "flux": ({"double_blocks.0.img_attn.norm.key_norm.scale": (8,)}, "flux", False, False),
    "flux-fill": (
        {
            "double_blocks.0.img_attn.norm.key_norm.scale": (8,),
            "img_in.weight": (4, 384),
            "guidance_in.in_layer.bias": (4,),
        },
        "flux-fill",
        False,
        True,
    ),
    "qwen": ({"transformer_blocks.0.img_mod.1.weight": (8,)}, "qwen-image", False, False),
    "z-image": ({"layers.0.adaLN_modulation.0.weight": (8,)}, "z-image", False, False),
}


@pytest.mark.parametrize("case", CASES)
def test_the_names_of_tensors_tell_the_family(case, tmp_path):
    shapes, family, whole, native = CASES[case]
    found = recognise_file(safetensors(tmp_path / "model.safetensors", shapes))
    assert found is not None
    assert (found.kind, found.family, found.whole, found.native) == ("model", family, whole, native)
    assert found.config.count("/") == 1


def test_configurations_follow_version_and_channels():
    plain = {"first_stage_model.a": (1,)}
    configs = {
        recognise_shapes({UNET: (1, channels, 3, 3)} | plain | extra).config
        for channels in (4, 9)
        for extra in ({}, {"cond_stage_model.model.a": (1,)}, {"conditioner.embedders.1.b": (1,)})
    }
    assert len(configs) == 6
    flux = {"double_blocks.0.img_attn.norm.key_norm.scale": (8,), "img_in.weight": (4, 64)}
    guided = flux | {"guidance_in.in_layer.bias": (4,)}
    assert recognise_shapes(flux).config.endswith("schnell")
    assert recognise_shapes(guided).config.endswith("dev")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("lora_unet_down_blocks_0.lora_down.weight", "lora"),
        ("unet.down_blocks.0.attn.to_q.lora_A.weight", "lora"),
        ("control_model.time_embed.0.weight", "controlnet"),
        ("controlnet_cond_embedding.conv_in.weight", "controlnet"),
    ],
)
def test_what_is_no_model_is_told_apart(name, kind):
    assert recognise_shapes({name: (1, 1)}) == Recognised(kind)


def test_a_refiner_and_the_unknown_are_no_model():
    refiner = {UNET: (384, 4, 3, 3), "conditioner.embedders.0.model.ln_final.bias": (1,)}
    assert recognise_shapes(refiner) is None
    assert recognise_shapes({"weight": (1,)}) is None


def test_a_file_that_cannot_be_read_is_said(tmp_path):
    whole = safetensors(tmp_path / "whole.safetensors", {"a": (100,)})
    assert tensor_shapes(whole) == {"a": (100,)}
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(whole.read_bytes()[:-1])
    with pytest.raises(ModelUnavailable, match=r"cut.safetensors has only \d+ of \d+ bytes"):
        tensor_shapes(cut)
    for content in (
        b"",
        b"PK\x03\x04 a zip",
        struct.pack("<Q", 2**60),
        struct.pack("<Q", 2) + b"[]",
    ):
        (tmp_path / "bad.safetensors").write_bytes(content)
        with pytest.raises(ModelUnavailable, match="bad.safetensors is no readable safetensors"):
            tensor_shapes(tmp_path / "bad.safetensors")
