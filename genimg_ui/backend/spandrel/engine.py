"""LaMa, MAT and upscalers: one network, one call, no prompt and no steps.

Upscalers get the whole source and enlarge it in tiles; where they enlarge further than asked,
their result is reduced. Networks for removal get the crop and its mask, and every pixel whose
denoise mask is 0 stays the crop's own.
"""

import time
from typing import Any

import numpy as np
import torch
from PIL import Image

from genimg_ui.backend.base import (
    BackendJob,
    BackendResult,
    CancelToken,
    OnEvent,
    Preview,
    Progress,
    Rgb,
)
from genimg_ui.backend.device import Device, is_out_of_memory, pick_device
from genimg_ui.backend.spandrel.loading import Loaded, load
from genimg_ui.backend.spandrel.tiled import OVERLAP, TILE, enlarge_tiled
from genimg_ui.backend.turns import Turns
from genimg_ui.environment import versions
from genimg_ui.errors import BackendError, RefusedInput
from genimg_ui.registry import ModelSpec
from genimg_ui.weights.hashes import WeightHashes

PREVIEW_SECONDS = 0.5  # between two previews
PREVIEW_SIDE = 512  # pixels


class SpandrelBackend:
    """Keeps the last used network; one job at a time has it."""

    def __init__(self, *, device: Device | None = None, hashes: WeightHashes | None = None) -> None:
        self._device = device or pick_device()
        self._hashes = hashes or WeightHashes()
        self._turns = Turns()
        self._spec: ModelSpec | None = None
        self._loaded: Loaded | None = None

    def generate(self, job: BackendJob, on_event: OnEvent, cancel: CancelToken) -> BackendResult:
        """Fill the mask, or enlarge the source; raises BackendError, Cancelled."""
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
                "region or lower Padding, or choose a smaller model."
            )

    def release(self) -> None:
        """Free the weights, once no job uses them."""
        with self._turns.mine():
            self._forget()

    def _generate(self, job: BackendJob, on_event: OnEvent, cancel: CancelToken) -> BackendResult:
        cancel.check()
        on_event(Progress(0.0, f"loading {job.spec.title}"))
        loaded = self._load(job.spec, on_event, cancel)
        facts = {"architecture": loaded.net.architecture.id}
        if loaded.masked:
            patches = self._filled(job, loaded, on_event, cancel)
        else:
            patches = (self._enlarged(job, loaded, on_event, cancel),)
            tiles = {"tile": TILE, "tile_overlap": OVERLAP, "scale": loaded.net.scale}
            facts |= {name: str(value) for name, value in tiles.items()}
        return BackendResult(
            patches=patches,
            model=loaded.record,
            runtime=self._device.record(""),
            environment=versions("torch", "spandrel", "safetensors"),
            facts=facts,
        )

    def _filled(
        self, job: BackendJob, loaded: Loaded, on_event: OnEvent, cancel: CancelToken
    ) -> tuple[Rgb, ...]:
        seeds = job.resolved.seeds
        hole = job.mask > 0
        patches = []
        for index, seed in enumerate(seeds):
            cancel.check()
            on_event(Progress(index / len(seeds), f"variant {index + 1} of {len(seeds)}"))
            mask = torch.from_numpy(hole)[None, None]
            self._seed(loaded, seed)
            with torch.random.fork_rng(), torch.inference_mode():
                torch.manual_seed(seed)  # MAT drops some of its features, also when it runs
                made = loaded.net(self._tensor(job.image, loaded), self._placed(mask, loaded))
            patch = np.where(hole[..., None], _pixels(made, job.spec), job.image)
            patches.append(patch)
            on_event(Preview(index, patch))
        return tuple(patches)

    def _seed(self, loaded: Loaded, seed: int) -> None:
        """Give MAT the style of this seed; it would draw one when it is loaded."""
        if loaded.net.architecture.id != "MAT":
            return
        network = loaded.net.model
        style = np.random.default_rng(seed).standard_normal(tuple(network.z.shape))
        network.z = torch.from_numpy(style).to(self._device.torch)
        network.label = network.label.to(self._device.torch)

    def _enlarged(
        self, job: BackendJob, loaded: Loaded, on_event: OnEvent, cancel: CancelToken
    ) -> Rgb:
        source, factor = job.source, job.resolved.request.upscale
        scale = int(loaded.net.scale)
        if source is None or factor > scale:
            raise RefusedInput(
                f"{job.spec.title} enlarges {scale} times at most, got {factor}.",
                remedy="Choose another model or a smaller factor.",
            )

        def enlarge(part: Rgb) -> Rgb:
            with torch.inference_mode():
                return _pixels(loaded.net(self._tensor(part, loaded)), job.spec)

        made = enlarge_tiled(source, enlarge, scale, _Watch(on_event, cancel).after)
        on_event(Preview(0, _small(made)))
        size = (source.shape[1] * factor, source.shape[0] * factor)
        if scale != factor:
            made = np.asarray(Image.fromarray(made).resize(size, Image.Resampling.LANCZOS))
        below, beside = job.image.shape[0] - size[1], job.image.shape[1] - size[0]
        return np.pad(made, ((0, below), (0, beside), (0, 0)), mode="edge")

    def _tensor(self, pixels: Rgb, loaded: Loaded) -> torch.Tensor:
        """uint8 (h, w, 3) → (1, 3, h, w) in [0, 1]."""
        planes = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None]
        return self._placed(planes, loaded) / 255

    def _placed(self, values: torch.Tensor, loaded: Loaded) -> torch.Tensor:
        return values.to(self._device.torch, loaded.net.dtype)

    def _load(self, spec: ModelSpec, on_event: OnEvent, cancel: CancelToken) -> Loaded:
        if self._loaded is None or self._spec != spec:
            self._forget()
            self._loaded = load(spec, self._device, self._hashes, on_event, cancel)
            self._spec = spec
        return self._loaded

    def _forget(self) -> None:
        self._loaded = self._spec = None
        self._device.free()


class _Watch:
    """Looks on after each tile: cancels, reports, and shows the unfinished picture now and then."""

    def __init__(self, on_event: OnEvent, cancel: CancelToken) -> None:
        self._on_event, self._cancel = on_event, cancel
        self._shown = time.monotonic()

    def after(self, share: float, unfinished: Rgb) -> None:
        self._cancel.check()
        self._on_event(Progress(share, f"{share:.0%} of the picture"))
        if time.monotonic() - self._shown >= PREVIEW_SECONDS:
            self._shown = time.monotonic()
            self._on_event(Preview(0, _small(unfinished)))


def _pixels(made: Any, spec: ModelSpec) -> Rgb:
    """(1, 3, h, w) in [0, 1] → uint8 (h, w, 3)."""
    if not bool(torch.isfinite(made).all()):
        raise BackendError(f"{spec.title} produced values that are no numbers (NaN).")
    values = (made[0].float() * 255).round().clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray(values.permute(1, 2, 0).cpu().numpy())


def _small(picture: Rgb) -> Rgb:
    height, width = picture.shape[:2]
    if max(height, width) <= PREVIEW_SIDE:
        return picture.copy()
    image = Image.fromarray(picture)
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(image)
