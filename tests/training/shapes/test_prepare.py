"""Preparing examples: what a shard holds, that it goes on, and that it can be made again."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.training.shapes.untrained import EXAMPLES, make_examples
from training.shapes import autoencoder, tokenizer
from training.shapes.controlnet import control_image
from training.shapes.dataset import Examples, shard_path
from training.shapes.masks import sample_example
from training.shapes.prepare import Preparation, cells_of, prepare
from training.shapes.render import render, segmentation

pytestmark = pytest.mark.torch


def test_an_interrupted_command_makes_only_what_is_missing(tmp_path: Path) -> None:
    made_with = Preparation(autoencoder.build().eval(), tokenizer.build(), 0)
    prepare(tmp_path, 6, made_with, 3)
    whole = {n: load_file(shard_path(tmp_path, n)) for n in (0, 1)}
    assert not torch.equal(whole[0]["latents"], whole[1]["latents"])
    shard_path(tmp_path, 1).unlink()
    kept = shard_path(tmp_path, 0).stat().st_mtime_ns
    prepare(tmp_path, 6, made_with, 3)
    assert shard_path(tmp_path, 0).stat().st_mtime_ns == kept
    again = load_file(shard_path(tmp_path, 1))
    assert all(torch.equal(again[name], whole[1][name]) for name in again)


def test_examples_hold_captions_masks_and_maps_of_their_scenes(tmp_path: Path) -> None:
    examples = Examples(make_examples(tmp_path, controls=True), np.random.default_rng(0))
    batch = examples.batch(torch.arange(EXAMPLES))
    rng = np.random.default_rng((0, 0))
    true = [sample_example(rng) for _ in range(EXAMPLES)]
    words = tokenizer.build()
    assert torch.equal(batch.token_ids, tokenizer.token_ids(words, [e.caption for e in true]))
    assert batch.names_things.tolist() == [bool(e.said.mentions) for e in true]
    scenes = [example.scene for example in true]
    assert torch.equal(control_image(batch, "segmentation"), segmentation(scenes))
    edges = control_image(batch, "canny")
    assert set(edges.unique().tolist()) == {0.0, 1.0}
    pictures = render(scenes)
    steep = pictures.diff(dim=-1).abs().amax(1, keepdim=True)
    assert steep[edges[:, :1, :, 1:] > 0].mean() > 5 * steep.mean()


def test_masks_become_cells_in_all_three_ways() -> None:
    masks = torch.zeros(60, 1, 128, 128, dtype=torch.bool)
    masks[:, :, 50:70, 50:70] = True
    sizes = cells_of(masks, np.random.default_rng(0)).pixels.sum((1, 2, 3))
    assert set(sizes.tolist()) == {400, 24 * 24, 40 * 40}


def test_a_shard_of_one_task_holds_nothing_else(tmp_path: Path) -> None:
    wholes = Examples(make_examples(tmp_path, task="whole"), np.random.default_rng(0))
    assert bool((wholes.batch(torch.arange(EXAMPLES)).mask == 1).all())
