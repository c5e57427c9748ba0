"""Previews show the right colours without decoding, and not too often."""

import numpy as np
import pytest
import torch

from genimg_ui.backend.diffusion import preview
from genimg_ui.backend.diffusion.preview import PreviewGate, fit_colours, latents_to_rgb

pytestmark = pytest.mark.torch

MIX = torch.tensor([[0.4, 0.3, -0.2], [-0.1, 0.5, 0.3], [0.3, -0.4, 0.2], [0.2, 0.2, 0.2]])


def linear_autoencoder(image: torch.Tensor) -> torch.Tensor:
    """Latents that are exactly linear in the mean colour of each 8 × 8 cell."""
    cells = torch.nn.functional.avg_pool2d(image, 8)
    return torch.einsum("kc,bchw->bkhw", MIX, cells)


def test_colours_are_recovered_from_latents():
    wanted = np.array([[[255, 0, 0], [0, 255, 0]], [[20, 40, 240], [128, 128, 128]]], np.uint8)
    pixels = torch.from_numpy(wanted.repeat(8, 0).repeat(8, 1)).permute(2, 0, 1)[None] / 127.5 - 1
    latents = linear_autoencoder(pixels)
    shown = latents_to_rgb(latents[0], fit_colours(linear_autoencoder, 8))
    assert np.abs(shown.astype(int) - wanted).max() <= 4


def test_latents_of_any_level_and_nan_give_a_picture():
    colours = fit_colours(linear_autoencoder, 8)
    loud = torch.randn(4, 6, 5, generator=torch.Generator().manual_seed(0)) * 14
    shown = latents_to_rgb(loud, colours)
    assert shown.shape == (6, 5, 3)
    difference = shown.astype(int) - latents_to_rgb(loud * 10, colours)
    assert np.abs(difference).max() <= 1
    loud[0, 0, 0] = float("nan")
    assert latents_to_rgb(loud, colours).std() > 20


def test_the_gate_opens_every_second_step_and_twice_a_second(monkeypatch):
    now = 100.0
    monkeypatch.setattr(preview.time, "monotonic", lambda: now)
    gate = PreviewGate()
    assert [step for step in range(1, 6) if gate.opens(step)] == [2]
    now += 0.6
    assert [step for step in range(6, 12) if gate.opens(step)] == [6]
    gate.restart()
    now += 0.6
    assert not gate.opens(1)
    assert gate.opens(2)
