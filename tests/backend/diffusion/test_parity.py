"""With everything of ours switched off, the pixels are those of the plain diffusers call.

Nothing is left to hold or to blend where the mask is all white; the latents that the plain call
begins with are the canvas-anchored ones, and its generator has the same seed.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image
from sampling_support import generate, job, picture, spec

from genimg_ui.backend.base import ControlInput, Rgb
from genimg_ui.backend.diffusion.noise import canvas_noise, latent_cells
from genimg_ui.core.request import ControlUnit

pytestmark = pytest.mark.torch

SEED = 3
WHITE = np.full((64, 64), 255, np.uint8)
PLAIN = {
    "sd15": ("StableDiffusionInpaintPipeline", "StableDiffusionControlNetInpaintPipeline"),
    "sdxl": ("StableDiffusionXLInpaintPipeline", "StableDiffusionXLControlNetInpaintPipeline"),
}
SAMPLING = {"negative_prompt": "blurry", "guidance_scale": 5.0, "num_inference_steps": 5}


def plain(folder: Path, networks: list[Path], **call: Any) -> Rgb:
    """diffusers' own pipeline, loaded and called as its documentation does."""
    family = "sdxl" if "xl" in folder.name else "sd15"
    options: dict[str, Any] = {"use_safetensors": True}
    options |= {"add_watermarker": False} if family == "sdxl" else {"safety_checker": None}
    if networks:
        read = [diffusers.ControlNetModel.from_pretrained(network) for network in networks]
        options["controlnet"] = read[0] if len(read) == 1 else read
    pipe = getattr(diffusers, PLAIN[family][bool(networks)]).from_pretrained(folder, **options)
    pipe.set_progress_bar_config(disable=True)
    noise = canvas_noise(SEED, latent_cells((0, 0), 1.0, rows=8, columns=8, factor=8), 4)
    # Ours come scaled to the first level, and the pipeline scales them: rounded twice.
    pipe.scheduler.set_timesteps(SAMPLING["num_inference_steps"])
    scale = float(pipe.scheduler.init_noise_sigma)
    latents = torch.from_numpy(noise)[None] * scale / scale
    # In memory they lie as the encoder's answer does; the last bit of a convolution follows that.
    latents = latents.contiguous(memory_format=torch.channels_last)
    image = pipe(
        prompt="a red house",
        image=Image.fromarray(picture()),
        mask_image=Image.fromarray(WHITE),
        width=64,
        height=64,
        strength=1.0,
        generator=torch.Generator("cpu").manual_seed(SEED),
        latents=latents,
        output_type="np",
        **SAMPLING,
        **call,
    ).images[0]
    pixels: Rgb = (image * 255).round().astype(np.uint8)
    return pixels


@pytest.mark.parametrize("name", ["sd15", "sd15_inpaint", "sdxl", "sdxl_inpaint"])
def test_inpainting_is_diffusers_own(backend, models, name):
    work = job(spec(models / name), mask=WHITE, seeds=(SEED,), **SAMPLING)
    [ours] = generate(backend, work).patches
    np.testing.assert_array_equal(ours, plain(models / name, []))


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("name", ["sd15", "sd15_inpaint", "sdxl", "sdxl_inpaint"])
def test_controls_are_diffusers_own(backend, models, name, count):
    family = "sdxl" if "xl" in name else "sd15"
    unit = ControlUnit(
        kind="canny",
        controlnet_conditioning_scale=0.7,
        control_guidance_start=0.2,
        control_guidance_end=0.9,
    )
    maps = [picture(), picture()[::-1].copy()][:count]
    base = job(spec(models / name), mask=WHITE, seeds=(SEED,), **SAMPLING)
    work = replace(base, controls=tuple(ControlInput(unit, each) for each in maps))
    [ours] = generate(backend, work).patches
    images = [Image.fromarray(each) for each in maps]
    numbers = {
        "controlnet_conditioning_scale": 0.7,
        "control_guidance_start": 0.2,
        "control_guidance_end": 0.9,
    }
    many = {key: [value] * count for key, value in numbers.items()}
    wanted = plain(
        models / name,
        [models / f"{family}_control"] * count,
        control_image=images[0] if count == 1 else images,
        **(numbers if count == 1 else many),
    )
    np.testing.assert_array_equal(ours, wanted)
