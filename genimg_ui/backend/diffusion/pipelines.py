"""Loads a model's pipeline from a folder or the hub's cache.

Only safetensors weights are read and no code of a model is ever run. A hub model is looked up
on this machine first and downloaded only where the hub answers; everything that is absent or
broken becomes a ModelUnavailable that names it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import DiffusionPipeline

from genimg_ui.backend.device import Device
from genimg_ui.backend.diffusion.families import ADAPTERS, Family, Pipeline
from genimg_ui.backend.diffusion.guarded import first_line, guarded, quieten
from genimg_ui.backend.diffusion.loras import attach_lora
from genimg_ui.backend.diffusion.preview import fit_colours
from genimg_ui.backend.weight_records import fallbacks, model_record
from genimg_ui.core.provenance import ModelRecord
from genimg_ui.errors import ModelUnavailable, RefusedInput
from genimg_ui.registry import ModelSpec, availability, download_size
from genimg_ui.weights import folders, recognise
from genimg_ui.weights.hashes import WeightHashes


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
        """Whether the denoiser was trained to see the mask."""
        return self.family.native(self.pipe)

    @property
    def factor(self) -> int:
        """Side of a latent cell in pixels."""
        return self.family.factor(self.pipe)


def load_pipeline(spec: ModelSpec, device: Device, hashes: WeightHashes, *, safety: bool) -> Loaded:
    """Load the model of `spec`; with `safety` its safety checker too, where it has one."""
    if spec.family not in ADAPTERS:
        known = ", ".join(ADAPTERS)
        raise RefusedInput(f'family of {spec.id} must be one of {known}, got "{spec.family}"')
    family = ADAPTERS[spec.family]
    folder = _folder(spec, safety=safety)
    _check_family(spec, folder)
    quieten()
    pipe = guarded(spec.title, folder, lambda: _read(spec, folder, device, safety=safety))
    family.check(pipe, spec.title)
    lora = guarded(spec.title, folder, lambda: attach_lora(pipe, family.denoiser(pipe), spec))
    pipe.set_progress_bar_config(disable=True)
    return Loaded(
        pipe,
        family,
        pipe.scheduler,
        fit_colours(lambda chart: family.encode(pipe, chart, _fixed()), family.factor(pipe)),
        model_record(spec, folder, pipe, hashes, lora),
        fallbacks(spec.title, spec, folder / family.denoiser_folder),
    )


def _fixed() -> torch.Generator:
    return torch.Generator("cpu").manual_seed(0)


def _read(spec: ModelSpec, folder: Path, device: Device, *, safety: bool) -> Pipeline:
    family = ADAPTERS[spec.family]
    absent = fallbacks(spec.title, spec, folder / family.denoiser_folder)
    pipe = family.inpaint_class(spec, folders.pipeline_class(folder) or "").from_pretrained(
        folder,
        dtype=family.precision(device.dtype),
        variant=None if absent else spec.variant,
        use_safetensors=True,
        local_files_only=True,
        **family.constructor_options(spec, safety=safety),
    )
    return pipe.to(device.torch)


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
            **ADAPTERS[spec.family].download_options(safety=safety),
        )
    except (OSError, ValueError) as error:
        raise ModelUnavailable(
            f"{spec.title} ({download_size(spec)}) could not be downloaded from the "
            f"Hugging Face hub: {first_line(error)}; the embedded engine `exemplar` works without."
        ) from error
    return Path(downloaded)


def _check_family(spec: ModelSpec, folder: Path) -> None:
    found = recognise.recognise_family(folder)
    if found != spec.family:
        raise ModelUnavailable(
            f"family of {spec.id} in models.yaml is {spec.family}, but {folder} holds a "
            f"{folders.pipeline_class(folder)}" + (f", which is {found}." if found else ".")
        )
