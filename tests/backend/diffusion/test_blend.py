"""What takes part in which step, and what the source is put back into."""

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler

from genimg_ui.backend.diffusion.blend import Blend, grown_by_one, held, touched_cells

pytestmark = pytest.mark.torch


def test_a_cell_has_its_largest_value_and_grows_by_one_cell():
    mask = np.zeros((40, 40), np.uint8)
    mask[17, 22] = 200  # one pixel in cell (2, 2)
    expected = np.zeros((5, 5), np.uint8)
    expected[1:4, 1:4] = 200
    touched = touched_cells(mask, 8)
    assert np.argwhere(touched).tolist() == [[2, 2]]
    np.testing.assert_array_equal(grown_by_one(touched), expected)


def test_growth_keeps_soft_values_below_hard_ones():
    mask = np.zeros((8, 32), np.uint8)
    mask[:, :8] = 255
    mask[:, 24:] = 10
    np.testing.assert_array_equal(grown_by_one(touched_cells(mask, 8)), [[255, 255, 10, 10]])


@pytest.mark.parametrize("total", [1, 4, 30])
@pytest.mark.parametrize("value", [0, 1, 64, 128, 200, 254, 255])
def test_a_value_takes_part_in_its_share_of_the_steps(value: int, total: int):
    cells = torch.tensor([[value]], dtype=torch.uint8)
    taking = [not bool(held(cells, step, total)) for step in range(total)]
    assert sum(taking) == value * total // 255
    assert taking == sorted(taking)  # once it takes part, it stays


def blend(cells: list[int], scheduler=None) -> Blend:
    scheduler = scheduler or DDIMScheduler()
    scheduler.set_timesteps(4)
    shape = (1, 2, 1, len(cells))
    return Blend(
        scheduler,
        scheduler.timesteps,
        torch.tensor([cells], dtype=torch.uint8),
        torch.full(shape, 5.0),
        torch.randn(shape, generator=torch.Generator().manual_seed(0)),
    )


def test_mask_0_ends_as_the_source_exactly_and_mask_255_is_never_touched():
    own = blend([0, 128, 255])
    latents = torch.full((1, 2, 1, 3), -1.0)
    for step in range(4):
        after = own.after(step, latents)
        assert bool((after[..., 2] == -1).all())
        assert bool((after[..., 0] != -1).all())
        assert bool((after[..., 1] == -1).all()) == (step >= 2)  # 128 of 255: the last two of four
    assert bool((after[..., 0] == 5).all())


def test_held_cells_have_the_noise_of_the_next_step():
    own = blend([0])
    after = own.after(1, torch.zeros(1, 2, 1, 1))
    expected = own.scheduler.add_noise(own.source, own.noise, own.timesteps[2:3])
    torch.testing.assert_close(after, expected)


def test_strength_1_starts_from_noise_alone_and_less_from_the_source():
    scheduler = EulerDiscreteScheduler()
    own = blend([255], scheduler)
    torch.testing.assert_close(own.start(strength=1.0), own.noise * scheduler.init_noise_sigma)
    scheduler.set_begin_index(0)
    noised = own.source + own.noise * scheduler.sigmas[0]
    torch.testing.assert_close(own.start(strength=0.9), noised)


def test_a_preview_shows_the_source_outside_the_mask():
    seen = blend([0, 255]).visible(torch.zeros(1, 2, 1, 2))
    assert seen[0, 0, 0].tolist() == [5.0, 0.0]
