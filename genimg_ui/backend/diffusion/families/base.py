"""What the sampler must know of a family of models: one adapter each, no branch anywhere else.

The sampler works on *spatial latents*: float tensors (1, channels, rows, columns), scaled as the
denoiser sees them, one cell for `factor` × `factor` pixels. An adapter translates between them
and whatever its pipelines want. Pictures are uint8 (h, w, 3), masks uint8 (h, w) with 255 =
repaint, sides already whole multiples of the model's.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

import diffusers
import torch
import transformers

from genimg_ui.backend.diffusion.blend import AddNoise
from genimg_ui.backend.diffusion.families.call import Call, ControlCall, OnStep, Output, Pipeline
from genimg_ui.backend.diffusion.guidance import Guided
from genimg_ui.backend.diffusion.quantising import of_file, pipeline_option, quantise_read
from genimg_ui.errors import RefusedInput
from genimg_ui.registry import ModelSpec
from genimg_ui.registry.places import Place
from genimg_ui.weights.folders import component_class, pipeline_class

__all__ = ["Call", "ControlCall", "Family", "OnStep", "Output", "Pipeline", "Reading"]


_HOOKS = ("_hf_hook", "_diffusers_hook")  # what offloading puts on a network


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a model's weights are read. Without `pickles` nothing but safetensors is opened."""

    place: Place
    dtype: torch.dtype
    variant: str | None = None
    pickles: bool = False
    safety: bool = False
    quantisers: Mapping[str, Any] = field(default_factory=dict)  # network → its configuration

    def folder_options(self) -> dict[str, Any]:
        """The arguments of diffusers' `from_pretrained`."""
        return {
            "dtype": self.dtype,
            "variant": self.variant,
            "use_safetensors": None if self.pickles else True,
            "local_files_only": True,
        }


class Family(AddNoise, ABC):
    """The adapter of one family. Holds no state: every method gets the pipeline it is about."""

    id: ClassVar[str]
    denoiser_folder: ClassVar[str]
    """Where in a model's folder the denoiser lies: `unet` or `transformer`."""
    control_networks: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """Class name in a ControlNet's config.json → the class that reads it."""
    control_width: ClassVar[str] = "cross_attention_dim"
    """The number in both configurations that tells a ControlNet of another family."""
    control_modes: ClassVar[Mapping[str, int]] = MappingProxyType({})
    """Kind of control → its number in the family's published union network."""
    guided: ClassVar[Guided] = Guided.BATCH
    """How its pipelines evaluate the denoiser with the prompt and without."""

    @abstractmethod
    def inpaint_class(self, spec: ModelSpec, class_name: str) -> Any:
        """The pipeline to load; `class_name` is what the model's index says that it is."""

    @abstractmethod
    def control_class(self, pipe: Pipeline, networks: tuple[Any, ...]) -> Any:
        """The pipeline that takes these ControlNets beside `pipe`'s own components."""

    @abstractmethod
    def denoiser(self, pipe: Pipeline) -> Any:
        """The network that is run in each step: a UNet or a transformer."""

    @abstractmethod
    def native(self, pipe: Pipeline) -> bool:
        """Whether the denoiser was trained to see the mask."""

    @abstractmethod
    def run(self, pipe: Pipeline, call: Call) -> Output:
        """Sample one picture."""

    def check(self, pipe: Pipeline, title: str) -> None:
        """Raise ModelUnavailable where the loaded model cannot paint under a mask."""

    def read(self, spec: ModelSpec, reading: Reading) -> Pipeline:
        """The pipeline with its weights, in the machine's memory."""
        place = reading.place
        options = self.constructor_options(spec, safety=reading.safety)
        others = {n: c for n, c in reading.quantisers.items() if n != self.denoiser_folder}
        if place.config is None:
            name = pipeline_class(place.main) or ""
            return self.inpaint_class(spec, name).from_pretrained(
                place.main,
                **reading.folder_options(),
                **pipeline_option(reading.quantisers),
                **options,
            )
        name = pipeline_class(place.config) or ""
        if place.recognised is not None and not place.recognised.whole:
            return self.inpaint_class(spec, name).from_pretrained(
                place.config,
                **self._denoiser_alone(reading),
                **reading.folder_options(),
                **pipeline_option(others),
                **options,
            )
        pipe = self.inpaint_class(spec, name).from_single_file(
            str(place.main),
            config=str(place.config),
            dtype=reading.dtype,
            local_files_only=True,
            **self._beside(reading),
            **options,
        )
        for part in pipe.components.values():
            if isinstance(part, torch.nn.Module):
                part.eval()  # of a file, diffusers leaves the T5 encoder with its dropout on
        return pipe

    def _denoiser_alone(self, reading: Reading) -> dict[str, Any]:
        """The denoiser of a single file that holds nothing else, by its component's name."""
        place, name = reading.place, self.denoiser_folder
        kind = component_class(place.config, name) if place.config is not None else ""
        quantiser = reading.quantisers.get(name)
        network = getattr(diffusers, kind).from_single_file(
            str(place.main),
            config=str(place.config),
            subfolder=name,
            dtype=reading.dtype,
            quantization_config=of_file(quantiser),
            local_files_only=True,
        )
        quantise_read(network, quantiser)
        return {name: network}

    def _beside(self, reading: Reading) -> dict[str, Any]:
        """The components that a whole file lacks, out of its configuration's model."""
        config, found = reading.place.config, reading.place.recognised
        if config is None or found is None:
            return {}
        kinds = {name: component_class(config, name) for name in found.absent}
        return {
            name: getattr(
                diffusers if hasattr(diffusers, kind) else transformers, kind
            ).from_pretrained(config / name, **reading.folder_options())
            for name, kind in kinds.items()
            if kind
        }

    def read_helpers(self, pipe: Pipeline, reading: Reading) -> Mapping[str, Pipeline]:
        """Further pipelines that take part in sampling, by their role, beside the loaded one."""
        return {}

    def constructor_options(self, spec: ModelSpec, *, safety: bool) -> dict[str, Any]:
        """What the pipeline's class is given beside its weights when it is loaded."""
        return {}

    def control_argument(self, networks: tuple[Any, ...]) -> Any:
        """What the pipeline's constructor takes for these ControlNets, one for each unit."""
        return networks[0] if len(networks) == 1 else list(networks)

    def control_constructor_options(self, pipe: Pipeline) -> dict[str, Any]:
        """The same when a twin with ControlNets is built from the parts of `pipe`."""
        return {}

    def control_mode(self, network: Any, kind: str) -> int | None:
        """The number of `kind` in a union network; None for a network of one kind.

        Raises RefusedInput where the union network was not trained on that kind.
        """
        count = getattr(network.config, self._union_count, None)
        if not count:
            return None
        mode = self.control_modes.get(kind)
        if mode is None or mode >= count:
            known = [name for name, number in self.control_modes.items() if number < count]
            raise RefusedInput(
                f"this union ControlNet takes the kinds {', '.join(known)}, got {kind}"
            )
        return mode

    _union_count: ClassVar[str] = "num_control_type"  # in the configuration of a union network

    def guides(self, call: Call) -> bool:
        """Whether the denoiser may be evaluated without the prompt too."""
        return True

    def apart(self, pipe: Pipeline, call: Call) -> bool:
        """Whether step caches can tell evaluations with the prompt from those without."""
        return True

    def latent_channels(self, pipe: Pipeline) -> int:
        """Channels of spatial latents."""
        return int(pipe.vae.config.latent_channels)

    def factor(self, pipe: Pipeline) -> int:
        """Side of a latent cell in pixels."""
        return int(pipe.vae_scale_factor)

    def place(self, pipe: Pipeline) -> torch.device:
        """Where tensors for the pipeline belong, also where its weights are moved in and out."""
        denoiser = self.denoiser(pipe)
        if any(getattr(denoiser, name, None) is not None for name in _HOOKS):
            hooked: torch.device = pipe._execution_device  # asks every layer, which takes its time
            return hooked
        lies: torch.device = next(denoiser.parameters()).device
        return lies

    def precision(self, wanted: torch.dtype) -> torch.dtype:
        """The precision of the weights on a device that works best with `wanted`."""
        return wanted

    def dtype(self, pipe: Pipeline) -> torch.dtype:
        """The precision of latents on their way through the denoiser."""
        kind: torch.dtype = self.denoiser(pipe).dtype
        return kind

    def attention(self, pipe: Pipeline) -> str:
        """The class of what computes the denoiser's attention."""
        parts = self.denoiser(pipe).modules()
        return next(type(part.processor).__name__ for part in parts if hasattr(part, "processor"))

    def prompt_room(self, pipe: Pipeline) -> tuple[Any, int]:
        """The tokenizer that reads the least of a prompt, and how many tokens of it."""
        markers = 2  # each text is framed by a start and an end token
        return pipe.tokenizer, pipe.tokenizer.model_max_length - markers

    @torch.no_grad()
    def encode(
        self, pipe: Pipeline, pixels: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """Pixels, float (1, 3, h, w) in [-1, 1], as spatial latents in the VAE's precision."""
        placed = pixels.to(self.place(pipe), pipe.vae.dtype)
        latents: torch.Tensor = pipe._encode_vae_image(placed, generator)
        return latents

    def pack(self, pipe: Pipeline, latents: torch.Tensor) -> torch.Tensor:
        """Spatial latents in the layout that the pipeline samples in."""
        return latents

    def unpack(self, pipe: Pipeline, latents: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        """The inverse of `pack`; `size` is width and height in pixels."""
        return latents

    def timesteps(
        self, pipe: Pipeline, *, steps: int, strength: float, size: tuple[int, int]
    ) -> torch.Tensor:
        """Set `pipe.scheduler` as the pipeline will, and return the timesteps that are run."""
        place = self.place(pipe)
        pipe.scheduler.set_timesteps(steps, device=place)
        # Also tells the scheduler at which step it begins, which its noise level depends on.
        timesteps: torch.Tensor = pipe.get_timesteps(steps, strength, place)[0]
        return timesteps

    def prompt_arguments(self, call: Call) -> dict[str, Any]:
        """The texts under the pipeline's names."""
        return {"prompt": call.prompt, "negative_prompt": call.negative_prompt or None}

    def control_arguments(self, call: Call) -> dict[str, Any]:
        """The ControlNets' share of a call: plain values for one, lists for several."""
        if not call.controls:
            return {}
        columns: dict[str, list[Any]] = {
            "control_image": [c.picture() for c in call.controls],
            "controlnet_conditioning_scale": [c.scale for c in call.controls],
            "control_guidance_start": [c.start for c in call.controls],
            "control_guidance_end": [c.end for c in call.controls],
        }
        if all(c.mode is not None for c in call.controls):
            columns["control_mode"] = [c.mode for c in call.controls]
        if len(call.controls) > 1:
            return dict(columns)
        return {name: values[0] for name, values in columns.items()}

    def step_callback(self, pipe: Pipeline, call: Call) -> Callable[..., dict[str, Any]]:
        """What diffusers calls after each evaluation of the denoiser."""

        def on_step(_pipe: Any, step: int, _when: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            latents = call.on_step(step, self.unpack(pipe, tensors["latents"], call.size))
            return {"latents": self.pack(pipe, latents)}

        return on_step
