"""Kandinsky 2.2: a prior and a decoder on disk, as one model."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import KandinskyV22InpaintPipeline, KandinskyV22PriorPipeline
from PIL import Image
from sampling_support import Events, generate, hole, job, painted_change, patch, picture

from genimg_ui.backend.base import CancelToken
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.backend.diffusion.noise import canvas_noise, latent_cells
from genimg_ui.core.request import ControlUnit
from genimg_ui.errors import Cancelled, ModelUnavailable
from genimg_ui.registry import FAMILIES, ModelSpec, availability

pytestmark = pytest.mark.torch

WHITE = np.full((64, 64), 255, np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tiny = pytest.importorskip("tiny_kandinsky", reason="torch is not installed")
    root = tmp_path_factory.mktemp("kandinsky")
    tiny.make_decoder(root / "decoder")
    tiny.make_decoder(root / "plain", in_channels=4)
    tiny.make_prior(root / "prior")
    return root


@pytest.fixture(scope="module")
def model(folder: Path) -> ModelSpec:
    values: dict[str, Any] = dict(FAMILIES["kandinsky22"]) | {
        "id": "tiny",
        "title": "Tiny",
        "engine": "diffusers",
        "licence": "Apache-2.0",
        "family": "kandinsky22",
        "source": str(folder / "decoder"),
        "prior": str(folder / "prior"),
    }
    return ModelSpec(**values)


def test_the_pixels_are_those_of_diffusers_two_pipelines(backend, model, folder):
    prior = KandinskyV22PriorPipeline.from_pretrained(folder / "prior")
    plain = KandinskyV22InpaintPipeline.from_pretrained(folder / "decoder")
    for pipe in (prior, plain):
        pipe.set_progress_bar_config(disable=True)
    noise = canvas_noise(3, latent_cells((0, 0), 1.0, rows=8, columns=8, factor=8), 4)
    generator = torch.Generator("cpu").manual_seed(3)
    embeds = prior(prompt="a red house", negative_prompt="blurry", generator=generator)
    wanted = plain(
        **embeds,
        image=Image.fromarray(picture()),
        mask_image=Image.fromarray(WHITE),
        width=64,
        height=64,
        num_inference_steps=4,
        guidance_scale=5.0,
        generator=generator,
        latents=torch.from_numpy(noise)[None],
        output_type="np",
    ).images[0]
    ours = patch(
        backend,
        model,
        mask=WHITE,
        seeds=(3,),
        num_inference_steps=4,
        guidance_scale=5.0,
        negative_prompt="blurry",
    )
    np.testing.assert_array_equal(ours, (wanted * 255).round().astype(np.uint8))


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "a blue cat"},
        {"negative_prompt": "blurry tree"},
        {"guidance_scale": 2.0},
        {"num_inference_steps": 5},
        {"scheduler": "ddim"},
        {"seeds": (2,)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_parameter_changes_the_picture(backend, model, change):
    assert painted_change(patch(backend, model), patch(backend, model, **change)) > 0.1


def test_what_is_outside_the_mask_does_not_depend_on_the_prompt(backend, model):
    one, two = (patch(backend, model, prompt=text) for text in ("a red house", "the sky"))
    far = np.s_[:16]  # beyond the cells that the decoder mixes
    assert np.abs(one[far].astype(int) - two[far]).mean() < 0.2 * painted_change(one, two) + 1


def test_strength_is_not_read_and_progress_counts_all_steps(backend, model):
    events = Events()
    work = job(model, strength=0.5, num_inference_steps=4)
    result = backend.generate(work, events.append, CancelToken())
    assert "step 4 of 4" in events.texts()
    np.testing.assert_array_equal(result.patches[0], patch(backend, model, num_inference_steps=4))


def test_a_seed_gives_its_picture_alone_and_in_a_batch(backend, model):
    together = generate(backend, job(model, seeds=(5, 6))).patches
    np.testing.assert_array_equal(patch(backend, model, seeds=(6,)), together[1])


def test_sizes_that_are_no_multiples_come_back_exactly(backend, model):
    image = picture(70, 40)
    assert patch(backend, model, image=image, mask=hole(70, 40)).shape == (70, 40, 3)


def test_it_stops_within_the_prior(backend, model, monkeypatch):
    token = CancelToken()
    patch(backend, model)
    seen: list[int] = []
    prior = backend._loaded.pipe.prior_prior
    forward = prior.forward

    def count(*given: Any, **named: Any) -> Any:
        seen.append(1)
        token.cancel()
        return forward(*given, **named)

    monkeypatch.setattr(prior, "forward", count)
    with pytest.raises(Cancelled):
        backend.generate(job(model), Events().append, token)
    assert len(seen) == 1


def test_the_record_names_decoder_and_prior(model):
    result = generate(DiffusersBackend(), job(model))
    assert {file.name.split("/")[0] for file in result.model.files} == {"unet", "movq"}
    [part] = result.model.parts
    assert (part.role, part.source) == ("prior", "prior")
    assert {f.name.split("/")[0] for f in part.files} == {"prior", "image_encoder", "text_encoder"}
    assert result.facts["masking"] == "native"


def test_what_does_not_fit_is_said(backend, model, folder):
    with pytest.raises(ModelUnavailable, match="Tiny needs `prior`, the folder .* got none"):
        patch(backend, replace(model, prior=""))
    with pytest.raises(ModelUnavailable, match="must be the inpainting decoder .*PriorPipeline"):
        patch(backend, replace(model, source=str(folder / "prior")))
    with pytest.raises(ModelUnavailable, match="must have 9 input channels, got 4"):
        patch(backend, replace(model, source=str(folder / "plain")))
    with pytest.raises(ModelUnavailable, match="which takes none, got UNet2DConditionModel"):
        patch(
            backend,
            replace(model, controls=(("canny", str(folder / "decoder" / "unet")),)),
            control=ControlUnit(kind="canny"),
        )
    gone = replace(model, prior=str(folder / "gone"))
    assert "gone does not exist" in str(availability(gone))
