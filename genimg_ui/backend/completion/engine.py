"""Fills the hole of a crop in one forward pass of a trained completion network.

Every pixel whose denoise mask is above 0 is painted; the rest of a patch is the crop's own. There
is no chance in a network, so every seed gives the same picture; where `texture` of models.yaml says
`patches`, patches of the crop follow what it painted, and those differ with the seed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from genimg_ui.backend.base import (
    BackendJob,
    BackendResult,
    CancelToken,
    OnEvent,
    Preview,
    Progress,
    Rgb,
)
from genimg_ui.backend.completion import texture
from genimg_ui.backend.completion.blending import blended
from genimg_ui.backend.completion.weights import CONFIG, WEIGHTS, BadWeights, NetworkConfig, load
from genimg_ui.backend.device import Device, is_out_of_memory, pick_device
from genimg_ui.backend.diffusion.sources import ensure
from genimg_ui.backend.fetching import FetchWatch
from genimg_ui.backend.turns import Turns
from genimg_ui.core.provenance import ModelRecord
from genimg_ui.environment import versions
from genimg_ui.errors import BackendError, ModelUnavailable, RefusedInput
from genimg_ui.registry import ModelSpec
from genimg_ui.weights import folders
from genimg_ui.weights.hashes import WeightHashes

ENGINE = "completion 1"  # part of every log line: raised when the same weights give other pixels
CPU = Device("cpu", torch.float32)  # where patches follow: they are searched there
Hole = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A network in memory, in single precision."""

    network: nn.Module
    config: NetworkConfig
    record: ModelRecord
    device: Device


class CompletionBackend:
    """Keeps the last used network; one job at a time has it."""

    def __init__(self, *, device: Device | None = None, hashes: WeightHashes | None = None) -> None:
        self._device = device or pick_device()
        self._hashes = hashes or WeightHashes()
        self._turns = Turns()
        self._spec: ModelSpec | None = None
        self._loaded: Loaded | None = None

    def generate(self, job: BackendJob, on_event: OnEvent, cancel: CancelToken) -> BackendResult:
        """Fill the mask; raises BackendError, ModelUnavailable, RefusedInput, Cancelled."""
        with self._turns.mine(cancel):
            try:
                return self._generate(job, on_event, cancel)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise BackendError(f"{job.spec.title} failed: {error}") from error
            # Outside the handler: the traceback holds the tensors that must be freed.
            self._forget()
            device = self._device_for(job.spec).name
            raise BackendError(
                f"{job.spec.title} ran out of memory on {device}: paint a smaller region or lower "
                "Padding."
            )

    def release(self) -> None:
        """Free the weights, once no job uses them."""
        with self._turns.mine():
            self._forget()

    def _generate(self, job: BackendJob, on_event: OnEvent, cancel: CancelToken) -> BackendResult:
        cancel.check()
        hole = job.mask > 0
        if hole.all():
            raise RefusedInput(
                f"{job.spec.title} needs unpainted pixels in what it sees, got none: all "
                f"{hole.size} are painted.",
                remedy="Paint less, or raise Padding.",
            )
        on_event(Progress(0.0, f"loading {job.spec.title}"))
        loaded = self._load(job.spec, on_event, cancel)
        if job.spec.patched:
            patches = self._patched(loaded, job, hole, on_event, cancel)
        else:
            with _watched(loaded.network, on_event, cancel, 1.0):
                painted = _painted(loaded, job.spec, job.image, hole)
            on_event(Preview(0, painted))
            patches = (painted,) * len(job.resolved.seeds)
        return _result(loaded, patches, job.spec)

    def _patched(
        self,
        loaded: Loaded,
        job: BackendJob,
        hole: Hole,
        on_event: OnEvent,
        cancel: CancelToken,
    ) -> tuple[Rgb, ...]:
        """Patches of the crop that follow what the network paints of a smaller one."""
        seen, covered = texture.reduced(job.image, hole)
        with _watched(loaded.network, on_event, cancel, texture.GUIDING):
            painted = _painted(loaded, job.spec, seen, covered)
        guide = texture.as_guide(painted, job.image)
        on_event(Preview(0, np.where(hole[..., None], guide, job.image)))
        return tuple(texture.textured(guide, job, on_event, cancel))

    def _load(self, spec: ModelSpec, on_event: OnEvent, cancel: CancelToken) -> Loaded:
        if self._loaded is None or self._spec != spec:
            self._forget()
            folder = ensure(spec, FetchWatch(on_event, cancel), safety=False).main
            self._loaded = self._read(spec, folder)
            self._spec = spec
        return self._loaded

    def _read(self, spec: ModelSpec, folder: Path) -> Loaded:
        try:
            network, config = load(folder)
        except BadWeights as problem:
            raise ModelUnavailable(f"{spec.title} could not be loaded: {problem}.") from problem
        on_hub = folders.is_hub_id(spec.source)
        record = ModelRecord(
            id=spec.id,
            engine=f"{ENGINE}, {texture.ENGINE}" if spec.patched else ENGINE,
            family=config.architecture,
            source=spec.source if on_hub else Path(spec.source).name,
            revision=folder.name if on_hub else "",
            files=self._hashes.records(folder, [folder / CONFIG, folder / WEIGHTS]),
        )
        device = self._device_for(spec)
        return Loaded(network.to(device.torch), config, record, device)

    def _device_for(self, spec: ModelSpec) -> Device:
        return CPU if spec.patched else self._device

    def _forget(self) -> None:
        self._loaded = self._spec = None
        self._device.free()


def _result(loaded: Loaded, patches: tuple[Rgb, ...], spec: ModelSpec) -> BackendResult:
    names = ["torch", "safetensors", "opencv-python-headless"]
    facts = {
        "architecture": loaded.config.architecture,
        "edge": "poisson" if loaded.config.blend else "as painted",
    }
    if spec.patched:
        names += ["numba", "llvmlite"]
        facts |= {"texture": spec.texture.value}
    return BackendResult(
        patches=patches,
        model=loaded.record,
        runtime=loaded.device.record(""),
        environment=versions(*names),
        facts=facts,
    )


@contextmanager
def _watched(
    network: nn.Module, on_event: OnEvent, cancel: CancelToken, share: float
) -> Iterator[None]:
    """Within, each stage of the network reports, and stops where the edit was cancelled.

    `share` is that of the network in the whole work.
    """
    stages = list(getattr(network, "stages", ()))

    def report(number: int) -> Callable[..., None]:
        def after(*_: object) -> None:
            cancel.check()
            done = share * number / (len(stages) + 1)
            on_event(Progress(done, f"layer {number} of {len(stages)}"))

        return after

    hooks = [stage.register_forward_hook(report(i)) for i, stage in enumerate(stages, start=1)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    cancel.check()


def _painted(loaded: Loaded, spec: ModelSpec, image: Rgb, hole: Hole) -> Rgb:
    """The picture with its hole filled by the network, uint8 (h, w, 3)."""
    made = _forward(loaded, image, hole)
    if not bool(np.isfinite(made).all()):
        raise BackendError(f"{spec.title} produced values that are no numbers (NaN).")
    if loaded.config.blend:
        made = blended(made, image.astype(np.float32), hole)
    pixels = np.clip(np.rint(made), 0, 255).astype(np.uint8)
    return np.where(hole[..., None], pixels, image)


def _forward(loaded: Loaded, image: Rgb, hole: Hole) -> NDArray[np.float32]:
    """What the network paints, float32 (h, w, 3) in about [0, 255].

    Sides are padded to the network's multiples by repeating the last row and column.
    """
    height, width = hole.shape
    multiple = int(getattr(loaded.network, "multiple", 1))
    sides = ((0, -height % multiple), (0, -width % multiple))
    wide, device = np.pad(image, (*sides, (0, 0)), mode="edge"), loaded.device.torch
    planes = torch.from_numpy(wide).permute(2, 0, 1)[None].to(device).float() / 255
    holes = torch.from_numpy(np.pad(hole, sides, mode="edge"))[None, None]
    with torch.inference_mode():
        made = loaded.network(planes.contiguous(), holes.to(device).float())
    values = made[0, :, :height, :width].permute(1, 2, 0).float().cpu().numpy()
    return np.asarray(np.ascontiguousarray(values) * np.float32(255), np.float32)
