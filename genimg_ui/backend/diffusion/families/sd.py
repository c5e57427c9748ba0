"""Stable Diffusion 1.x / 2.x and XL: a UNet that predicts noise, latents of four channels.

Rombach et al. 2022 (doi:10.1109/CVPR52688.2022.01042), Podell et al. 2023 (arXiv:2307.01952);
ControlNets: Zhang et al. 2023 (arXiv:2302.05543).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from diffusers import (
    ControlNetModel,
    ControlNetUnionModel,
    StableDiffusionControlNetInpaintPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionXLControlNetInpaintPipeline,
    StableDiffusionXLControlNetUnionInpaintPipeline,
    StableDiffusionXLInpaintPipeline,
)
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from PIL import Image
from transformers import CLIPImageProcessor

from genimg_ui.backend.diffusion.families.base import (
    Call,
    Family,
    Output,
    Pipeline,
    Reading,
)
from genimg_ui.backend.diffusion.families.refiner import (
    ROLE,
    first_part,
    handover,
    read_refiner,
    refined,
)
from genimg_ui.errors import ModelUnavailable
from genimg_ui.registry import ModelSpec

PLAIN_CHANNELS = 4
INPAINT_CHANNELS = 9  # noisy latents, mask, latents of the masked picture


class StableDiffusion(Family):
    """Family sd15: one text encoder, 512 or 768 pixels."""

    id: ClassVar[str] = "sd15"
    denoiser_folder: ClassVar[str] = "unet"
    control_networks: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"ControlNetModel": ControlNetModel}
    )

    def inpaint_class(self, spec: ModelSpec, class_name: str) -> Any:
        return StableDiffusionInpaintPipeline

    def control_class(self, pipe: Pipeline, networks: tuple[Any, ...]) -> Any:
        return StableDiffusionControlNetInpaintPipeline

    def constructor_options(self, spec: ModelSpec, *, safety: bool) -> dict[str, Any]:
        if safety:
            return {}
        return {
            "safety_checker": None,
            "feature_extractor": None,
            "requires_safety_checker": False,
        }

    def read(self, spec: ModelSpec, reading: Reading) -> Pipeline:
        pipe = super().read(spec, reading)
        config = reading.place.config
        if config is not None and reading.safety and (config / "safety_checker").is_dir():
            # A single file never holds one.
            pipe.register_modules(
                safety_checker=StableDiffusionSafetyChecker.from_pretrained(
                    config / "safety_checker", **reading.folder_options()
                ),
                feature_extractor=CLIPImageProcessor.from_pretrained(config / "feature_extractor"),
            )
        return pipe

    def control_constructor_options(self, pipe: Pipeline) -> dict[str, Any]:
        return {"requires_safety_checker": pipe.config["requires_safety_checker"]}

    def denoiser(self, pipe: Pipeline) -> Any:
        return pipe.unet

    def native(self, pipe: Pipeline) -> bool:
        return bool(pipe.unet.config.in_channels == INPAINT_CHANNELS)

    def check(self, pipe: Pipeline, title: str) -> None:
        channels = pipe.unet.config.in_channels
        if channels not in (PLAIN_CHANNELS, INPAINT_CHANNELS):
            raise ModelUnavailable(
                f"{title} cannot paint under a mask: its UNet must have {PLAIN_CHANNELS} or "
                f"{INPAINT_CHANNELS} input channels, got {channels}."
            )

    def run(self, pipe: Pipeline, call: Call) -> Output:
        output = self._sampled(pipe, call)
        withheld = any(getattr(output, "nsfw_content_detected", None) or ())
        return Output(output.images[0], withheld=withheld)

    def _sampled(self, pipe: Pipeline, call: Call) -> Any:
        """What the pipeline returns."""
        width, height = call.size
        # The pipeline scales latents that it is given to the level of the first timestep.
        begin = call.latents / self.initial_scale(pipe.scheduler)
        arguments = {
            "image": Image.fromarray(call.image),
            "mask_image": Image.fromarray(call.mask),
            "width": width,
            "height": height,
            "strength": call.strength,
            "num_inference_steps": call.num_inference_steps,
            "guidance_scale": call.guidance_scale,
            "generator": call.generator,
            "latents": begin.to(self.dtype(pipe)),
            "output_type": "np",
            "callback_on_step_end": self.step_callback(pipe, call),
        }
        arguments |= self.prompt_arguments(call) | self.control_arguments(call)
        return pipe(**(arguments | dict(call.extras)))


class StableDiffusionXL(StableDiffusion):
    """Family sdxl: two text encoders, 1024 pixels.

    Where there is no negative prompt it was trained with a zero embedding, not an empty text.
    """

    id: ClassVar[str] = "sdxl"
    control_networks: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"ControlNetModel": ControlNetModel, "ControlNetUnionModel": ControlNetUnionModel}
    )
    # The order of the published union network (xinsir/controlnet-union-sdxl-1.0).
    control_modes: ClassVar[Mapping[str, int]] = MappingProxyType(
        {
            "pose": 0,
            "depth": 1,
            "softedge": 2,
            "scribble": 2,
            "canny": 3,
            "lineart": 3,
            "mlsd": 3,
            "normal": 4,
            "segmentation": 5,
            "tile": 6,
            "inpaint": 7,
        }
    )

    def inpaint_class(self, spec: ModelSpec, class_name: str) -> Any:
        return StableDiffusionXLInpaintPipeline

    def read_helpers(self, pipe: Pipeline, reading: Reading) -> Mapping[str, Pipeline]:
        folder = reading.place.helpers.get(ROLE)
        return {} if folder is None else {ROLE: read_refiner(pipe, folder, reading)}

    def run(self, pipe: Pipeline, call: Call) -> Output:
        refiner = call.helpers.get(ROLE)
        place = None
        if refiner is not None:
            timesteps = self.timesteps(
                pipe, steps=call.num_inference_steps, strength=call.strength, size=call.size
            )
            place = handover(pipe.scheduler, timesteps, call.refiner_switch_at)
        if refiner is None or place is None:
            return super().run(pipe, call)
        latents = self._sampled(pipe, first_part(call, place)).images
        refiner.scheduler = pipe.scheduler
        return Output(refined(refiner, call, latents, place).images[0])

    def control_class(self, pipe: Pipeline, networks: tuple[Any, ...]) -> Any:
        if all(isinstance(network, ControlNetUnionModel) for network in networks):
            return StableDiffusionXLControlNetUnionInpaintPipeline
        return StableDiffusionXLControlNetInpaintPipeline

    def constructor_options(self, spec: ModelSpec, *, safety: bool) -> dict[str, Any]:
        # The watermark would change pixels, and names diffusers as the author.
        return {"add_watermarker": False}

    def control_argument(self, networks: tuple[Any, ...]) -> Any:
        """One union network takes several maps at once, as it was trained to."""
        one = all(network is networks[0] for network in networks)
        if one and isinstance(networks[0], ControlNetUnionModel):
            return networks[0]
        return super().control_argument(networks)

    def control_constructor_options(self, pipe: Pipeline) -> dict[str, Any]:
        zeros = pipe.config["force_zeros_for_empty_prompt"]
        return {"add_watermarker": False, "force_zeros_for_empty_prompt": zeros}
