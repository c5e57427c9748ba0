"""The autoencoder: it learns, is saved as diffusers reads it, and keeps a frozen encoder."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny
from torch import Tensor

from training.loop import Options
from training.shapes.autoencoder import (
    Pictures,
    Recipe,
    build,
    describe,
    finish,
    fresh_scenes,
    holes,
    psnr,
    reconstruction_loss,
    train,
)

pytestmark = pytest.mark.torch
CPU = torch.device("cpu")
SMALL = Recipe(batch=1, pool=8, fresh=1, cropped=0.5, bfloat16=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[AutoencoderTiny, Path]:
    out = tmp_path_factory.mktemp("autoencoder")
    model = train(Options(out=out, steps=12), SMALL)
    finish(model, out, frozen=False, count=16)
    return model, out / "final"


def test_the_result_loads_with_unit_latents(trained: tuple[AutoencoderTiny, Path]) -> None:
    loaded = AutoencoderTiny.from_pretrained(trained[1])
    pictures = fresh_scenes(16, 10**9 + 1, CPU)
    latents = loaded.encode(pictures).latents
    assert latents.shape == (16, 4, 16, 16)
    assert (latents * loaded.config.scaling_factor).std().item() == pytest.approx(1, abs=0.01)
    torch.testing.assert_close(loaded.decode(latents).sample, trained[0].decode(latents).sample)


def test_training_brings_the_error_down(trained: tuple[AutoencoderTiny, Path]) -> None:
    torch.manual_seed(0)
    pictures = fresh_scenes(8, 3, CPU)
    assert psnr(trained[0], pictures).mean() > psnr(build(), pictures).mean() + 0.1


def test_decoder_only_leaves_the_encoder_and_its_scale(
    trained: tuple[AutoencoderTiny, Path], tmp_path: Path
) -> None:
    before = AutoencoderTiny.from_pretrained(trained[1])
    recipe = Recipe(batch=1, pool=8, fresh=1, bfloat16=False, start=trained[1])
    finish(train(Options(out=tmp_path, steps=3), recipe), tmp_path, frozen=True, count=8)
    after = AutoencoderTiny.from_pretrained(tmp_path / "final")
    pairs = zip(before.encoder.parameters(), after.encoder.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    pairs = zip(before.decoder.parameters(), after.decoder.parameters(), strict=True)
    assert not any(torch.equal(a, b) for a, b in pairs)
    assert before.config.scaling_factor == after.config.scaling_factor


def test_pictures_are_of_the_world_and_renewed() -> None:
    pool = Pictures(16, np.random.default_rng(0), CPU)
    old = pool.pool.clone()
    pool.refresh(4)
    changed = [not torch.equal(a, b) for a, b in zip(old, pool.pool, strict=True)]
    assert changed == [True] * 4 + [False] * 12
    for side in (64, 128):
        batch = pool.draw(5, side)
        assert batch.shape == (5, 3, side, side) and batch.dtype == torch.float32
        assert -1 <= batch.min() < -0.2 and 0.2 < batch.max() <= 1


def test_holes_are_of_every_extent() -> None:
    share = holes(200, 64, np.random.default_rng(0)).float().mean((1, 2, 3))
    assert share.min() < 0.15 and share.max() == 1
    assert 0.2 < share.mean() < 0.8


def test_psnr_is_of_the_difference_in_0_to_1() -> None:
    class Off:
        def encode(self, pictures: Tensor) -> "Off":
            self.latents = self.sample = pictures + 0.2
            return self

        def decode(self, _: Tensor) -> "Off":
            return self

    values = psnr(Off(), torch.zeros(3, 3, 8, 8))
    torch.testing.assert_close(values, torch.full((3,), 20.0))
    assert "mean 20.00 dB" in describe(values)


def test_the_loss_is_least_for_the_picture_itself() -> None:
    picture = fresh_scenes(1, 0, CPU)
    exact, _ = reconstruction_loss(picture, picture)
    level, squared = reconstruction_loss(picture + 0.1, picture)
    rough, _ = reconstruction_loss(picture + 0.1 * torch.randn_like(picture).sign(), picture)
    assert exact == 0
    assert level.item() == pytest.approx(0.11, abs=1e-4) and squared.item() == pytest.approx(0.01)
    assert rough > level
