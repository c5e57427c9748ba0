"""Loads a model's pipeline from a folder or the hub's cache.

Only safetensors weights are read and no code of a model is ever run. A hub model is looked up
on this machine first and downloaded only where the hub answers; everything that is absent or
broken becomes a ModelUnavailable that names it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from genimg_ui.backend.device import Device
from genimg_ui.backend.diffusion.families import ADAPTERS, Family, Pipeline, Reading
from genimg_ui.backend.diffusion.guarded import guarded, quieten
from genimg_ui.backend.diffusion.loras import attach_lora
from genimg_ui.backend.diffusion.memo import Memo
from genimg_ui.backend.diffusion.placing import put
from genimg_ui.backend.diffusion.preview import fit_colours
from genimg_ui.backend.diffusion.quantising import check_quantised, quantisers
from genimg_ui.backend.diffusion.sources import ensure
from genimg_ui.backend.diffusion.tiny_decoders import TinyDecoder, read_tiny
from genimg_ui.backend.diffusion.tracing import Traces
from genimg_ui.backend.diffusion.tuning import Tuning, possible, tune, tuning_for
from genimg_ui.backend.diffusion.worn import Worn
from genimg_ui.backend.weight_records import fallbacks, model_record
from genimg_ui.core.memory import Offload
from genimg_ui.core.provenance import ModelRecord
from genimg_ui.errors import ModelUnavailable, RefusedInput
from genimg_ui.registry import ModelSpec
from genimg_ui.registry.places import Place
from genimg_ui.weights import folders, recognise
from genimg_ui.weights.fetch import OnFetching
from genimg_ui.weights.hashes import WeightHashes

# Part of every log line: raised when the same weights and settings give other pixels. 2 shows an
# inpainting model the ring around the cells that the mask touches.
ENGINE = "diffusers 2"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A pipeline in memory. Its scheduler is a pattern only: each picture builds its own."""

    pipe: Pipeline
    family: Family
    scheduler: Any
    colours: torch.Tensor  # latents → RGB, for previews
    record: ModelRecord
    fallbacks: tuple[str, ...]  # sentences
    helpers: Mapping[str, Pipeline]  # further pipelines that take part, by their role
    offload: Offload = Offload.NONE  # where the weights lie while they are not used
    tuning: Tuning = Tuning()
    tiny: TinyDecoder | None = None  # draws previews
    memo: Memo = field(default_factory=Memo)  # what its encoders have answered
    worn: Worn = field(default_factory=Worn)  # what it has on from its last edit
    traces: Traces = field(default_factory=Traces)  # its networks' evaluations as graphs

    @property
    def native(self) -> bool:
        """Whether the denoiser was trained to see the mask."""
        return self.family.native(self.pipe)

    @property
    def factor(self) -> int:
        """Side of a latent cell in pixels."""
        return self.family.factor(self.pipe)


def load_pipeline(
    spec: ModelSpec,
    device: Device,
    hashes: WeightHashes,
    watch: OnFetching,
    *,
    safety: bool,
    offload: Offload = Offload.NONE,
    wanted: Tuning | None = None,
) -> Loaded:
    """Load the model of `spec`; with `safety` its safety checker too, where it has one.

    `wanted` is how its denoiser shall be tuned; None: as suits the device.
    Raises RefusedInput, ModelUnavailable.
    """
    family = _family(spec)
    place = ensure(spec, watch, safety=safety)
    _check_family(spec, place)
    quieten()
    reading = _reading(spec, family, place, device, safety=safety)
    first = device.torch if offload is Offload.NONE else torch.device("cpu")
    pipe = guarded(spec.title, place.main, lambda: family.read(spec, reading).to(first))
    _check_read(family, pipe, spec)
    helpers = guarded(spec.title, place.main, lambda: family.read_helpers(pipe, reading))
    lora = guarded(spec.title, place.main, lambda: attach_lora(pipe, family.denoiser(pipe), spec))
    _placed((pipe, *helpers.values()), offload, device)
    tuning = _tuning(family.denoiser(pipe), spec, device, offload, wanted)
    _tune((pipe, *(helpers.values() if tuning.refiner else ())), family, tuning, spec.title)
    return Loaded(
        pipe,
        family,
        pipe.scheduler,
        fit_colours(lambda chart: family.encode(pipe, chart, _fixed()), family.factor(pipe)),
        replace(model_record(spec, place, pipe, hashes, lora), engine=ENGINE),
        _sentences(spec, family, place),
        helpers,
        offload,
        tuning,
        read_tiny(spec, family.latent_channels(pipe), device, reading.dtype, watch),
    )


def _check_read(family: Family, pipe: Pipeline, spec: ModelSpec) -> None:
    family.check(pipe, spec.title)
    check_quantised(pipe, spec)


def _tune(pipes: tuple[Pipeline, ...], family: Family, tuning: Tuning, title: str) -> None:
    for each in pipes:
        tune(family.denoiser(each), tuning, title)


def _placed(pipes: tuple[Pipeline, ...], offload: Offload, device: Device) -> None:
    for each in pipes:
        each.set_progress_bar_config(disable=True)
        put(each, offload, device)


def _reading(
    spec: ModelSpec, family: Family, place: Place, device: Device, *, safety: bool
) -> Reading:
    """What of the place is read, and as what."""
    dtype = family.precision(device.dtype)
    return Reading(
        place=place,
        dtype=dtype,
        variant=None if _sentences(spec, family, place) else spec.variant,
        pickles=spec.allow_pickle,
        safety=safety,
        quantisers=guarded(spec.title, place.main, lambda: quantisers(spec, place, device, dtype)),
    )


def denoisers(loaded: Loaded, pipe: Pipeline) -> tuple[Any, ...]:
    """The networks that take turns in a picture: of `pipe`, which samples, and of a refiner."""
    return tuple(loaded.family.denoiser(each) for each in (pipe, *loaded.helpers.values()))


def _sentences(spec: ModelSpec, family: Family, place: Place) -> tuple[str, ...]:
    """What of the folder's weights is not as models.yaml asks for; a single file has no variant."""
    if place.config is not None:
        return ()
    return fallbacks(spec.title, spec, place.main / family.denoiser_folder)


def _fixed() -> torch.Generator:
    return torch.Generator("cpu").manual_seed(0)


def is_tuned(loaded: Loaded, spec: ModelSpec, device: Device, wanted: Tuning | None) -> bool:
    """Whether a loaded model is tuned as `wanted`, or for None as suits the device."""
    denoiser = loaded.family.denoiser(loaded.pipe)
    return loaded.tuning == _tuning(denoiser, spec, device, loaded.offload, wanted)


def _tuning(
    denoiser: Any, spec: ModelSpec, device: Device, offload: Offload, wanted: Tuning | None
) -> Tuning:
    if wanted is None:
        return tuning_for(denoiser, spec, device, offload)
    return possible(denoiser, wanted)


def _family(spec: ModelSpec) -> Family:
    if spec.family not in ADAPTERS:
        known = ", ".join(ADAPTERS)
        raise RefusedInput(f'family of {spec.id} must be one of {known}, got "{spec.family}"')
    return ADAPTERS[spec.family]


def _check_family(spec: ModelSpec, place: Place) -> None:
    """Refuse a folder of another family; of a single file the names have told it already."""
    folder = place.main
    if place.config is not None:
        return
    found = recognise.recognise_family(folder)
    if found != spec.family:
        raise ModelUnavailable(
            f"family of {spec.id} in models.yaml is {spec.family}, but {folder} holds a "
            f"{folders.pipeline_class(folder)}" + (f", which is {found}." if found else ".")
        )
