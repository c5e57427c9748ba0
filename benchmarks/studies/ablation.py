"""What a completion network loses without one channel of one layer, and what that channel does.

A channel is removed by setting it to 0 where the layer gives it out. Pictures are (N, 3, H, W) in
[0, 1], holes (N, 1, H, W), 1 = fill. Networks paint their holes as they are: the blending of the
edge that an engine may add is left out, so that only the network is looked at.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from genimg_ui.backend.completion.weights import NetworkConfig

Values = NDArray[np.float64]
BATCH = 8
SMOOTH = 8  # pixels: what a mean over so many keeps counts as coarse
LUMA = (0.299, 0.587, 0.114)  # Rec. 601
LEAST_ERROR = 1 / 255**2 / 1000  # of a hole, so that a perfect one has a finite PSNR


@dataclass(frozen=True, slots=True, eq=False)
class Scenes:
    """Pictures with their holes, and the file of each."""

    image: Tensor
    hole: Tensor
    names: tuple[str, ...]

    def parts(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches."""
        for start in range(0, len(self.image), BATCH):
            yield self.image[start : start + BATCH], self.hole[start : start + BATCH]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loss:
    """One channel: how much worse each picture's hole is without it."""

    layer: str
    channel: int
    mse: Values  # rise of each picture's error in the hole
    psnr: Values  # drop of each picture's PSNR in the hole, dB

    @property
    def drop(self) -> float:
        """Mean drop of PSNR, dB."""
        return float(self.psnr.mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """What one channel does.

    `inside` is its mean size in holes over that outside; `correlations` are of its activation with
    what the network made, over all pixels; `colour` is what its removal adds to red, green and blue
    in holes, in levels of 255; `coarse` the share of that change's energy that means over 8 pixels
    keep.
    """

    layer: str
    channel: int
    inside: float
    correlations: dict[str, float]
    colour: tuple[float, float, float]
    coarse: float


def usual_layers(config: NetworkConfig) -> tuple[str, ...]:
    """The first layer, the middle ones of dilation and of frequencies, and the last hidden one."""
    if config.architecture == "iizuka":
        return ("stages.0", "stages.8", "stages.15")
    middle = f"stages.{1 + config.blocks // 2}"
    deep = (f"{middle}.first", f"{middle}.spectral") if config.blocks > 1 else ()
    return ("enter.0", *deep, "leave.1")


def channels_of(network: nn.Module, layer: str, scenes: Scenes) -> int:
    """How many channels a layer gives out; raises AttributeError where there is none such."""
    return int(_activation(network, layer, scenes.image[:1], scenes.hole[:1]).shape[1])


def losses(network: nn.Module, layer: str, scenes: Scenes, whole: Values) -> list[Loss]:
    """Every channel of a layer, the one that matters most first; `whole` are `errors` with all."""
    found = []
    for channel in range(channels_of(network, layer, scenes)):
        with without(network, layer, channel):
            left = errors(network, scenes)
        drop = 10 * np.log10(np.maximum(left, LEAST_ERROR) / np.maximum(whole, LEAST_ERROR))
        found.append(Loss(layer=layer, channel=channel, mse=left - whole, psnr=drop))
    return sorted(found, key=lambda loss: -loss.drop)


def errors(network: nn.Module, scenes: Scenes) -> Values:
    """Mean squared error of each picture in its hole."""
    found = []
    for image, hole in scenes.parts():
        squares = (painted(network, image, hole) - image).double().square() * hole
        found.append(squares.sum((1, 2, 3)) / (3 * hole.sum((1, 2, 3))))
    return torch.cat(found).numpy()


def painted(network: nn.Module, image: Tensor, hole: Tensor) -> Tensor:
    """The pictures with what the network makes of their holes."""
    with torch.inference_mode():
        made = network(image, hole).float().clamp(0, 1)
    return torch.where(hole > 0, made, image)


@contextmanager
def without(network: nn.Module, layer: str, channel: int) -> Iterator[None]:
    """Within, the layer gives out 0 for the channel."""

    def silence(_module: nn.Module, _given: object, made: Tensor) -> Tensor:
        kept = made.clone()
        kept[:, channel] = 0
        return kept

    hook = network.get_submodule(layer).register_forward_hook(silence)
    try:
        yield
    finally:
        hook.remove()


def portrait(network: nn.Module, layer: str, channel: int, scenes: Scenes) -> Portrait:
    """What the channel answers to, and what its absence does to the holes."""
    sizes, seen, made, changes = [], [], [], []
    for image, hole in scenes.parts():
        active = _activation(network, layer, image, hole)[:, channel : channel + 1]
        # In float32 throughout, and as large as the picture, so that all can be compared by pixel.
        active = functional.interpolate(active.float(), size=image.shape[-2:], mode="bilinear")
        full = painted(network, image, hole)
        with without(network, layer, channel):
            changes.append((painted(network, image, hole) - full) * hole)
        sizes.append(active.abs())
        seen.append(active)
        made.append(full)
    active, full, change = torch.cat(seen), torch.cat(made), torch.cat(changes)
    size, hole = torch.cat(sizes), scenes.hole
    inner, outer = (float((size * m).sum() / m.sum()) for m in (hole, 1 - hole))
    luma = (full * torch.tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    beside = {"hole": hole, "brightness": luma, "edges": _gradient(luma)}
    energy = float(change.square().sum())
    coarse = functional.avg_pool2d(change, SMOOTH, ceil_mode=True, count_include_pad=False)
    spread = functional.interpolate(coarse, size=change.shape[-2:], mode="nearest") * hole
    red, green, blue = (255 * change.sum((0, 2, 3)) / hole.sum()).tolist()
    return Portrait(
        layer=layer,
        channel=channel,
        inside=inner / max(outer, 1e-12),
        correlations={name: _correlation(active, values) for name, values in beside.items()},
        colour=(red, green, blue),
        coarse=min(1.0, float(spread.square().sum()) / energy) if energy else 0.0,
    )


def activation_map(
    network: nn.Module, layer: str, channel: int, scene: tuple[Tensor, Tensor]
) -> Values:
    """The channel's answer to one picture, (h, w) at the layer's own size."""
    return np.asarray(_activation(network, layer, *scene)[0, channel].double().numpy())


def _activation(network: nn.Module, layer: str, image: Tensor, hole: Tensor) -> Tensor:
    kept: list[Tensor] = []
    module = network.get_submodule(layer)
    hook = module.register_forward_hook(lambda _module, _given, made: kept.append(made.detach()))
    try:
        with torch.inference_mode():
            network(image, hole)
    finally:
        hook.remove()
    return kept[0]


def _gradient(luma: Tensor) -> Tensor:
    across = functional.pad(luma[..., 1:] - luma[..., :-1], (0, 1))
    down = functional.pad(luma[..., 1:, :] - luma[..., :-1, :], (0, 0, 0, 1))
    return torch.hypot(across, down)


def _correlation(first: Tensor, second: Tensor) -> float:
    """Pearson's, over all pixels of all pictures; 0 where one of them is flat."""
    a, b = (values.double().flatten() - values.double().mean() for values in (first, second))
    scale = float(a.norm() * b.norm())
    return float(a @ b) / scale if scale > 0 else 0.0


def ranked(groups: Sequence[Sequence[Loss]]) -> list[Loss]:
    """All channels of all layers, the one that matters most first."""
    return sorted((loss for group in groups for loss in group), key=lambda loss: -loss.drop)
