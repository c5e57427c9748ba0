"""Training the network without mask channels: where it begins, and a few real steps."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel

from tests.training.shapes.untrained import make_examples, make_runs
from training.shapes.encoding import scaled_latents
from training.shapes.free import attentive, fold, main, whole_cases
from training.shapes.render import render
from training.shapes.samples import judged
from training.shapes.scenes import Scene, sample_thing
from training.shapes.words import BACKGROUNDS

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def networks(runs: Path) -> tuple[UNet2DConditionModel, AutoencoderTiny]:
    unet = UNet2DConditionModel.from_pretrained(runs / "denoiser" / "final").eval()
    autoencoder = AutoencoderTiny.from_pretrained(runs / "autoencoder" / "final").eval()
    return unet, autoencoder


@torch.no_grad()
def test_folding_keeps_what_the_network_does_where_all_is_masked(
    networks: tuple[UNet2DConditionModel, AutoencoderTiny],
) -> None:
    unet, autoencoder = networks
    noise = torch.randn(1, 4, 16, 16)
    grey = scaled_latents(autoencoder, torch.full((1, 3, 128, 128), 0.5))
    first = unet.conv_in(torch.cat([noise, torch.ones(1, 1, 16, 16), grey], 1))
    folded = fold(unet, autoencoder).conv_in(noise)
    # The autoencoder's own edge reaches five cells into the grey picture.
    assert torch.allclose(first[..., 5:-5, 5:-5], folded[..., 5:-5, 5:-5], atol=1e-3)


@torch.no_grad()
def test_attention_at_the_finest_cells_changes_nothing_until_it_is_trained(
    networks: tuple[UNet2DConditionModel, AutoencoderTiny],
) -> None:
    folded = fold(*networks).eval()
    grown = attentive(folded).eval()
    noise, states = torch.randn(2, 4, 16, 16), torch.randn(2, 32, 128)
    times = torch.tensor([900, 100])
    before, after = (net(noise, times, states).sample for net in (folded, grown))
    assert torch.allclose(before, after, atol=1e-5)
    grown.up_blocks[-1].attentions[-1].proj_out.weight.normal_()
    assert not torch.allclose(before, grown(noise, times, states).sample, atol=1e-3)


def test_a_short_training_leaves_a_network_a_checkpoint_and_samples(
    runs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "free"
    command = ["--out", str(out), "--steps", "2", "--batch", "4", "--threads", "1"]
    command += ["--shards", str(make_examples(tmp_path / "wholes", task="whole"))]
    command += ["--autoencoder", str(runs / "autoencoder" / "final")]
    command += ["--text-encoder", str(runs / "text_encoder" / "final")]
    command += ["--denoiser", str(runs / "denoiser" / "final")]
    main(command)
    trained = UNet2DConditionModel.from_pretrained(out / "final")
    assert trained.config.in_channels == 4
    assert all(torch.isfinite(weight).all() for weight in trained.state_dict().values())
    assert (out / "checkpoint.pt").exists()
    assert (out / "samples-000002.png").exists()


def test_true_pictures_of_the_whole_cases_are_judged_right() -> None:
    cases = whole_cases()
    assert {one.ground for one in cases.judged} == set(BACKGROUNDS)
    assert all(one.case.mask.all() for one in cases.judged)
    rng = np.random.default_rng(0)
    wrong = []
    for one in cases.judged:
        ground = one.case.scene.background
        thing = sample_thing(rng, ground, shape=one.shape, colour=one.colour, radius=(0.2, 0.3))
        picture = render([Scene(ground, (thing,))])[0].permute(1, 2, 0).mul(255).byte().numpy()
        if not judged(picture, one)["all"]:
            wrong.append(one.case.prompt)
    assert len(wrong) <= 0.02 * len(cases.judged), wrong
