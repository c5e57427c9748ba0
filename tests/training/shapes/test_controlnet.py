"""Training a ControlNet: it begins without effect, learns, and leaves the UNet alone."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import ControlNetModel

from tests.training.shapes.untrained import make_examples, make_runs
from training.shapes.controlnet import build_controlnet, control_image, controlled_predict, main
from training.shapes.dataset import Examples
from training.shapes.diffusion import TEXT_WIDTH, build_unet, inpaint_predict

pytestmark = pytest.mark.torch


def test_an_untrained_controlnet_changes_nothing(tmp_path: Path) -> None:
    torch.manual_seed(0)
    unet = build_unet().eval()
    examples = Examples(make_examples(tmp_path, controls=True), np.random.default_rng(0))
    batch = examples.draw(2)
    network = build_controlnet(unet).eval()
    noise, levels = torch.randn(2, 4, 16, 16), torch.tensor([300, 700])
    states = torch.randn(2, 32, TEXT_WIDTH)
    with torch.no_grad():
        plain = inpaint_predict(unet, batch)(noise, levels, states)
        image = control_image(batch, "canny")
        beside = controlled_predict(unet, network, batch, image)(noise, levels, states)
    assert torch.allclose(plain, beside, atol=1e-5)


@pytest.mark.parametrize("kind", ["canny", "segmentation"])
def test_a_short_training_gives_it_an_effect(tmp_path: Path, kind: str) -> None:
    runs = make_runs(tmp_path / "runs")
    command = [kind, "--out", str(tmp_path / "out"), "--steps", "2", "--threads", "1"]
    command += ["--shards", str(make_examples(tmp_path / "examples", controls=True))]
    command += ["--unet", str(runs / "denoiser" / "final")]
    command += ["--text-encoder", str(runs / "text_encoder" / "final")]
    main(command)
    network = ControlNetModel.from_pretrained(tmp_path / "out" / "final")
    assert network.config.in_channels == 4
    assert network.controlnet_mid_block.weight.abs().sum() > 0
