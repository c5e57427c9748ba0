"""With everything of ours switched off, pixels are those of the plain pipelines of diffusers.

The plain call draws its own noise from its seed; it is put in the place of the canvas's. Where a
pipeline is given a mask, it is that of the cells that are sampled, so that both hold the same
places.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    FluxControlNetModel,
    FluxControlNetPipeline,
    FluxFillPipeline,
    FluxInpaintPipeline,
    QwenImageControlNetInpaintPipeline,
    QwenImageControlNetModel,
    QwenImageControlNetPipeline,
    QwenImageEditPipeline,
    QwenImageInpaintPipeline,
    SD3ControlNetModel,
    StableDiffusion3ControlNetInpaintingPipeline,
    StableDiffusion3ControlNetPipeline,
    StableDiffusion3InpaintPipeline,
    ZImageControlNetInpaintPipeline,
    ZImageControlNetModel,
    ZImageInpaintPipeline,
)
from PIL import Image
from sampling_support import flow_spec, generate, hole, job, picture

from genimg_ui.backend.diffusion import sampling
from genimg_ui.backend.diffusion.blend import grown_by_one, touched_cells
from genimg_ui.backend.diffusion.engine import DiffusersBackend
from genimg_ui.backend.diffusion.noise import canvas_noise
from genimg_ui.core.geometry import Box
from genimg_ui.core.request import ControlUnit

pytestmark = pytest.mark.torch

SEED = 0
SHAPE = (1, 16, 8, 8)  # of the latents of 64 × 64 pixels
STEPS = 4
WHITE = np.full((64, 64), 255, np.uint8)
MASKS = {"all": WHITE, "hole": hole()}


def read(cls: Any, folder: Path, **parts: Any) -> Any:
    pipe = cls.from_pretrained(folder, use_safetensors=True, local_files_only=True, **parts)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def seeded() -> torch.Generator:
    return torch.Generator("cpu").manual_seed(SEED)


def repainted(mask: Any) -> Image.Image:
    cells = (grown_by_one(touched_cells(mask, 8)) > 0).astype(np.uint8) * 255
    return Image.fromarray(cells.repeat(8, 0).repeat(8, 1))


def common(prompt: str = "a red house") -> dict[str, Any]:
    return {
        "prompt": prompt,
        "width": 64,
        "height": 64,
        "num_inference_steps": STEPS,
        "generator": seeded(),
    }


def as_pixels(image: Any) -> Any:
    return (np.asarray(image) * 255).round().astype(np.uint8)


def drawn_by_diffusers(_seed: int, _cells: Box, _channels: int, **_: Any) -> Any:
    """What the plain inpainting pipelines draw: first for the picture's latents, then noise."""
    generator = seeded()
    torch.randn(SHAPE, generator=generator)
    return torch.randn(SHAPE, generator=generator)[0].numpy()


def of_sd3(folder: Path, arguments: dict[str, Any]) -> Any:
    """Its inpainting pipeline forgets the shift when it decodes: that step is put right here."""
    pipe = read(StableDiffusion3InpaintPipeline, folder)
    return decoded(pipe, pipe(**arguments, guidance_scale=5.0, output_type="latent").images)


def of_flux(folder: Path, arguments: dict[str, Any]) -> Any:
    pipe = read(FluxInpaintPipeline, folder)
    guided = {"guidance_scale": 5.0, "true_cfg_scale": 2.0, "negative_prompt": "tree"}
    return pipe(**arguments, **guided, output_type="np").images[0]


def of_qwen(folder: Path, arguments: dict[str, Any]) -> Any:
    pipe = read(QwenImageInpaintPipeline, folder)
    guided = {"true_cfg_scale": 2.0, "negative_prompt": "tree"}
    return pipe(**arguments, **guided, output_type="np").images[0]


def of_zimage(folder: Path, arguments: dict[str, Any]) -> Any:
    """Here the last latents lie in memory as the picture did, which the decoder rounds by."""
    pipe = read(ZImageInpaintPipeline, folder)
    return decoded(pipe, pipe(**arguments, guidance_scale=4.0, output_type="latent").images)


@torch.no_grad()
def decoded(pipe: Any, latents: torch.Tensor) -> Any:
    config = pipe.vae.config
    scaled = latents.contiguous() / config.scaling_factor + config.shift_factor
    image = pipe.vae.decode(scaled)[0]
    return pipe.image_processor.postprocess(image, output_type="np")[0]


PLAIN: dict[str, tuple[Callable[[Path, dict[str, Any]], Any], dict[str, Any]]] = {
    "sd3": (of_sd3, {"guidance_scale": 5.0}),
    "flux": (
        of_flux,
        {"guidance_scale": 5.0, "true_cfg_scale": 2.0, "negative_prompt": "tree"},
    ),
    "qwen": (of_qwen, {"true_cfg_scale": 2.0, "negative_prompt": "tree"}),
    "zimage": (of_zimage, {"guidance_scale": 5.0}),  # one more than its own pipeline's
}


@pytest.mark.parametrize("strength", [1.0, 0.6])
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("name", PLAIN)
def test_inpainting_is_that_of_diffusers(backend, flow_models, monkeypatch, name, mask, strength):
    plain, asked = PLAIN[name]
    folder = flow_models / name
    arguments = common() | {
        "image": Image.fromarray(picture()),
        "mask_image": repainted(MASKS[mask]),
        "strength": strength,
    }
    expected = as_pixels(plain(folder, arguments))
    monkeypatch.setattr(sampling, "canvas_noise", drawn_by_diffusers)
    work = job(
        flow_spec(folder),
        seeds=(SEED,),
        mask=MASKS[mask],
        strength=strength,
        num_inference_steps=STEPS,
        **asked,
    )
    np.testing.assert_array_equal(generate(backend, work).patches[0], expected)


def noise() -> torch.Tensor:
    return torch.from_numpy(canvas_noise(SEED, Box(0, 0, 8, 8), 16))[None]


def ours(backend: DiffusersBackend, model: Any, **changes: Any) -> Any:
    work = job(model, seeds=(SEED,), mask=WHITE, num_inference_steps=STEPS, **changes)
    return generate(backend, work).patches[0]


def packed(pipe: Any) -> torch.Tensor:
    latents: torch.Tensor = pipe._pack_latents(noise(), *SHAPE)
    return latents


def test_fill_is_that_of_diffusers(backend, flow_models):
    pipe = read(FluxFillPipeline, flow_models / "flux_fill")
    output = pipe(
        **common(),
        image=Image.fromarray(picture()),
        mask_image=Image.fromarray(WHITE),
        guidance_scale=30.0,
        latents=packed(pipe),
        output_type="np",
    )
    found = ours(backend, flow_spec(flow_models / "flux_fill"), guidance_scale=30.0)
    np.testing.assert_array_equal(found, as_pixels(output.images[0]))


@pytest.mark.usefixtures("small_looks")
def test_the_edit_variant_is_that_of_diffusers(backend, flow_models):
    pipe = read(QwenImageEditPipeline, flow_models / "qwen_edit")
    output = pipe(
        **common(),
        image=Image.fromarray(picture()),
        true_cfg_scale=2.0,
        negative_prompt="tree",
        latents=packed(pipe),
        output_type="np",
    )
    model = flow_spec(flow_models / "qwen_edit")
    found = ours(backend, model, true_cfg_scale=2.0, negative_prompt="tree")
    np.testing.assert_array_equal(found, as_pixels(output.images[0]))


CANNY = ControlUnit(kind="canny", controlnet_conditioning_scale=0.8, control_guidance_start=0.2)


def with_control(folder: Path, control: str) -> Any:
    return flow_spec(folder, controls=(("canny", str(folder.parent / control)),))


def held(control: Image.Image) -> dict[str, Any]:
    return {
        "control_image": control,
        "controlnet_conditioning_scale": CANNY.controlnet_conditioning_scale,
        "control_guidance_start": CANNY.control_guidance_start,
        "control_guidance_end": CANNY.control_guidance_end,
        "output_type": "np",
    }


CONTROLLED = {
    "sd3": (StableDiffusion3ControlNetPipeline, SD3ControlNetModel, "sd3_control", False),
    "sd3 inpaint": (
        StableDiffusion3ControlNetInpaintingPipeline,
        SD3ControlNetModel,
        "sd3_control_inpaint",
        True,
    ),
    "flux": (FluxControlNetPipeline, FluxControlNetModel, "flux_control", False),
    "qwen": (QwenImageControlNetPipeline, QwenImageControlNetModel, "qwen_control", False),
    "qwen inpaint": (
        QwenImageControlNetInpaintPipeline,
        QwenImageControlNetModel,
        "qwen_control_inpaint",
        True,
    ),
}


@pytest.mark.parametrize("case", CONTROLLED)
def test_a_controlnet_is_that_of_diffusers(backend, flow_models, case):
    cls, network, control, masked = CONTROLLED[case]
    folder = flow_models / case.split()[0]
    work = job(
        with_control(folder, control),
        seeds=(SEED,),
        mask=WHITE,
        num_inference_steps=STEPS,
        control=CANNY,
        guidance_scale=5.0,
    )
    pipe = read(cls, folder, controlnet=network.from_pretrained(flow_models / control))
    spatial = folder.name == "sd3"
    arguments = (
        common()
        | held(Image.fromarray(work.controls[0].image))
        | {
            "guidance_scale": 5.0,
            "latents": noise() if spatial else packed(pipe),
        }
    )
    if folder.name == "qwen":
        arguments["true_cfg_scale"] = 1.0
    if masked:
        arguments["control_mask"] = Image.fromarray(WHITE)
    torch.manual_seed(SEED)  # some of them draw the map's latents from the global generator
    expected = as_pixels(pipe(**arguments).images[0])
    np.testing.assert_array_equal(generate(backend, work).patches[0], expected)


def test_the_controlnet_of_zimage_is_that_of_diffusers(backend, flow_models):
    folder = flow_models / "zimage"
    unit = ControlUnit(kind="canny", controlnet_conditioning_scale=0.8)
    work = job(
        with_control(folder, "zimage_control"),
        seeds=(SEED,),
        mask=WHITE,
        num_inference_steps=STEPS,
        control=unit,
        guidance_scale=4.0,
    )
    network = ZImageControlNetModel.from_pretrained(flow_models / "zimage_control")
    pipe = read(ZImageControlNetInpaintPipeline, folder, controlnet=network)
    output = pipe(
        **common(),
        image=Image.fromarray(picture()),
        mask_image=Image.fromarray(WHITE),
        control_image=Image.fromarray(work.controls[0].image),
        controlnet_conditioning_scale=0.8,
        guidance_scale=3.0,
        latents=noise(),
        output_type="np",
    )
    expected = as_pixels(output.images[0])
    np.testing.assert_array_equal(generate(backend, work).patches[0], expected)
