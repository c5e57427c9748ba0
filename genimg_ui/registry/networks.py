"""The networks of a model as they lie on this machine, in a folder or in a single file."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from genimg_ui.errors import ModelUnavailable
from genimg_ui.registry.places import Place, locate
from genimg_ui.registry.quantisation import METHODS
from genimg_ui.registry.spec import ModelSpec
from genimg_ui.weights import folders
from genimg_ui.weights.gguf_header import GGUF, gguf_tensors
from genimg_ui.weights.recognise import tensor_shapes
from genimg_ui.weights.volumes import Network, configured, counted, networks

DENOISERS = ("unet", "transformer")
# How whole checkpoints call a network → its name; all else is their text encoders.
_PREFIXES = (("model.diffusion_model.", ""), ("first_stage_model.", "vae"), ("vae.", "vae"))


def networks_of(spec: ModelSpec) -> tuple[Network, ...]:
    """Every network of the model itself; () where its pieces are not here to count."""
    if not spec.source:
        return ()
    if not folders.is_single_file(spec.source, spec.file):
        folder = folders.local_folder(spec.source, spec.revision)
        return () if folder is None else networks(folder, spec.variant)
    try:
        place = locate(spec)
    except ModelUnavailable:
        return ()
    return () if place.config is None else _of_file(spec, place, place.config)


def network_bytes(spec: ModelSpec, item: Network, number: int) -> int:
    """What a network's weights take where a number has `number` bytes, quantised as `spec` says."""
    if item.stored:
        return item.stored
    method = METHODS.get(dict(spec.quantisation).get(item.name, ""))
    if method is None:
        return item.elements * number
    return (item.elements - item.linear) * number + method.bytes(item.linear, item.rows)


def _of_file(spec: ModelSpec, place: Place, config: Path) -> tuple[Network, ...]:
    """The file's own, and those that lie beside the configuration for want of them in the file."""
    name = next((part for part in DENOISERS if (config / part).is_dir()), "unet")
    if place.main.suffix.lower() == GGUF:
        tensors = gguf_tensors(place.main)
        elements = sum(math.prod(tensor.shape) for tensor in tensors.values())
        stored = sum(tensor.bytes for tensor in tensors.values())
        own = [Network(name, elements, configured(config / name), stored=stored)]
    elif place.main.suffix.lower() == folders.SAFETENSORS:
        own = _split(tensor_shapes(place.main), config, name)
    else:
        half = place.main.stat().st_size // 2  # a pickle is not opened to count
        own = [Network(name, half, configured(config / name))]
    names = {item.name for item in own}
    whole = place.recognised is None or place.recognised.whole
    absent = () if place.recognised is None else place.recognised.absent
    beside = (
        item
        for item in networks(config, spec.variant)
        if item.name in absent or not (whole or item.name in names)
    )
    return (*own, *beside)


def _split(shapes: Mapping[str, tuple[int, ...]], config: Path, denoiser: str) -> list[Network]:
    parts: dict[str, dict[str, tuple[int, ...]]] = {}
    prefixed = any(name.startswith(_PREFIXES[0][0]) for name in shapes)
    for name, shape in shapes.items():
        found = [part for prefix, part in _PREFIXES if name.startswith(prefix)]
        part = found[0] if found else ("text_encoder" if prefixed else "")
        parts.setdefault(part or denoiser, {})[name] = shape
    return [
        replace(counted(part, own), config=configured(config / part)) for part, own in parts.items()
    ]
