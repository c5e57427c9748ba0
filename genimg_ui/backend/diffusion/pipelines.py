"""Loads a model's pipeline and its ControlNet from a folder or the hub's cache.

Only safetensors weights are read and no code of a model is ever run. A hub model is looked up
on this machine first and downloaded only where the hub answers; everything that is absent or
broken becomes a ModelUnavailable that names it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from diffusers import (
    ControlNetModel,
    DiffusionPipeline,
    StableDiffusionControlNetInpaintPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionXLControlNetInpaintPipeline,
    StableDiffusionXLInpaintPipeline,
)
from diffusers.utils import logging as diffusers_logging
from safetensors import SafetensorError
from transformers.utils import logging as transformers_logging

from genimg_ui.backend.device import Device, is_out_of_memory
from genimg_ui.backend.diffusion.loras import attach_lora
from genimg_ui.backend.diffusion.preview import fit_colours
from genimg_ui.backend.weight_records import control_record, fallbacks, model_record
from genimg_ui.core.provenance import ModelRecord, PartRecord
from genimg_ui.errors import ModelUnavailable, RefusedInput
from genimg_ui.registry import ModelSpec, availability, download_size
from genimg_ui.weights import folders
from genimg_ui.weights.hashes import WeightHashes

Pipeline = Any  # the pipelines share their names by convention, not by a base class
LATENT_CHANNELS = 4
INPAINT_CHANNELS = 9  # noisy latents, mask, latents of the masked picture


@dataclass(frozen=True, slots=True)
class Family:
    """The pipelines of a family, and what only it takes."""

    inpaint: Any
    control: Any
    extras: Mapping[str, Any]


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "sd15": Family(
            StableDiffusionInpaintPipeline, StableDiffusionControlNetInpaintPipeline, {}
        ),
        "sdxl": Family(
            StableDiffusionXLInpaintPipeline,
            StableDiffusionXLControlNetInpaintPipeline,
            {"add_watermarker": False},  # it would change pixels and names diffusers as the author
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A pipeline in memory. Its scheduler is a pattern only: each picture builds its own."""

    pipe: Pipeline
    family: Family
    scheduler: Any
    colours: torch.Tensor  # latents → RGB, for previews
    record: ModelRecord
    fallbacks: tuple[str, ...]  # sentences

    @property
    def native(self) -> bool:
        """Whether the UNet was trained to see the mask."""
        return bool(self.pipe.unet.config.in_channels == INPAINT_CHANNELS)

    @property
    def factor(self) -> int:
        """Side of a latent cell in pixels."""
        return int(self.pipe.vae_scale_factor)


@dataclass(frozen=True, slots=True)
class Controlled:
    """A pipeline with a ControlNet of `kind` beside it."""

    kind: str
    pipe: Pipeline
    record: PartRecord
    fallbacks: tuple[str, ...]


def load_pipeline(spec: ModelSpec, device: Device, hashes: WeightHashes, *, safety: bool) -> Loaded:
    """Load the model of `spec`; with `safety` its safety checker too, where it has one."""
    if spec.family not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise RefusedInput(f'family of {spec.id} must be one of {known}, got "{spec.family}"')
    family = FAMILIES[spec.family]
    folder = _folder(spec, safety=safety)
    _check_family(spec, folder)
    _quieten()
    pipe = _guarded(spec, folder, lambda: _read(spec, folder, device, safety=safety))
    lora = _guarded(spec, folder, lambda: attach_lora(pipe, spec))
    pipe.set_progress_bar_config(disable=True)
    channels = pipe.unet.config.in_channels
    if channels not in (LATENT_CHANNELS, INPAINT_CHANNELS):
        raise ModelUnavailable(
            f"{spec.title} cannot paint under a mask: its UNet must have {LATENT_CHANNELS} or "
            f"{INPAINT_CHANNELS} input channels, got {channels}."
        )
    return Loaded(
        pipe,
        family,
        pipe.scheduler,
        fit_colours(pipe),
        model_record(spec, folder, pipe, hashes, lora),
        fallbacks(spec.title, spec, folder / "unet"),
    )


def _quieten() -> None:
    """What a person must know is said by events and sentences; the rest would fill the log."""
    for logging in (diffusers_logging, transformers_logging):
        logging.disable_progress_bar()
        logging.set_verbosity_error()


def with_control(loaded: Loaded, spec: ModelSpec, kind: str, hashes: WeightHashes) -> Controlled:
    """The same model, its weights shared, with the ControlNet of `kind` beside it."""
    sources = dict(spec.controls)
    if kind not in sources:
        known = ", ".join(sources) or "none"
        raise RefusedInput(f'control of {spec.id} must be one of {known}, got "{kind}"')
    unet = loaded.pipe.unet
    network = _control_network(spec, sources[kind], unet.dtype)
    pipe = loaded.family.control(
        **loaded.pipe.components,
        controlnet=network.to(unet.device),
        **_constructor_extras(loaded),
    )
    pipe.set_progress_bar_config(disable=True)
    return Controlled(kind, pipe, *control_record(spec, kind, hashes))


def _constructor_extras(loaded: Loaded) -> dict[str, Any]:
    extras = dict(loaded.family.extras)
    config = loaded.pipe.config
    for name in ("requires_safety_checker", "force_zeros_for_empty_prompt"):
        if name in config:
            extras[name] = config[name]
    return extras


def _read(spec: ModelSpec, folder: Path, device: Device, *, safety: bool) -> Pipeline:
    family = FAMILIES[spec.family]
    options = dict(family.extras) | _safety_options(spec, safety=safety)
    pipe = family.inpaint.from_pretrained(
        folder,
        dtype=device.dtype,
        variant=None if fallbacks(spec.title, spec, folder / "unet") else spec.variant,
        use_safetensors=True,
        local_files_only=True,
        **options,
    )
    return pipe.to(device.torch)


def _safety_options(spec: ModelSpec, *, safety: bool) -> dict[str, Any]:
    if spec.family != "sd15" or safety:
        return {}
    return {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}


def _folder(spec: ModelSpec, *, safety: bool) -> Path:
    folder = folders.local_folder(spec.source, spec.revision)
    lack = None if folder is None else folders.missing_part(folder, spec.variant, safety=safety)
    if folder is not None and lack is None:
        return folder
    reason = availability(spec, safety=safety)
    if reason is not None:
        raise ModelUnavailable(reason)
    try:
        downloaded = DiffusionPipeline.download(
            spec.source,
            revision=spec.revision,
            variant=spec.variant,
            use_safetensors=True,
            **_safety_options(spec, safety=safety),
        )
    except (OSError, ValueError) as error:
        raise ModelUnavailable(
            f"{spec.title} ({download_size(spec)}) could not be downloaded from the "
            f"Hugging Face hub: {_first_line(error)}; the embedded engine `exemplar` works without."
        ) from error
    return Path(downloaded)


def _check_family(spec: ModelSpec, folder: Path) -> None:
    found = folders.recognise_family(folder)
    if found != spec.family:
        raise ModelUnavailable(
            f"family of {spec.id} in models.yaml is {spec.family}, but {folder} holds a "
            f"{folders.pipeline_class(folder)}" + (f", which is {found}." if found else ".")
        )


def _control_network(spec: ModelSpec, source: str, dtype: torch.dtype) -> Any:
    on_hub = folders.is_hub_id(source)
    folder = folders.local_folder(source)
    variant: str | None = None
    lack: str | None = "is not on this machine"
    if folder is not None:
        variant = None if fallbacks(source, spec, folder) else spec.variant
        lack = folders.missing_weights(folder, "", variant)
    if lack is not None and not (on_hub and folders.hub_reachable()):
        beyond = " and the Hugging Face hub cannot be reached from here" if on_hub else ""
        raise ModelUnavailable(
            f"The ControlNet {source} of {spec.title} cannot be used: it {lack}{beyond}."
        )
    place = Path(source) if folder is None else folder

    def read() -> Any:
        return ControlNetModel.from_pretrained(
            source if lack is not None else place,
            variant=variant,
            dtype=dtype,
            use_safetensors=True,
        )

    return _guarded(spec, place, read)


def _guarded(spec: ModelSpec, place: Path, read: Callable[[], Any]) -> Any:
    """What the libraries say about unreadable weights, as one sentence."""
    try:
        return read()
    except (OSError, ValueError, KeyError, TypeError, SafetensorError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        raise ModelUnavailable(
            f"{spec.title} could not be loaded from {place}: {_first_line(error)}"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
