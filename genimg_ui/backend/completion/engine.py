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
from genimg_ui.backend.completion.blending import blended
from genimg_ui.backend.completion.texture import Floats, as_guide, reduced
from genimg_ui.backend.completion.weights import CONFIG, WEIGHTS, BadWeights, NetworkConfig, load
from genimg_ui.backend.device import Device, is_out_of_memory, pick_device
from genimg_ui.backend.diffusion.sources import ensure
from genimg_ui.backend.fetching import FetchWatch
from genimg_ui.backend.turns import Turns
from genimg_ui.core.fill import exemplar
from genimg_ui.core.provenance import ModelRecord
from genimg_ui.environment import versions
from genimg_ui.errors import BackendError, ModelUnavailable, RefusedInput
from genimg_ui.registry import ModelSpec
from genimg_ui.weights import folders
from genimg_ui.weights.hashes import WeightHashes

ENGINE_VERSION = "1"  # part of every log line: raised when the same weights give other pixels
GUIDING = 0.3  # share of the network in the work, where patches follow it


@dataclass(frozen=True, slots=True)
class Loaded:
    """A network in memory, in single precision."""

    network: nn.Module
    config: NetworkConfig
    record: ModelRecord


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
            raise BackendError(
                f"{job.spec.title} ran out of memory on {self._device.name}: paint a smaller "
                "region or lower Padding."
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
        patched = job.spec.texture == "patches"
        given = reduced(job.image, hole) if patched else (job.image, hole)
        with _watched(loaded.network, on_event, cancel, GUIDING if patched else 1.0):
            made = self._forward(loaded, *given)
        made = _finished(made, job.spec.title, *given, blend=loaded.config.blend)
        if patched:
            guide = as_guide(made, job.image, hole)
            on_event(Preview(0, _rounded(guide)))
            patches = tuple(_textured(guide, job, hole, on_event, cancel))
        else:
            patch = np.where(hole[..., None], _rounded(made), job.image)
            on_event(Preview(0, patch))
            patches = (patch,) * len(job.resolved.seeds)
        return self._result(loaded, patches, job.spec)

    def _result(self, loaded: Loaded, patches: tuple[Rgb, ...], spec: ModelSpec) -> BackendResult:
        beside = ("numba", "llvmlite") if spec.texture == "patches" else ()
        return BackendResult(
            patches=patches,
            model=loaded.record,
            runtime=self._device.record(""),
            environment=versions("torch", "safetensors", "opencv-python-headless", *beside),
            facts={
                "architecture": loaded.config.architecture,
                "edge": "poisson" if loaded.config.blend else "as painted",
                "texture": spec.texture,
            },
        )

    def _forward(self, loaded: Loaded, pixels: Rgb, hole: NDArray[np.bool_]) -> Floats:
        """What the network paints, float32 (h, w, 3) in about [0, 255].

        Sides are padded to the network's multiples by repeating the last row and column.
        """
        height, width = hole.shape
        multiple = int(getattr(loaded.network, "multiple", 1))
        sides = ((0, -height % multiple), (0, -width % multiple))
        image = np.pad(pixels, (*sides, (0, 0)), mode="edge")
        planes = torch.from_numpy(image).permute(2, 0, 1)[None].to(self._device.torch).float() / 255
        holes = torch.from_numpy(np.pad(hole, sides, mode="edge"))[None, None]
        with torch.inference_mode():
            made = loaded.network(planes.contiguous(), holes.to(self._device.torch).float())
        values = made[0, :, :height, :width].permute(1, 2, 0).float().cpu().numpy()
        return np.asarray(np.ascontiguousarray(values) * np.float32(255), np.float32)

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
            engine=_engine(spec),
            family=config.architecture,
            source=spec.source if on_hub else Path(spec.source).name,
            revision=folder.name if on_hub else "",
            files=self._hashes.records(folder, [folder / CONFIG, folder / WEIGHTS]),
        )
        return Loaded(network.to(self._device.torch), config, record)

    def _forget(self) -> None:
        self._loaded = self._spec = None
        self._device.free()


def _engine(spec: ModelSpec) -> str:
    """What made the pixels, with the versions that decide them."""
    words = f"completion {ENGINE_VERSION}"
    patched = spec.texture == "patches"
    return f"{words}, exemplar {exemplar.ENGINE_VERSION}" if patched else words


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


def _finished(
    made: Floats, title: str, image: Rgb, hole: NDArray[np.bool_], *, blend: bool
) -> Floats:
    if not bool(np.isfinite(made).all()):
        raise BackendError(f"{title} produced values that are no numbers (NaN).")
    return blended(made, image.astype(np.float32), hole) if blend else made


def _textured(
    guide: Floats, job: BackendJob, hole: NDArray[np.bool_], on_event: OnEvent, cancel: CancelToken
) -> Iterator[Rgb]:
    """For each seed, patches of the crop that follow the guide."""
    seeds = job.resolved.seeds
    each = (1 - GUIDING) / len(seeds)
    for index, seed in enumerate(seeds):
        words, start = f"texture of variant {index + 1} of {len(seeds)}", GUIDING + index * each

        def tell(share: float, start: float = start, words: str = words) -> None:
            on_event(Progress(start + share * each, words))

        patch = exemplar.follow(
            job.image, hole, guide, seed=seed, on_progress=tell, cancel=cancel.check
        )
        on_event(Preview(index, patch))
        yield patch


def _rounded(values: Floats) -> Rgb:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
