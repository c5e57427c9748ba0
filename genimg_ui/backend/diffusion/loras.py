"""LoRAs: small weights that are added to a model's own (Hu et al. 2021, arXiv:2106.09685).

A LoRA is one safetensors file, in a folder or on the hub. The one that an entry calls its `lora`
is fused into the network when the model is loaded, so that sampling costs nothing more. Those
that an edit chooses stand beside the weights, and are taken off before another edit: fusing and
subtracting again would leave rounding behind.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genimg_ui.backend.diffusion.added_files import added_file
from genimg_ui.backend.diffusion.guarded import guarded
from genimg_ui.backend.diffusion.worn import Worn
from genimg_ui.backend.weight_records import added_record
from genimg_ui.core.provenance import PartRecord
from genimg_ui.core.request import LoraUnit
from genimg_ui.errors import ModelUnavailable, RefusedInput
from genimg_ui.registry import ModelSpec
from genimg_ui.weights import folders
from genimg_ui.weights.fetch import OnFetching
from genimg_ui.weights.hashes import WeightHashes


class Widened(ModelUnavailable):
    """A LoRA has made layers of the model wider; they stay so: the model must be read again."""


def attach_lora(pipe: Any, denoiser: Any, spec: ModelSpec) -> Path | None:
    """Add the LoRA of `spec` to the pipeline; the file that was read, None where it has none.

    `denoiser` is the network of the pipeline that it must change.

    Raises ModelUnavailable where the file is absent, or holds nothing for this network, and
    Widened.
    """
    if not spec.lora:
        return None
    path = lora_file(spec)
    before = _fingerprint(denoiser)
    pipe.load_lora_weights(path.parent, weight_name=path.name, local_files_only=True)
    _check_widths(pipe, f"The LoRA {spec.lora}", spec.title)
    pipe.fuse_lora(lora_scale=spec.lora_scale, safe_fusing=True)
    pipe.unload_lora_weights()
    if spec.lora_scale and _fingerprint(denoiser) == before:
        raise ModelUnavailable(
            f"The LoRA {spec.lora} changes nothing of {spec.title}: it was made for another model."
        )
    return path


@contextmanager
def loras_worn(
    pipe: Any,
    spec: ModelSpec,
    units: Sequence[LoraUnit],
    hashes: WeightHashes,
    watch: OnFetching,
    *,
    worn: Worn,
    keep: bool,
) -> Iterator[tuple[PartRecord, ...]]:
    """Add the chosen LoRAs to the pipeline while the block runs; their records for the log.

    They are added in the order of their names, whatever order they were chosen in: a sum of
    floats depends on its order. `worn` tells what the pipeline has on already; with `keep` they
    stay on after a block that ends well, for an edit that asks for the same files and weights.
    Raises ModelUnavailable where one is absent, broken or made for another model, and Widened.
    """
    if units and not hasattr(pipe, "load_lora_weights"):
        raise RefusedInput(f"{spec.title} takes no LoRAs.", remedy="Remove them.")
    ordered = sorted(units, key=lambda unit: unit.name)
    found = tuple(_found(spec, unit, hashes, watch) for unit in ordered)
    key = tuple((each.unit, each.record) for each in found)
    try:
        if worn.loras != key:
            if worn.loras:
                worn.take_off(pipe)
            _wear_all(pipe, found, spec.title)
            worn.loras = key
        yield tuple(each.record for each in found)
    except BaseException:
        if units or worn.loras:
            worn.take_off(pipe)
        raise
    if units and not keep:
        worn.take_off(pipe)


@dataclass(frozen=True, slots=True)
class _Found:
    unit: LoraUnit
    path: Path
    record: PartRecord


def _found(spec: ModelSpec, unit: LoraUnit, hashes: WeightHashes, watch: OnFetching) -> _Found:
    lora = {lora.name: lora for lora in spec.loras}[unit.name]
    path = added_file(f"The LoRA {unit.name}", lora, watch)
    role = f"{unit.name}:{unit.scale:g}"
    return _Found(unit, path, added_record("lora", role, lora.source, path, hashes))


def _wear_all(pipe: Any, found: Sequence[_Found], title: str) -> None:
    names = [f"lora{index}" for index in range(len(found))]  # peft's names have no dots
    for name, each in zip(names, found, strict=True):
        _wear(pipe, name, each.path, what=f"The LoRA {each.unit.name}", title=title)
    if names:
        pipe.set_adapters(names, [each.unit.scale for each in found])


def _wear(pipe: Any, name: str, path: Path, *, what: str, title: str) -> None:
    def read() -> None:
        with warnings.catch_warnings():  # several at once are wanted; a failed one is taken off
            warnings.filterwarnings("ignore", "Already found a `peft_config`|Adapter .* was active")
            pipe.load_lora_weights(
                path.parent,
                weight_name=path.name,
                adapter_name=name,
                local_files_only=True,
                use_safetensors=True,
            )

    try:
        guarded(what, path, read)
    finally:
        _check_widths(pipe, what, title)
    if not any(name in names for names in pipe.get_list_adapters().values()):
        raise ModelUnavailable(f"{what} changes nothing of {title}: it was made for another model.")


def _check_widths(pipe: Any, what: str, title: str) -> None:
    """FLUX makes linear layers wider where a LoRA is (Control LoRAs: the map beside the latents).

    Taking the LoRA off leaves them so, and putting back what was there does so for outermost
    layers only.
    """
    before = getattr(getattr(pipe, "transformer", None), "_overwritten_params", None)
    if before:
        layers = ", ".join(name.removesuffix(".weight") for name in before if "weight" in name)
        raise Widened(
            f"{what} cannot be used with {title}: it is wider than the model's layers {layers}. "
            "It was made for another model or for a control; choose one made for this model."
        )


def lora_file(spec: ModelSpec) -> Path:
    """The one safetensors file of the LoRA of `spec` on this machine."""
    folder = folders.local_folder(spec.lora)
    files = [] if folder is None else sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        raise ModelUnavailable(
            f"The LoRA {spec.lora} of {spec.title} must be a folder on this machine with one "
            f".safetensors file, got {len(files) if folder else 'no folder'}."
        )
    return files[0]


def _fingerprint(denoiser: Any) -> float:
    return float(sum(p.detach().double().abs().sum().item() for p in denoiser.parameters()))
