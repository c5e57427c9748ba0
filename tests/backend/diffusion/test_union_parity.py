"""Union ControlNets paint the pixels of the plain diffusers pipelines: each kind, and several.

The numbers of the kinds are those of the published networks' own pages.
"""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    ControlNetUnionModel,
    FluxControlNetModel,
    FluxControlNetPipeline,
    StableDiffusionXLControlNetUnionInpaintPipeline,
)
from PIL import Image
from sampling_support import flow_spec, generate, job, picture, spec

from genimg_ui.backend.base import ControlInput, Rgb
from genimg_ui.backend.diffusion.noise import canvas_noise, latent_cells
from genimg_ui.core.geometry import Box
from genimg_ui.core.request import ControlUnit
from genimg_ui.registry import ModelSpec

pytestmark = pytest.mark.torch

SEED, STEPS = 3, 4
WHITE = np.full((64, 64), 255, np.uint8)
MAPS = (picture(), picture()[::-1].copy(), picture()[:, ::-1].copy())
OF_SDXL = {"pose": 0, "depth": 1, "softedge": 2, "scribble": 2, "canny": 3, "lineart": 3}
OF_SDXL |= {"mlsd": 3, "normal": 4, "segmentation": 5, "tile": 6}
OF_FLUX = {"canny": 0, "tile": 1, "depth": 2, "pose": 4}
NUMBERS = ((0.7, 0.0, 0.9), (1.0, 0.0, 1.0), (0.5, 0.25, 1.0))  # scale, start, end


def ours(
    backend: Any, model: ModelSpec, networks: list[Path], kinds: tuple[str, ...], **rest: Any
) -> Rgb:
    """Our picture; the last of the networks serves all kinds that are left."""
    sources = [*networks, *[networks[-1]] * len(kinds)]
    pairs = zip(kinds, sources, strict=False)
    model = replace(model, controls=tuple((kind, str(source)) for kind, source in pairs))
    units = [
        ControlUnit(
            kind=kind,
            controlnet_conditioning_scale=scale,
            control_guidance_start=start,
            control_guidance_end=end,
        )
        for kind, (scale, start, end) in zip(kinds, NUMBERS, strict=False)
    ]
    controls = tuple(ControlInput(u, m) for u, m in zip(units, MAPS, strict=False))
    work = job(model, mask=WHITE, seeds=(SEED,), num_inference_steps=STEPS, **rest)
    return generate(backend, replace(work, controls=controls)).patches[0]


def controlled(modes: list[int]) -> dict[str, Any]:
    """The controls' part of a plain call: lists, also of one."""
    scales, starts, ends = (list(column) for column in zip(*NUMBERS[: len(modes)], strict=True))
    return {
        "control_image": [Image.fromarray(each) for each in MAPS[: len(modes)]],
        "control_mode": modes,
        "controlnet_conditioning_scale": scales,
        "control_guidance_start": starts,
        "control_guidance_end": ends,
    }


def as_pixels(image: Any) -> Rgb:
    pixels: Rgb = (np.asarray(image) * 255).round().astype(np.uint8)
    return pixels


@pytest.fixture(scope="module")
def plain_sdxl(models: Path) -> Any:
    pipe = StableDiffusionXLControlNetUnionInpaintPipeline.from_pretrained(
        models / "sdxl",
        controlnet=ControlNetUnionModel.from_pretrained(models / "sdxl_union"),
        add_watermarker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def of_sdxl(pipe: Any, **arguments: Any) -> Rgb:
    noise = canvas_noise(SEED, latent_cells((0, 0), 1.0, rows=8, columns=8, factor=8), 4)
    pipe.scheduler.set_timesteps(STEPS)
    scale = float(pipe.scheduler.init_noise_sigma)
    latents = torch.from_numpy(noise)[None] * scale / scale  # rounded as ours are
    output = pipe(
        prompt="a red house",
        negative_prompt="blurry",
        image=Image.fromarray(picture()),
        mask_image=Image.fromarray(WHITE),
        width=64,
        height=64,
        strength=1.0,
        num_inference_steps=STEPS,
        guidance_scale=5.0,
        generator=torch.Generator("cpu").manual_seed(SEED),
        latents=latents.contiguous(memory_format=torch.channels_last),
        output_type="np",
        **arguments,
    )
    return as_pixels(output.images[0])


GUIDED = {"negative_prompt": "blurry", "guidance_scale": 5.0}


@pytest.mark.parametrize("kinds", [*((kind,) for kind in OF_SDXL), ("canny", "depth", "tile")])
def test_a_union_network_of_sdxl_is_diffusers_own(backend, models, plain_sdxl, kinds):
    found = ours(backend, spec(models / "sdxl"), [models / "sdxl_union"], kinds, **GUIDED)
    wanted = of_sdxl(plain_sdxl, **controlled([OF_SDXL[kind] for kind in kinds]))
    np.testing.assert_array_equal(found, wanted)


def test_two_union_networks_of_sdxl_are_diffusers_own(backend, models, plain_sdxl, tmp_path):
    other = Path(shutil.copytree(models / "sdxl_union", tmp_path / "other_union"))
    networks, kinds = [models / "sdxl_union", other], ("canny", "depth")
    found = ours(backend, spec(models / "sdxl"), networks, kinds, **GUIDED)
    pipe = StableDiffusionXLControlNetUnionInpaintPipeline(
        **{name: part for name, part in plain_sdxl.components.items() if name != "controlnet"},
        controlnet=[ControlNetUnionModel.from_pretrained(network) for network in networks],
        add_watermarker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    wanted = of_sdxl(pipe, **controlled([OF_SDXL[kind] for kind in kinds]))
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("kinds", [*((kind,) for kind in OF_FLUX), ("canny", "depth", "tile")])
def test_a_union_network_of_flux_is_diffusers_own(backend, flow_models, kinds):
    network = FluxControlNetModel.from_pretrained(flow_models / "flux_union")
    several = len(kinds) > 1
    pipe = FluxControlNetPipeline.from_pretrained(
        flow_models / "flux", controlnet=[network] if several else network
    )
    pipe.set_progress_bar_config(disable=True)
    arguments = controlled([OF_FLUX[kind] for kind in kinds])
    if not several:
        arguments = {name: value[0] for name, value in arguments.items()}
    noise = torch.from_numpy(canvas_noise(SEED, Box(0, 0, 8, 8), 16))[None]
    torch.manual_seed(SEED)  # the maps' latents are drawn from the global generator
    output = pipe(
        prompt="a red house",
        width=64,
        height=64,
        num_inference_steps=STEPS,
        guidance_scale=5.0,
        generator=torch.Generator("cpu").manual_seed(SEED),
        latents=pipe._pack_latents(noise, 1, 16, 8, 8),
        output_type="np",
        **arguments,
    )
    found = ours(
        backend, flow_spec(flow_models / "flux"), [flow_models / "flux_union"], kinds,
        guidance_scale=5.0,
    )  # fmt: skip
    np.testing.assert_array_equal(found, as_pixels(output.images[0]))
