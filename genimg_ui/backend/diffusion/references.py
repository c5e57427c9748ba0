"""Reference pictures by IP-Adapter (Ye et al. 2023, arXiv:2308.06721), for one edit at a time.

Each reference is encoded by the adapter's own image encoder, from its own pixels: its middle
square, scaled to what the encoder reads. The mask, the crop and the working size are not its
affair. The adapter's attention stands beside the text's, and is taken off after the edit.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers.models.embeddings import ImageProjection
from PIL import Image
from safetensors.torch import load_file
from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

from genimg_ui.backend.base import BackendJob, ReferenceInput
from genimg_ui.backend.diffusion.added_files import added_file
from genimg_ui.backend.diffusion.families import Family
from genimg_ui.backend.diffusion.guarded import guarded
from genimg_ui.backend.diffusion.steering import Steer, holds
from genimg_ui.backend.diffusion.worn import Worn
from genimg_ui.backend.weight_records import added_record
from genimg_ui.core.provenance import PartRecord
from genimg_ui.core.request import ReferenceUnit
from genimg_ui.errors import ModelUnavailable
from genimg_ui.registry.adapters import ReferenceSpec
from genimg_ui.weights.fetch import OnFetching
from genimg_ui.weights.hashes import WeightHashes

PARTS = ("image_proj", "ip_adapter")  # what an adapter's file holds, as prefixes of its keys
PROJECTION = "ip_image_proj"  # how diffusers calls the kind of projection that adapters have
WHAT = "The reference adapter"
ENCODER = "The image encoder of references"


@dataclass(frozen=True, slots=True)
class Referred:
    """What the references of a job add to each call of the pipeline."""

    extras: Mapping[str, Any]
    steers: tuple[Steer, ...]
    records: tuple[PartRecord, ...]


def read_encoder(folder: Path, place: torch.device, dtype: torch.dtype) -> torch.nn.Module:
    """The image encoder of a folder with config.json and model.safetensors."""
    encoder = CLIPVisionModelWithProjection.from_pretrained(
        folder, local_files_only=True, use_safetensors=True
    )
    network: torch.nn.Module = encoder.eval().to(place, dtype)
    return network


@contextmanager
def references_attached(
    family: Family,
    pipe: Any,
    job: BackendJob,
    hashes: WeightHashes,
    encoder_in: Callable[[Path], torch.nn.Module],
    *,
    watch: OnFetching,
    worn: Worn,
) -> Iterator[Referred]:
    """Give the pipeline the job's reference adapters while the block runs.

    `pipe` is the one that samples; `encoder_in` gives the image encoder of a folder; `worn` keeps
    what was made of the adapters' files for an edit that asks for the same ones. Raises
    ModelUnavailable where weights are absent, broken or made for another model.
    """
    if not job.references:
        worn.forget_adapters()
        yield Referred({}, (), ())
        return
    specs = {spec.kind: spec for spec in job.spec.references}
    chosen = [specs[reference.unit.kind] for reference in job.references]
    files = {spec.kind: added_file(WHAT, spec, watch) for spec in chosen}
    weights = {spec.kind: _encoder_weights(spec, watch) for spec in chosen}
    encoders = [
        guarded(ENCODER, weights[spec.kind], partial(encoder_in, weights[spec.kind].parent))
        for spec in chosen
    ]
    records = tuple(
        added_record(role, kind, specs[kind].source, path, hashes)
        for role, found in (("reference", files), ("image_encoder", weights))
        for kind, path in found.items()
    )
    with _restored(pipe, family.denoiser(pipe)):
        _give(pipe, family.denoiser(pipe), [files[s.kind] for s in chosen], worn, records)
        embeds = _embeds(family, pipe, job, encoders)
        steer = partial(_steer, pipe, [reference.unit for reference in job.references])
        yield Referred({"ip_adapter_image_embeds": embeds}, (steer,), records)


def _give(
    pipe: Any, unet: Any, paths: Sequence[Path], worn: Worn, records: tuple[PartRecord, ...]
) -> None:
    """Give the UNet the attention of the adapters in `paths`: the kept one where it is theirs."""
    key = (records, tuple(map(str, paths)))
    if worn.attention is None or worn.adapters != key:
        worn.forget_adapters()
        states = [guarded(WHAT, path, partial(_state, path)) for path in paths]
        guarded(WHAT, paths[0], partial(_attach, pipe, states))
        worn.adapters, worn.attention = key, (unet.attn_processors, unet.encoder_hid_proj)
        return
    processors, projection = worn.attention
    unet.set_attn_processor(dict(processors))  # diffusers empties what it is given
    unet.encoder_hid_proj = projection
    unet.config.encoder_hid_dim_type = PROJECTION


@contextmanager
def _restored(pipe: Any, unet: Any) -> Iterator[None]:
    """Whatever an adapter changes of a pipeline, as it was before."""
    extractor = pipe.feature_extractor
    processors, projection = unet.attn_processors, unet.encoder_hid_proj
    kind = unet.config.encoder_hid_dim_type
    try:
        yield
    finally:
        pipe.register_modules(feature_extractor=extractor)
        unet.set_attn_processor(processors)
        unet.encoder_hid_proj = projection
        unet.config.encoder_hid_dim_type = kind


def _attach(pipe: Any, states: list[dict[str, Any]]) -> None:
    each = [""] * len(states)
    pipe.load_ip_adapter(states, subfolder=each, weight_name=each, image_encoder_folder=None)


def _state(path: Path) -> dict[str, dict[str, torch.Tensor]]:
    """An adapter's file as diffusers takes it: image projection and attention apart."""
    state: dict[str, dict[str, torch.Tensor]] = {part: {} for part in PARTS}
    for key, tensor in load_file(path).items():
        part, _, name = key.partition(".")
        if part in state:
            state[part][name] = tensor
    if not all(state.values()):
        raise ModelUnavailable(
            f"{WHAT} {path.name} must hold {' and '.join(PARTS)}: it is no IP-Adapter."
        )
    return state


def _encoder_weights(spec: ReferenceSpec, watch: OnFetching) -> Path:
    """The weights of the adapter's image encoder, whose configuration lies beside them."""
    return [added_file(ENCODER, added, watch) for added in spec.encoder_files][1]


@torch.no_grad()
def _embeds(
    family: Family, pipe: Any, job: BackendJob, encoders: Sequence[Any]
) -> list[torch.Tensor]:
    """For each reference (without guidance 1, with it 2; 1; ...): what the pipelines take."""
    place, dtype = family.place(pipe), family.dtype(pipe)
    layers = family.denoiser(pipe).encoder_hid_proj.image_projection_layers
    guided = job.resolved.request.sampling.guidance_scale > 1
    found = []
    for reference, encoder, layer in zip(job.references, encoders, layers, strict=True):
        pixels = _pixels(reference, encoder).to(place, dtype)
        with _brought(encoder, place) as network:
            if isinstance(layer, ImageProjection):
                seen = network(pixels).image_embeds
                unseen = torch.zeros_like(seen)
            else:  # reads the patches, also of an empty picture
                seen, unseen = (
                    network(each, output_hidden_states=True).hidden_states[-2]
                    for each in (pixels, torch.zeros_like(pixels))
                )
        found.append(torch.stack([unseen, seen] if guided else [seen]))
    return found


@contextmanager
def _brought(encoder: Any, place: torch.device) -> Iterator[Any]:
    """The encoder where it shall work; afterwards it lies again where it lay."""
    home = encoder.device
    try:
        yield encoder.to(place)
    finally:
        encoder.to(home)


def _pixels(reference: ReferenceInput, encoder: Any) -> torch.Tensor:
    side = encoder.config.image_size
    processor = CLIPImageProcessor(size={"shortest_edge": side}, crop_size=side)
    image = Image.fromarray(reference.image)
    pixels: torch.Tensor = processor(images=image, return_tensors="pt").pixel_values
    return pixels


def _steer(
    pipe: Any, units: Sequence[ReferenceUnit], fraction: float, kwargs: dict[str, Any]
) -> None:
    """Set how strongly each reference holds in this evaluation."""
    del kwargs
    scales = [u.scale if holds(fraction, u.start, u.end) else 0.0 for u in units]
    pipe.set_ip_adapter_scale(scales)
