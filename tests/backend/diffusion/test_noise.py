"""Noise that belongs to the canvas."""

import numpy as np

from genimg_ui.backend.diffusion.noise import canvas_noise, latent_cells
from genimg_ui.core.geometry import Box


def test_a_crop_that_moves_by_whole_cells_keeps_its_noise():
    here = canvas_noise(7, Box(0, 0, 12, 10), 4)
    there = canvas_noise(7, Box(3, 2, 12, 10), 4)
    np.testing.assert_array_equal(here[:, 2:, 3:], there)


def test_cells_left_of_and_above_the_canvas_have_noise_too():
    across = canvas_noise(7, Box(-4, -3, 4, 3), 4)
    np.testing.assert_array_equal(across[:, 3:, 4:], canvas_noise(7, Box(0, 0, 4, 3), 4))
    assert not np.array_equal(across[:, :3, :4], across[:, 3:, 4:])


def test_noise_is_standard_normal_and_uncorrelated():
    noise = canvas_noise(0, Box(0, 0, 128, 128), 4).astype(np.float64)
    assert abs(noise.mean()) < 0.02
    assert abs(noise.std() - 1) < 0.02
    assert abs(np.mean(noise**4) - 3) < 0.15
    for shifted in (np.roll(noise, 1, 0), np.roll(noise, 1, 1), np.roll(noise, 1, 2)):
        assert abs(np.mean(noise * shifted)) < 0.02


def test_neighbouring_seeds_are_unlike_and_one_seed_is_itself():
    cells = Box(0, 0, 64, 64)
    first, second = canvas_noise(1, cells, 4), canvas_noise(2, cells, 4)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.03
    np.testing.assert_array_equal(first, canvas_noise(1, cells, 4))


def test_the_largest_seed_is_finite():
    assert np.isfinite(canvas_noise(2**32 - 1, Box(0, 0, 4, 4), 4)).all()


def test_cells_follow_origin_and_scale():
    def cells(origin, scale):
        return latent_cells(origin, scale, rows=4, columns=6, factor=8)

    assert cells((0, 0), 1.0) == Box(0, 0, 6, 4)
    assert cells((80, 16), 1.0) == Box(10, 2, 16, 6)
    assert cells((80, 16), 2.0) == Box(20, 4, 26, 8)
    assert cells((-8, -8), 1.0) == Box(-1, -1, 5, 3)
