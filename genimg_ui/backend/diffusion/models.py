"""The models and ControlNets that one engine has in memory, within a budget.

Entries of models.yaml that differ only in how they are used (title, defaults, controls) share
their weights, and so do all tasks of a model: it is loaded once. A ControlNet is kept for every
model that it is put beside, and so is the image encoder of reference adapters.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch

from genimg_ui.backend.device import Device
from genimg_ui.backend.diffusion.cache import ModelCache
from genimg_ui.backend.diffusion.controls import Controlled, with_controls
from genimg_ui.backend.diffusion.families import ADAPTERS
from genimg_ui.backend.diffusion.families.refiner import ROLE
from genimg_ui.backend.diffusion.pipelines import Loaded, is_tuned, load_pipeline
from genimg_ui.backend.diffusion.placing import put
from genimg_ui.backend.diffusion.tuning import Tuning
from genimg_ui.core.memory import GIB, Offload
from genimg_ui.registry import ModelSpec
from genimg_ui.registry.networks import network_bytes, networks_of
from genimg_ui.registry.places import Absent, locate
from genimg_ui.weights.fetch import OnFetching
from genimg_ui.weights.hashes import WeightHashes
from genimg_ui.weights.volumes import network, networks

# Fields of an entry, beside `uses_*` and `default_*`, that no weight depends on.
_OF_USE = frozenset(
    (
        "id",
        "title",
        "licence",
        "non_commercial",
        "note",
        "native_size",
        "size_multiple",
        "memory_gib",
        "download_gib",
        "context_ratio",
        "schedulers",
        "step_caches",
        "controls",
        "tasks",
        "scale",
        "loras",
        "embeddings",
        "references",
    )
)


class Models:
    """What is loaded. `budget` is in bytes; None: the device's own share."""

    def __init__(
        self, device: Device, hashes: WeightHashes, *, safety: bool, budget: int | None = None
    ) -> None:
        self._device = device
        self._hashes = hashes
        self._safety = safety
        self._cache = ModelCache(
            device.budget() if budget is None else budget, _networks, device.free
        )

    @property
    def bytes(self) -> int:
        """How much memory all weights hold together."""
        return self._cache.bytes

    def kept(self, spec: ModelSpec) -> Loaded | None:
        """The model as it lies in memory, None where it does not."""
        for key in self._cache.keys:
            if isinstance(key, tuple) and key[:2] == ("model", _weights_of(spec)):
                found: Loaded = self._cache.used(key)
                return found
        return None

    def load(
        self, spec: ModelSpec, watch: OnFetching, offload: Offload, tuning: Tuning | None = None
    ) -> Loaded:
        """The model with its weights where `offload` wants them, and its denoiser as `tuning`."""
        weights = _weights_of(spec)
        mine = (("model", weights), ("control", spec.family))
        self._cache.drop(
            key
            for key in self._cache.keys
            if isinstance(key, tuple) and key[:2] in mine and key[2] is not offload
        )

        def read() -> Loaded:
            return load_pipeline(
                spec,
                self._device,
                self._hashes,
                watch,
                safety=self._safety,
                offload=offload,
                wanted=tuning,
            )

        key = ("model", weights, offload)
        if key in self._cache.keys and not is_tuned(
            self._cache.used(key), spec, self._device, tuning
        ):
            self._cache.drop([key])
        needs = 0 if key in self._cache.keys else expected_bytes(spec, self._device)
        loaded = self._cache.get(key, read, needs=needs)
        return replace(loaded, record=replace(loaded.record, id=spec.id))

    def controlled(
        self, loaded: Loaded, spec: ModelSpec, kinds: tuple[str, ...], watch: OnFetching
    ) -> Controlled:
        """A twin of the model with a ControlNet for each of `kinds`."""
        mine = ("model", _weights_of(spec), loaded.offload)
        dtype = loaded.family.dtype(loaded.pipe)
        sources = dict.fromkeys(source for kind, source in spec.controls if kind in kinds)
        # Hooks that offload a network stay on it: one of another placement is of no use.
        place = ("control", spec.family, loaded.offload)
        keys = {s: (*place, s, spec.variant, dtype) for s in sources}
        kept = {
            source: self._cache.used(key) for source, key in keys.items() if key in self._cache.keys
        }
        twin = with_controls(loaded, spec, kinds, self._hashes, kept=kept, watch=watch)
        put(twin.pipe, loaded.offload, self._device)
        for source, beside in twin.networks.items():
            self._cache.put(keys[source], beside, keep=(mine, *keys.values()))
        return twin

    def encoder(
        self,
        spec: ModelSpec,
        where: tuple[Path, torch.device, torch.dtype],
        read: Callable[[], torch.nn.Module],
    ) -> torch.nn.Module:
        """The image encoder that `read` reads; `where` is its folder, device and precision."""
        folder, _, dtype = where
        using = (("model", _weights_of(spec)), ("control", spec.family))
        keep = [key for key in self._cache.keys if isinstance(key, tuple) and key[:2] in using]
        found = network(folder)
        needs = 0 if found is None else found.elements * dtype.itemsize
        return self._cache.get(("encoder", *where), read, needs=needs, keep=keep)

    def recount(self, loaded: Loaded, spec: ModelSpec) -> None:
        """Count what the model wears now, and give up others where it is too much."""
        if not loaded.worn.is_counted():
            self._cache.recount(("model", _weights_of(spec), loaded.offload))

    def give_way(self, spec: ModelSpec, peak: int, available: int) -> None:
        """Drop others, the least used first, until `peak` bytes for `spec` fit `available`."""
        mine = ("model", _weights_of(spec))
        keep = [key for key in self._cache.keys if isinstance(key, tuple) and key[:2] == mine]
        self._cache.make_room(peak - self._cache.held(keep), keep=keep, budget=available)

    def forget(self) -> None:
        """Free everything."""
        self._cache.clear()


def expected_bytes(spec: ModelSpec, device: Device) -> int:
    """What the model's weights will take, as far as its files are here to count."""
    family = ADAPTERS.get(spec.family)
    try:
        place = locate(spec)
    except Absent:
        return round(spec.memory_gib * GIB)
    dtype = device.dtype if family is None else family.precision(device.dtype)
    count = sum(network_bytes(spec, item, dtype.itemsize) for item in networks_of(spec))
    for role, folder in place.helpers.items():
        found = networks(folder, spec.variant)
        elements = sum(item.elements for item in found if role != ROLE or item.name == "unet")
        count += elements * dtype.itemsize
    return count


def _weights_of(spec: ModelSpec) -> Hashable:
    """What of an entry decides which weights are read."""
    return tuple(
        getattr(spec, field.name)
        for field in fields(spec)
        if field.name not in _OF_USE and not field.name.startswith(("uses_", "default_"))
    )


def _networks(value: Any) -> Iterable[torch.nn.Module]:
    """The networks of a loaded model, or a ControlNet itself."""
    if isinstance(value, torch.nn.Module):
        return (value,)
    pipes = (value.pipe, *value.helpers.values())
    parts = [part for pipe in pipes for part in pipe.components.values()]
    if value.worn.attention is not None:  # of reference adapters, which are taken off between edits
        processors, projection = value.worn.attention
        parts += [*processors.values(), projection]
    return [part for part in parts if isinstance(part, torch.nn.Module)]
