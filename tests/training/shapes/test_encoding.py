"""Masks as cells, and what is hidden under them."""

import pytest
import torch

from training.shapes import autoencoder
from training.shapes.encoding import decoded, exact_cells, hidden, scaled_latents, touched_cells

pytestmark = pytest.mark.torch


def _one_pixel() -> torch.Tensor:
    masks = torch.zeros(1, 1, 32, 32, dtype=torch.bool)
    masks[0, 0, 9, 20] = True
    return masks


def test_a_touched_cell_is_masked_wholly_and_growth_adds_one_around() -> None:
    touched, grown = touched_cells(_one_pixel()), touched_cells(_one_pixel(), grown=True)
    assert touched.mask[0, 0].nonzero().tolist() == [[1, 2]]
    assert touched.pixels.sum() == 64
    assert touched.pixels[0, 0, 8:16, 16:24].all()
    assert grown.mask.sum() == 9
    assert grown.mask[0, 0, 0:3, 1:4].all()


def test_exact_masks_hide_their_pixels_and_a_cell_is_its_first_pixel() -> None:
    masks = _one_pixel()
    assert exact_cells(masks).mask.sum() == 0
    assert torch.equal(exact_cells(masks).pixels, masks)
    masks[0, 0, 8, 16] = True
    assert exact_cells(masks).mask[0, 0, 1, 2] == 1


def test_what_is_hidden_is_zero_for_the_autoencoder() -> None:
    pictures = torch.rand(1, 3, 32, 32)
    shown = hidden(pictures, _one_pixel())
    assert (shown[0, :, 9, 20] * 2 - 1 == 0).all()
    assert (shown != pictures).sum() == 3


def test_scaling_is_undone_before_decoding() -> None:
    model = autoencoder.build().eval()
    pictures = torch.rand(2, 3, 32, 32)
    once = decoded(model, scaled_latents(model, pictures))
    model.register_to_config(scaling_factor=3.0)
    latents = scaled_latents(model, pictures)
    assert torch.allclose(decoded(model, latents), once, atol=1e-5)
