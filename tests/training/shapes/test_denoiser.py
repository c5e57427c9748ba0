"""Training the denoiser: a few real steps, and what a low noise level teaches."""

from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel

from tests.training.shapes.untrained import make_examples, make_runs
from training.shapes.dataset import Batch
from training.shapes.denoiser import begin, main, training_ids

pytestmark = pytest.mark.torch


def test_a_short_training_leaves_a_network_a_checkpoint_and_samples(tmp_path: Path) -> None:
    runs = make_runs(tmp_path / "runs")
    out = tmp_path / "denoiser"
    command = ["--out", str(out), "--steps", "2", "--batch", "4", "--threads", "1"]
    command += ["--shards", str(make_examples(tmp_path / "examples"))]
    command += ["--autoencoder", str(runs / "autoencoder" / "final")]
    command += ["--text-encoder", str(runs / "text_encoder" / "final")]
    main(command)
    trained = UNet2DConditionModel.from_pretrained(out / "final")
    assert all(torch.isfinite(weight).all() for weight in trained.state_dict().values())
    assert (out / "checkpoint.pt").exists()
    assert (out / "samples-000002.png").exists()


def test_a_training_goes_on_from_a_network_that_is_there(tmp_path: Path) -> None:
    known = make_runs(tmp_path / "runs") / "denoiser" / "final"
    weights = UNet2DConditionModel.from_pretrained(known).state_dict()
    begun, fresh = begin(known).state_dict(), begin(None).state_dict()
    assert all(torch.equal(weights[name], begun[name]) for name in weights)
    assert not all(torch.equal(weights[name], fresh[name]) for name in weights)


def test_only_captions_of_things_are_exchanged_and_only_at_low_noise() -> None:
    torch.manual_seed(0)
    count = 400
    ids = torch.arange(count)[:, None].expand(-1, 3)
    things = torch.arange(count) % 2 == 0
    none = torch.empty(count, 0)
    batch = Batch(none, none, none, ids, things, {})
    timesteps = torch.where(torch.arange(count) < count // 2, 100, 900)
    changed = training_ids(batch, timesteps)[:, 0] != ids[:, 0]
    assert not changed[~things].any()
    assert not changed[timesteps == 900].any()
    share = changed[things & (timesteps == 100)].float().mean()
    assert 0.3 < share < 0.7
