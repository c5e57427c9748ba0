"""Assembling: folders that the pipelines load and run, with every part that was trained."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import (
    AutoencoderTiny,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from PIL import Image

from tests.training.shapes.untrained import make_runs
from training.shapes.assemble import assemble, main
from training.shapes.controlnet import build_controlnet
from training.shapes.free import attentive, fold
from training.shapes.lora import main as train_lora

pytestmark = pytest.mark.torch
PROMPT = "a red star"


@pytest.fixture(scope="module")
def assembled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = make_runs(tmp_path_factory.mktemp("runs"))
    unet = UNet2DConditionModel.from_pretrained(runs / "denoiser" / "final")
    build_controlnet(unet).save_pretrained(runs / "controlnet-canny" / "final")
    command = ["--out", str(runs / "lora"), "--steps", "2", "--threads", "1", "--pool", "8"]
    command += ["--unet", str(runs / "denoiser" / "final")]
    command += ["--autoencoder", str(runs / "autoencoder" / "final")]
    command += ["--text-encoder", str(runs / "text_encoder" / "final")]
    train_lora(command)
    assemble(runs, runs / "models")
    return runs / "models"


def _options(seed: int = 0) -> dict[str, object]:
    generator = torch.Generator().manual_seed(seed)
    return {"num_inference_steps": 2, "generator": generator, "output_type": "np"}


def _inpaint(pipe: StableDiffusionInpaintPipeline) -> np.ndarray:
    grey = Image.new("RGB", (128, 128), (90, 120, 90))
    mask = Image.new("L", (128, 128), 0)
    mask.paste(255, (32, 32, 96, 96))
    options = {"image": grey, "mask_image": mask, "width": 128, "height": 128, **_options()}
    return np.asarray(pipe(PROMPT, **options).images[0])


def test_the_inpainting_folder_loads_in_single_precision_and_a_lora_changes_it(
    assembled: Path,
) -> None:
    pipe = StableDiffusionInpaintPipeline.from_pretrained(assembled / "shapes")
    assert pipe.unet.dtype == pipe.text_encoder.dtype == torch.float32
    assert pipe.tokenizer.model_max_length == 32
    plain = _inpaint(pipe)
    assert plain.shape == (128, 128, 3)
    assert np.isfinite(plain).all()
    pipe.load_lora_weights(assembled / "shapes" / "lora")
    assert not np.allclose(_inpaint(pipe), plain, atol=1e-4)


def test_the_free_twin_paints_whole_pictures(assembled: Path) -> None:
    pipe = StableDiffusionPipeline.from_pretrained(assembled / "shapes-free")
    assert pipe.unet.config.in_channels == 4
    assert pipe.scheduler.config.algorithm_type == "sde-dpmsolver++"
    assert pipe.scheduler.config.prediction_type == "v_prediction"
    own = StableDiffusionInpaintPipeline.from_pretrained(assembled / "shapes").scheduler
    assert torch.equal(pipe.scheduler.alphas_cumprod, own.alphas_cumprod)
    picture = pipe(PROMPT, width=128, height=128, **_options()).images[0]
    assert np.isfinite(picture).all()


def test_a_free_network_with_a_training_of_its_own_is_shipped(tmp_path: Path) -> None:
    runs = make_runs(tmp_path / "runs")
    folders = [runs / name / "final" for name in ("denoiser", "autoencoder")]
    unet = UNet2DConditionModel.from_pretrained(folders[0])
    own = attentive(fold(unet, AutoencoderTiny.from_pretrained(folders[1])))
    own.save_pretrained(runs / "free" / "final")
    assemble(runs, tmp_path / "models")
    shipped = UNet2DConditionModel.from_pretrained(tmp_path / "models" / "shapes-free" / "unet")
    assert set(shipped.config.up_block_types) == {"CrossAttnUpBlock2D"}
    assert torch.equal(shipped.conv_in.weight, own.conv_in.weight.half().float())


def test_the_card_and_the_trained_adapters_are_there(assembled: Path) -> None:
    shapes = assembled / "shapes"
    assert (shapes / "controlnet-canny" / "diffusion_pytorch_model.safetensors").exists()
    assert not (shapes / "controlnet-segmentation").exists()
    card = (shapes / "README.md").read_text("utf-8")
    assert card.startswith("---\nlicense: apache-2.0\n")
    assert "| LoRA (ink and wash) | 2 |" in card
    assert not list(assembled.rglob("*.bin"))


def test_a_missing_part_is_named_with_its_command(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"python -m training\.shapes\.autoencoder"):
        main(["--runs", str(tmp_path), "--out", str(tmp_path / "models")])
