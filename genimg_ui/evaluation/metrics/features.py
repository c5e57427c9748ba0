"""Feature networks: LPIPS of one pair, and the features that sets are compared by.

What sets are compared by is a function from uint8 RGB pictures to float64 (pictures, dimensions).
"""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torchmetrics.image.fid import NoTrainInceptionV3
from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

from genimg_ui.evaluation.metrics.base import Pair, Rgb, Score, Undefined
from genimg_ui.evaluation.metrics.pixel import NO_HOLE

LPIPS_SIDE = 32  # below this, AlexNet's last maps have no pixel left
STAND_IN_SIDE = 128
STAND_IN_DIMENSIONS = 64
STAND_IN_SEED = 0
_WIDTHS = (16, 32, 64)  # channels of the stand-in's stages
_BATCH = 32


class Lpips:
    """LPIPS (Zhang et al. 2018) on AlexNet, version 0.1 of its linear weights.

    The linear weights come with torchmetrics; AlexNet's are read from torch.hub's folder, where
    they must lie (`weights.ALEXNET`).
    """

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torchvision, about how it is called
            network = LearnedPerceptualImagePatchSimilarity(net_type="alex").net
        network.spatial = True
        self._network = network

    def __call__(self, pair: Pair) -> dict[str, Score]:
        """LPIPS from 0 upwards: over the picture, and the mean of its map over the hole.

        The map is that of the five layers, each brought to the picture's size (bilinear).
        """
        names, (height, width) = ("lpips", "lpips_hole"), pair.mask.shape
        if min(height, width) < LPIPS_SIDE:
            need = f"LPIPS needs sides of at least {LPIPS_SIDE} pixels, got {width}x{height}."
            return {name: Undefined(name, need) for name in names}
        result, original = (_tensor(picture) * 2 - 1 for picture in (pair.result, pair.original))
        whole = self._values(result, original, spatial=False).item()
        hole = pair.hole
        if not hole.any():
            return {"lpips": whole, "lpips_hole": Undefined("lpips_hole", NO_HOLE)}
        found = self._values(result, original, spatial=True)[0, 0].numpy().astype(np.float64)
        return {"lpips": whole, "lpips_hole": float(found[hole].mean())}

    def _values(self, result: Tensor, original: Tensor, *, spatial: bool) -> Tensor:
        self._network.spatial = spatial
        with torch.inference_mode():
            found: Tensor = self._network(result, original)
        return found


class Inception:
    """The 2048 pooled features of InceptionV3, as torchmetrics' FID has them.

    Pictures are brought to 299 x 299 with an antialiased bilinear filter. `path` is the file of
    `weights.INCEPTION`; raises an error of torch where it holds something else.
    """

    def __init__(self, path: Path) -> None:
        torch.load(path, map_location="cpu", weights_only=True)  # refuses anything but tensors
        self._network = NoTrainInceptionV3("inception-v3-compat", ["2048"], str(path))

    def __call__(self, pictures: Sequence[Rgb]) -> NDArray[np.float64]:
        """float64 (pictures, 2048)."""
        with torch.inference_mode():
            rows = [
                self._network(torch.from_numpy(picture.transpose(2, 0, 1).copy())[None])
                for picture in pictures
            ]
        return np.asarray(torch.cat(rows).numpy(), np.float64)


class StandIn:
    """A small convolutional network with seeded random weights: features without any download.

    Random networks tell sets of pictures apart without knowing anything of objects (Naeem et al.
    2020, section 5). Each of three stages (convolution, ReLU, half the size) gives the means and
    deviations of its channels. With the mean colour, a random projection brings them to 64
    dimensions. The first stage's kernels sum to 0: it sees contrasts, which colours would drown.
    Distances compare engines on one protocol; they have nothing to do with published FIDs.
    """

    def __init__(self, seed: int = STAND_IN_SEED) -> None:
        # NumPy keeps the stream of this old generator as it is, in all versions (NEP 19).
        random = np.random.RandomState(seed)
        self._stages: list[Tensor] = []
        before = 3
        for width in _WIDTHS:
            kernel = random.standard_normal((width, before, 3, 3))
            if not self._stages:
                kernel -= kernel.mean(axis=(1, 2, 3), keepdims=True)
            kernel *= np.sqrt(2 / (9 * before))
            self._stages.append(torch.from_numpy(kernel.astype(np.float32)))
            before = width
        many = 3 + 2 * sum(_WIDTHS)
        scale = 1 / np.sqrt(STAND_IN_DIMENSIONS)
        self._projection = random.standard_normal((many, STAND_IN_DIMENSIONS)) * scale

    def __call__(self, pictures: Sequence[Rgb]) -> NDArray[np.float64]:
        """float64 (pictures, 64); pictures are brought to 128 x 128 first (bilinear)."""
        rows = [
            self._features(torch.cat([_sized(picture) for picture in pictures[i : i + _BATCH]]))
            for i in range(0, len(pictures), _BATCH)
        ]
        return np.asarray(np.concatenate(rows) @ self._projection)

    def _features(self, batch: Tensor) -> NDArray[np.float64]:
        values, found = batch, [batch.mean(dim=(2, 3))]
        with torch.inference_mode():
            for kernel in self._stages:
                padded = functional.pad(values, (1, 1, 1, 1), mode="reflect")
                values = functional.relu(functional.conv2d(padded, kernel))
                found += [values.mean(dim=(2, 3)), values.std(dim=(2, 3))]
                values = functional.avg_pool2d(values, 2)
        return torch.cat(found, dim=1).numpy().astype(np.float64)


def _tensor(picture: Rgb) -> Tensor:
    """float32 (1, 3, height, width) in [0, 1]."""
    return torch.from_numpy(picture.transpose(2, 0, 1)[None] / np.float32(255))


def _sized(picture: Rgb) -> Tensor:
    size = (STAND_IN_SIDE, STAND_IN_SIDE)
    found = functional.interpolate(
        _tensor(picture), size=size, mode="bilinear", align_corners=False, antialias=True
    )
    return found * 2 - 1
