"""Puts one or several ControlNets beside a model whose weights are in memory already."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genimg_ui.backend.diffusion.families import Family, Pipeline
from genimg_ui.backend.diffusion.guarded import guarded
from genimg_ui.backend.diffusion.pipelines import Loaded
from genimg_ui.backend.weight_records import control_record, fallbacks
from genimg_ui.core.provenance import PartRecord
from genimg_ui.errors import ModelUnavailable, RefusedInput
from genimg_ui.registry import ModelSpec
from genimg_ui.weights import folders
from genimg_ui.weights.fetch import Kind, OnFetching, Wanted, fetch
from genimg_ui.weights.hashes import WeightHashes


@dataclass(frozen=True, slots=True)
class Controlled:
    """A twin of a pipeline with ControlNets of `kinds` beside the same weights.

    `networks` are those in memory by their source; `modes` are the kinds' numbers in union
    networks, None for others; one for each kind, in order, which may repeat.
    """

    kinds: tuple[str, ...]
    pipe: Pipeline
    networks: Mapping[str, Any]
    modes: tuple[int | None, ...]
    records: tuple[PartRecord, ...]
    fallbacks: tuple[str, ...]


def with_controls(
    loaded: Loaded,
    spec: ModelSpec,
    kinds: tuple[str, ...],
    hashes: WeightHashes,
    *,
    kept: Mapping[str, Any],
    watch: OnFetching,
) -> Controlled:
    """The same model, its weights shared, with a ControlNet for each of `kinds` beside it.

    A network that serves several kinds is loaded once; those in `kept` (by source) not again.
    """
    sources = {kind: _source(spec, kind) for kind in kinds}
    family, base = loaded.family, loaded.pipe
    networks: dict[str, Any] = {}
    for source in dict.fromkeys(sources.values()):
        network = kept.get(source) or _read_network(loaded, spec, source, watch)
        _check_family(loaded, spec, source, network)
        networks[source] = network.to(family.place(base))
    modes = tuple(family.control_mode(networks[sources[kind]], kind) for kind in kinds)
    if len({mode is None for mode in modes}) > 1:
        raise RefusedInput(
            f"Controls of {spec.title} must all use union ControlNets or none of them, got "
            f"{', '.join(f'{kind} ({source})' for kind, source in sources.items())}.",
            remedy="Remove one of them.",
        )
    each = tuple(networks[sources[kind]] for kind in kinds)
    pipe = family.control_class(base, each)(
        **base.components,
        controlnet=family.control_argument(each),
        **family.control_constructor_options(base),
    )
    pipe.set_progress_bar_config(disable=True)
    records, sentences = zip(*(control_record(spec, kind, hashes) for kind in sources), strict=True)
    told = tuple(dict.fromkeys(sentence for said in sentences for sentence in said))
    return Controlled(kinds, pipe, networks, modes, records, told)


def _source(spec: ModelSpec, kind: str) -> str:
    found = dict(spec.controls).get(kind)
    if found is None:
        known = ", ".join(name for name, _ in spec.controls) or "none"
        raise RefusedInput(f'control of {spec.id} must be one of {known}, got "{kind}"')
    return found


def _read_network(loaded: Loaded, spec: ModelSpec, source: str, watch: OnFetching) -> Any:
    place = _network_folder(spec, source, watch)
    variant = None if fallbacks(source, spec, place) else spec.variant
    dtype = loaded.family.denoiser(loaded.pipe).dtype
    name = _class_name(place)
    reader = loaded.family.control_networks.get(name)
    if reader is None:
        raise ModelUnavailable(_foreign(spec, source, name, loaded.family))

    def read() -> Any:
        return reader.from_pretrained(
            place, variant=variant, dtype=dtype, use_safetensors=True, local_files_only=True
        )

    return guarded(spec.title, place, read)


def _network_folder(spec: ModelSpec, source: str, watch: OnFetching) -> Path:
    """Where a ControlNet lies, fetched where the hub has it; raises ModelUnavailable."""
    folder, lack = _look(spec, source)
    if folder is not None and lack is None:
        return folder
    if not (folders.is_hub_id(source) and folders.hub_reachable()):
        raise ModelUnavailable(_absent(spec, source, lack or ""))
    fetch(Wanted(hub_id=source, kind=Kind.COMPONENT, variant=spec.variant), watch)
    folder, lack = _look(spec, source)
    if folder is None or lack is not None:
        raise ModelUnavailable(_absent(spec, source, lack or ""))
    return folder


def _look(spec: ModelSpec, source: str) -> tuple[Path | None, str | None]:
    """A ControlNet's folder, and what is missing there in words that follow "it"."""
    folder = folders.local_folder(source)
    if folder is None:
        return None, "is not on this machine"
    variant = None if fallbacks(source, spec, folder) else spec.variant
    return folder, folders.missing_weights(folder, "", variant)


def _class_name(folder: Path) -> str:
    """What a component's config.json says that it is; "" where it says nothing readable."""
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))["_class_name"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return str(found)


def _check_family(loaded: Loaded, spec: ModelSpec, source: str, network: Any) -> None:
    """A network of another family may have the same class, but reads texts of another width."""
    if type(network).__name__ not in loaded.family.control_networks:
        raise ModelUnavailable(_foreign(spec, source, type(network).__name__, loaded.family))
    width = loaded.family.control_width
    own = getattr(loaded.family.denoiser(loaded.pipe).config, width, None)
    found = getattr(network.config, width, None)
    if own is not None and found is not None and own != found:
        raise ModelUnavailable(
            f"The ControlNet {source} was made for another family than {spec.title} "
            f"({spec.family}): its {width} must be {own}, got {found}."
        )


def _absent(spec: ModelSpec, source: str, lack: str) -> str:
    beyond = " and the Hugging Face hub cannot be reached from here"
    if not folders.is_hub_id(source):
        beyond = ""
    return f"The ControlNet {source} of {spec.title} cannot be used: it {lack}{beyond}."


def _foreign(spec: ModelSpec, source: str, name: str, family: Family) -> str:
    allowed = ", ".join(family.control_networks) or "none"
    return (
        f"The ControlNet {source} was made for another family than {spec.title} ({spec.family}), "
        f"which takes {allowed}, got {name or 'a config.json that names no class'}."
    )
