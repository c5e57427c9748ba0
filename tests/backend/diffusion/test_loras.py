"""LoRAs on a tiny real model: saved as diffusers saves them, read back through models.yaml."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionInpaintPipeline, UNet2DConditionModel
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from sampling_support import Events, job, patch, spec

from genimg_ui.backend.base import CancelToken
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.errors import ModelUnavailable
from genimg_ui.registry import availability

pytestmark = pytest.mark.torch


def make_lora(unet_folder: Path, folder: Path, *, seed: int = 0) -> Path:
    """A LoRA of rank 2 with random weights for the attention of a network."""
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


@pytest.fixture(scope="module")
def lora(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_lora(models / "sd15_inpaint" / "unet", tmp_path_factory.mktemp("lora"))


def test_a_lora_changes_the_picture_by_its_weight(models: Path, lora: Path) -> None:
    plain = spec(models / "sd15_inpaint")
    without = patch(DiffusersBackend(), plain)
    full = patch(DiffusersBackend(), replace(plain, lora=str(lora)))
    none = patch(DiffusersBackend(), replace(plain, lora=str(lora), lora_scale=0.0))
    assert np.array_equal(without, none)
    assert not np.array_equal(without, full)


def test_a_lora_is_named_in_the_record(models: Path, lora: Path) -> None:
    model = replace(spec(models / "sd15_inpaint"), lora=str(lora), lora_scale=0.5)
    work = job(model, num_inference_steps=1)
    record = DiffusersBackend().generate(work, Events().append, CancelToken()).model
    assert [(part.role, part.name, part.source) for part in record.parts] == [
        ("lora", "0.5", lora.name)
    ]
    assert len(record.parts[0].files[0].sha256) == 64


def test_a_lora_of_another_model_is_refused(models: Path, tmp_path: Path) -> None:
    other = make_lora(models / "sdxl_inpaint" / "unet", tmp_path / "other")
    model = replace(spec(models / "sd15_inpaint"), lora=str(other))
    with pytest.raises(ModelUnavailable):
        patch(DiffusersBackend(), model)


def test_a_lora_that_is_not_here_is_said(models: Path, tmp_path: Path) -> None:
    model = replace(spec(models / "sd15_inpaint"), lora=str(tmp_path / "nowhere"))
    assert "its LoRA" in str(availability(model))
    (tmp_path / "nowhere").mkdir()
    with pytest.raises(ModelUnavailable, match="one .safetensors file, got 0"):
        patch(DiffusersBackend(), model)
