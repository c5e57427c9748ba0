"""Shards: read once, drawn without repetition, joined by those that come later."""

from pathlib import Path

import numpy as np
import pytest
import torch

from training.shapes.dataset import Examples, write_shard

pytestmark = pytest.mark.torch


def _shard(folder: Path, number: int, values: range) -> None:
    count = len(values)
    ids = torch.tensor(list(values), dtype=torch.int16)
    write_shard(
        folder,
        number,
        {
            "latents": torch.zeros(count, 4, 2, 2, dtype=torch.float16),
            "masked_latents": torch.zeros(count, 4, 2, 2, dtype=torch.float16),
            "mask": torch.ones(count, 1, 2, 2, dtype=torch.uint8),
            "token_ids": ids[:, None].expand(-1, 3),
            "names_things": ids > 2,
        },
    )


def _drawn(examples: Examples, count: int) -> list[int]:
    return [int(row[0]) for row in examples.draw(count).token_ids]


def test_a_pass_draws_every_example_once_in_another_order(tmp_path: Path) -> None:
    _shard(tmp_path, 0, range(8))
    examples = Examples(tmp_path, np.random.default_rng(0))
    passes = [_drawn(examples, 4) + _drawn(examples, 4) for _ in range(3)]
    assert all(sorted(numbers) == list(range(8)) for numbers in passes)
    assert passes[0] != passes[1] or passes[1] != passes[2]


def test_shards_that_come_later_are_drawn_in_the_next_pass(tmp_path: Path) -> None:
    _shard(tmp_path, 0, range(4))
    examples = Examples(tmp_path, np.random.default_rng(0))
    _drawn(examples, 2)
    _shard(tmp_path, 1, range(4, 6))
    assert set(_drawn(examples, 2)) < set(range(4))
    assert sorted(_drawn(examples, 6)) == list(range(6))


def test_a_batch_is_ready_to_compute_with_and_keeps_its_rows_together(tmp_path: Path) -> None:
    _shard(tmp_path, 0, range(6))
    batch = Examples(tmp_path, np.random.default_rng(0)).draw(6)
    assert batch.latents.dtype == batch.mask.dtype == torch.float32
    assert batch.token_ids.dtype == torch.int64
    part = batch.part(slice(2, 5))
    assert len(part) == 3
    assert torch.equal(part.names_things, part.token_ids[:, 0] > 2)


def test_an_empty_folder_is_refused_with_the_command_that_fills_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"training\.shapes\.prepare"):
        Examples(tmp_path, np.random.default_rng(0))
