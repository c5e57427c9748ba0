"""Reads one file of weights; spandrel tells from the tensors' names which network it is.

Only safetensors are read, unless the entry says `allow_pickle`: then .pth and .ckpt too, through
spandrel's restricted unpickler. TorchScript (.pt) is a program and never read.
"""

import importlib.util
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from spandrel import MAIN_REGISTRY, ArchRegistry, ModelLoader, UnsupportedModelError

from genimg_ui.backend.base import CancelToken, OnEvent
from genimg_ui.backend.device import Device, is_out_of_memory
from genimg_ui.backend.fetching import FetchWatch
from genimg_ui.core.provenance import ModelRecord
from genimg_ui.core.tasks import MASKED, Task
from genimg_ui.environment import version
from genimg_ui.errors import ModelUnavailable
from genimg_ui.registry import ModelSpec, availability
from genimg_ui.weights import folders
from genimg_ui.weights.fetch import Kind, Wanted, fetch
from genimg_ui.weights.hashes import WeightHashes

# Architectures whose code may not be used commercially; there only where a person installed them.
EXTRA = "spandrel_extra_arches"
SAFE, PICKLED = (".safetensors",), (".pth", ".ckpt")
SERVED: dict[str, tuple[Task, ...]] = {"Inpainting": MASKED, "SR": (Task.UPSCALE,)}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A network in memory: `net` is spandrel's descriptor, which is called with tensors."""

    net: Any
    record: ModelRecord

    @property
    def masked(self) -> bool:
        """Whether it fills a mask; else it enlarges."""
        return bool(self.net.purpose == "Inpainting")


def load(
    spec: ModelSpec, device: Device, hashes: WeightHashes, on_event: OnEvent, cancel: CancelToken
) -> Loaded:
    """Load the model of `spec`, fetched where need be; raises ModelUnavailable, Cancelled."""
    path = _path(spec, on_event, cancel)
    _check_suffix(spec, path)
    net = _read(spec, path)
    _check(spec, net)
    net.to(device.torch).eval()
    net.to(_dtype(net, device))
    record = ModelRecord(
        id=spec.id,
        engine=f"spandrel {version('spandrel')}",
        family=net.architecture.id,
        source=spec.source if folders.is_hub_id(spec.source) else Path(spec.source).name,
        revision=path.parent.name if folders.is_hub_id(spec.source) else "",
        files=hashes.records(path.parent, [path]),
    )
    return Loaded(net, record)


def _path(spec: ModelSpec, on_event: OnEvent, cancel: CancelToken) -> Path:
    path = folders.local_file(spec.source, spec.revision, spec.file)
    if path is not None:
        return path
    reason = availability(spec)
    if reason is not None or not folders.is_hub_id(spec.source):
        raise ModelUnavailable(reason or f"{spec.title} cannot be used: there is no {spec.source}.")
    wanted = Wanted(hub_id=spec.source, kind=Kind.FILES, revision=spec.revision, files=(spec.file,))
    return fetch(wanted, FetchWatch(on_event, cancel)) / spec.file


def _check_suffix(spec: ModelSpec, path: Path) -> None:
    suffix = path.suffix.lower()
    if suffix in SAFE or (spec.allow_pickle and suffix in PICKLED):
        return
    said = "and .pth and .ckpt where the entry says `allow_pickle: true`"
    raise ModelUnavailable(
        f"{spec.title} cannot be used: only .safetensors are read ({said}), got {path.name}. "
        "Convert the file, or allow pickles for this entry if you trust where it comes from."
    )


def _read(spec: ModelSpec, path: Path) -> Any:
    try:
        return ModelLoader(registry=_architectures()).load_from_file(path)
    except UnsupportedModelError as error:
        more = "" if _extra() else f", and {EXTRA} is not installed, which knows some more"
        raise ModelUnavailable(
            f"{spec.title} cannot be used: {path.name} holds no network that spandrel knows{more}."
        ) from error
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        if is_out_of_memory(error):
            raise
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelUnavailable(
            f"{spec.title} could not be loaded: {path.name} is damaged or not whole ({first}). "
            "Fetch it again."
        ) from error


def _extra() -> bool:
    return importlib.util.find_spec(EXTRA) is not None


def _architectures() -> ArchRegistry:
    """A registry of our own, so that the library's stays as it is."""
    registry = ArchRegistry()
    registry.add(*MAIN_REGISTRY)
    if _extra():
        registry.add(*pkgutil.resolve_name(f"{EXTRA}:EXTRA_REGISTRY"), ignore_duplicates=True)
    return registry


def _check(spec: ModelSpec, net: Any) -> None:
    """Hold what the entry says against what the file is."""
    served = SERVED.get(net.purpose)
    known = ", ".join(SERVED)
    what = f"the file holds {net.architecture.name}, a network for {net.purpose}"
    if served is None:
        raise ModelUnavailable(f"{spec.title} cannot be used: {what}; {known} are served.")
    if not set(spec.tasks) <= set(served):
        raise ModelUnavailable(
            f"tasks of {spec.id} in models.yaml are {', '.join(spec.tasks)}, but {what}, "
            f"which serves {', '.join(served)}."
        )
    if served == (Task.UPSCALE,) and spec.scale not in (0, net.scale):
        raise ModelUnavailable(
            f"scale of {spec.id} in models.yaml is {spec.scale}, but the network enlarges "
            f"{net.scale} times."
        )
    if net.input_channels != 3 or net.output_channels != 3:
        raise ModelUnavailable(
            f"{spec.title} cannot be used: it must take and give 3 channels, got "
            f"{net.input_channels} and {net.output_channels}."
        )


def _dtype(net: Any, device: Device) -> torch.dtype:
    """Half precision on a GPU for upscalers that stand it; Fourier layers of inpainting do not."""
    half = device.dtype is torch.float16 and net.supports_half and net.purpose == "SR"
    return torch.float16 if half else torch.float32
