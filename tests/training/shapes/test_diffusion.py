"""The schedule, the loss and the sampler."""

import pytest
import torch

from training.shapes.dataset import Batch
from training.shapes.diffusion import (
    TEXT_WIDTH,
    Noised,
    Sampling,
    add_noise,
    build_unet,
    cumulative_alphas,
    inpaint_predict,
    make_scheduler,
    sample,
    stratified_timesteps,
    velocity_loss,
)

pytestmark = pytest.mark.torch
CPU = torch.device("cpu")


def _batch(count: int) -> Batch:
    return Batch(
        latents=torch.randn(count, 4, 16, 16),
        masked_latents=torch.randn(count, 4, 16, 16),
        mask=torch.ones(count, 1, 16, 16),
        token_ids=torch.zeros(count, 32, dtype=torch.long),
        names_things=torch.ones(count, dtype=torch.bool),
        controls={},
    )


def test_almost_nothing_is_left_in_the_last_level_where_sampling_begins() -> None:
    scheduler = make_scheduler()
    scheduler.set_timesteps(20)
    assert scheduler.timesteps[0] == 999
    assert cumulative_alphas()[999].sqrt() < 0.02


def test_noise_and_velocity_agree_with_the_scheduler() -> None:
    torch.manual_seed(0)
    latents = torch.randn(3, 4, 16, 16)
    timesteps = torch.tensor([0, 400, 999])
    made = add_noise(latents, timesteps)
    torch.manual_seed(0)
    torch.randn(3, 4, 16, 16)
    noise = torch.randn_like(latents)
    scheduler = make_scheduler()
    assert torch.allclose(made.latents, scheduler.add_noise(latents, noise, timesteps), atol=1e-5)
    wanted = scheduler.get_velocity(latents, noise, timesteps)
    assert torch.allclose(made.velocity, wanted, atol=1e-5)


def test_timesteps_are_spread_over_all_levels() -> None:
    timesteps = stratified_timesteps(10, CPU)
    assert sorted((timesteps // 100).tolist()) == list(range(10))


def test_an_error_under_the_mask_costs_more_than_one_outside() -> None:
    zeros = torch.zeros(1, 4, 16, 16)
    noised = Noised(zeros, zeros, torch.zeros(1, dtype=torch.long))
    mask = torch.zeros(1, 1, 16, 16)
    mask[..., :8] = 1
    inside, outside = zeros.clone(), zeros.clone()
    inside[..., :8], outside[..., 8:] = 1, 1
    assert velocity_loss(inside, noised, mask) > 3 * velocity_loss(outside, noised, mask)
    assert velocity_loss(torch.ones_like(zeros), noised, mask).item() == pytest.approx(1)


def test_the_network_reads_text_mask_and_masked_picture() -> None:
    torch.manual_seed(0)
    unet = build_unet().eval()
    batch = _batch(1)
    noise, level = torch.randn(1, 4, 16, 16), torch.tensor([500])
    states = torch.randn(1, 32, TEXT_WIDTH)
    with torch.no_grad():
        plain = inpaint_predict(unet, batch)(noise, level, states)
        other_text = inpaint_predict(unet, batch)(noise, level, -states)
        unmasked = Batch(**{**vars(batch), "mask": torch.zeros(1, 1, 16, 16)})
        other_mask = inpaint_predict(unet, unmasked)(noise, level, states)
    assert plain.shape == noise.shape
    assert not torch.allclose(plain, other_text, atol=1e-4)
    assert not torch.allclose(plain, other_mask, atol=1e-4)


def test_the_sampler_reaches_what_a_perfect_network_sees_and_guidance_goes_beyond() -> None:
    wanted = torch.randn(1, 4, 16, 16)

    def perfect(latents: torch.Tensor, levels: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
        """Knows that the picture is `wanted` times the text's only number."""
        kept = cumulative_alphas()[levels].view(-1, 1, 1, 1)
        clean = wanted * states[:, :1, :1, None]
        noise = (latents - kept.sqrt() * clean) / (1 - kept).sqrt()
        return kept.sqrt() * noise - (1 - kept).sqrt() * clean

    said, empty = torch.ones(1, 1, 1), torch.zeros(1, 1, 1)
    plain = sample(perfect, said, empty, wanted, Sampling(guidance_scale=1.0))
    assert torch.allclose(plain, wanted, atol=0.02)
    guided = sample(perfect, said, empty, wanted, Sampling(guidance_scale=2.0))
    assert guided.norm() > 1.5 * wanted.norm()


def test_a_picture_depends_on_its_seed_and_not_on_its_batch() -> None:
    torch.manual_seed(0)
    unet = build_unet().eval()
    batch = _batch(2)
    states = torch.randn(2, 32, TEXT_WIDTH)
    empty = torch.zeros(1, 32, TEXT_WIDTH)
    both = sample(inpaint_predict(unet, batch), states, empty, batch.latents, Sampling(2))
    second = batch.part(slice(1, 2))
    alone = sample(
        inpaint_predict(unet, second), states[1:], empty, second.latents, Sampling(2, seed=1)
    )
    assert torch.allclose(both[1:], alone, atol=1e-4)
