"""Faster arithmetic that draws the same, and the tiny decoders of previews."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sampling_support import Events, generate, job, patch, spec

torch = pytest.importorskip("torch")

from diffusers import AutoencoderTiny  # noqa: E402

from genimg_ui.backend.base import CancelToken  # noqa: E402
from genimg_ui.backend.device import Device  # noqa: E402
from genimg_ui.backend.diffusion import preview, tuning  # noqa: E402
from genimg_ui.backend.diffusion.engine import DiffusersBackend  # noqa: E402
from genimg_ui.backend.diffusion.preview import MAX_SHARE, PreviewGate  # noqa: E402
from genimg_ui.backend.diffusion.tuning import Tuning, tune, tuning_for, unfused  # noqa: E402
from genimg_ui.core.memory import Offload  # noqa: E402
from genimg_ui.errors import ModelUnavailable  # noqa: E402

pytestmark = pytest.mark.torch

GPU, CPU = Device("cuda", torch.float16), Device("cpu", torch.float32)


def loaded_unet(own: DiffusersBackend, model: Any) -> Any:
    patch(own, model)
    return own._loaded.pipe.unet


def test_what_suits_a_denoiser_follows_device_and_placement(models):
    model = spec(models / "sd15")
    unet = loaded_unet(DiffusersBackend(), model)
    assert tuning_for(unet, model, CPU, Offload.NONE) == Tuning()
    assert tuning_for(unet, model, GPU, Offload.NONE) == Tuning(channels_last=True, fused_qkv=True)
    assert tuning_for(unet, model, GPU, Offload.MODEL) == Tuning(channels_last=True)
    compiled = replace(model, compile=True)
    assert tuning_for(unet, compiled, CPU, Offload.NONE).words() == "compile"


def test_a_tuned_unet_draws_the_same_but_for_rounding(models):
    model, own = spec(models / "sd15"), DiffusersBackend()
    wanted = patch(own, model)
    unet = own._loaded.pipe.unet
    tune(unet, Tuning(channels_last=True, fused_qkv=True), "Tiny")
    assert unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
    kinds = {type(processor).__name__ for processor in unet.attn_processors.values()}
    assert kinds == {"FusedAttnProcessor2_0"}
    assert np.abs(patch(own, model).astype(int) - wanted).max() <= 1


def test_projections_stand_apart_where_single_ones_are_changed(models):
    unet = loaded_unet(DiffusersBackend(), spec(models / "sd15"))
    own = {type(processor) for processor in unet.attn_processors.values()}
    fused = Tuning(fused_qkv=True)
    tune(unet, fused, "Tiny")
    inside = {type(processor) for processor in unet.attn_processors.values()}
    with unfused(unet, fused, needed=True):
        assert {type(processor) for processor in unet.attn_processors.values()} == own
    with unfused(unet, fused, needed=False):
        assert {type(processor) for processor in unet.attn_processors.values()} == inside
    assert {type(processor) for processor in unet.attn_processors.values()} == inside != own


def test_blocks_that_repeat_are_compiled_where_an_entry_says_so(models):
    unet = loaded_unet(DiffusersBackend(), spec(models / "sd15"))
    tune(unet, Tuning(compiled=True), "Tiny")
    blocks = [part for part in unet.modules() if type(part).__name__ == "BasicTransformerBlock"]
    assert blocks and all(block._compiled_call_impl is not None for block in blocks)
    with pytest.raises(ModelUnavailable, match="compile of Tiny must be false: Linear names no"):
        tune(torch.nn.Linear(1, 1), Tuning(compiled=True), "Tiny")


def test_compiled_code_is_kept_where_it_is_told(monkeypatch, tmp_path):
    monkeypatch.delenv(tuning.KERNELS, raising=False)
    monkeypatch.setattr(tuning.os, "environ", dict(tuning.os.environ))
    DiffusersBackend(kernels=tmp_path / "kernels")
    assert tuning.os.environ[tuning.KERNELS] == str(tmp_path / "kernels")


def make_tiny_decoder(folder: Path, channels: int = 4) -> Path:
    torch.manual_seed(0)
    AutoencoderTiny(
        latent_channels=channels,
        encoder_block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
    ).save_pretrained(folder, safe_serialization=True)
    return folder


def test_a_tiny_decoder_draws_previews(models, tmp_path, monkeypatch):
    monkeypatch.setattr(preview, "MIN_SECONDS", 0)
    monkeypatch.setattr(preview, "MAX_SHARE", 1.0)
    model = replace(spec(models / "sd15"), preview=str(make_tiny_decoder(tmp_path / "tiny")))
    plain, drawn = Events(), Events()
    for entry, events in ((spec(models / "sd15"), plain), (model, drawn)):
        work = job(entry, scheduler="ddim", num_inference_steps=4)
        DiffusersBackend().generate(work, events.append, CancelToken())
    assert [event.image.shape for event in plain.previews()] == [(8, 8, 3)] * 2
    assert [event.image.shape for event in drawn.previews()] == [(64, 64, 3)] * 2
    assert drawn.previews()[0].image.std() > 0
    work = job(model)
    assert np.array_equal(
        patch(DiffusersBackend(), model), generate(DiffusersBackend(), work).patches[0]
    )


def test_large_latents_are_drawn_in_512_pixels_at_most(models, tmp_path):
    model = replace(spec(models / "sd15"), preview=str(make_tiny_decoder(tmp_path / "tiny")))
    own = DiffusersBackend()
    patch(own, model)
    drawn = own._loaded.tiny.draw(torch.randn(4, 96, 128))
    assert drawn.shape == (384, 512, 3) and drawn.dtype == np.uint8


@pytest.mark.parametrize(
    ("channels", "sentence"),
    [(16, "its latents must have 4 channels, got 16"), (0, "is not on this machine")],
)
def test_a_decoder_that_does_not_fit_is_refused(models, tmp_path, channels, sentence):
    folder = tmp_path / "tiny"
    if channels:
        make_tiny_decoder(folder, channels)
    model = replace(spec(models / "sd15"), preview=str(folder))
    with pytest.raises(ModelUnavailable, match=sentence):
        patch(DiffusersBackend(), model)


def test_the_gate_stays_shut_while_previews_have_had_their_share(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(preview.time, "monotonic", lambda: now[0])
    gate = PreviewGate()
    now[0] += 10
    assert gate.opens(2)
    with gate.timed():
        now[0] += 1
    now[0] += 1
    assert not gate.opens(4)
    now[0] = 100.0 + 1 / MAX_SHARE + 0.1
    assert gate.opens(6)
