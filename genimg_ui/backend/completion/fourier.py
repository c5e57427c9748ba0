"""A completion network for a CPU: a U with gated and Fourier convolutions at an eighth of the size.

It paints what is to be added to a smooth fill of the hole, so that an untrained network already
continues colours. Most of its work is done on a grid of 8 × 8 pixels, where Fourier convolutions
see the whole picture (LaMa, Suvorov et al. 2022). Enlarging is bilinear, which draws no
checkerboard.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from genimg_ui.backend.completion.layers import GatedConv, Residual, smooth_fill

DILATIONS = (1, 2, 4)  # of the blocks at an eighth, in turn


class Fourier(nn.Module):
    """RGB and mask in, RGB out.

    `width` is that at half the size; a quarter has twice, an eighth four times as many channels.
    `blocks` are those at an eighth.
    """

    multiple: ClassVar[int] = 8

    def __init__(self, width: int = 32, blocks: int = 8) -> None:
        super().__init__()
        half, quarter, eighth = width, 2 * width, 4 * width
        self.enter = nn.Sequential(GatedConv(4, half, stride=2), Residual(half))
        self.down = nn.Sequential(GatedConv(half, quarter, stride=2), Residual(quarter))
        self.stages = nn.Sequential(
            GatedConv(quarter, eighth, stride=2),
            *(
                Residual(eighth, dilation=DILATIONS[index % len(DILATIONS)], spectral=True)
                for index in range(blocks)
            ),
        )
        self.to_quarter, self.at_quarter = nn.Conv2d(eighth, quarter, 1), Residual(quarter)
        self.to_half, self.at_half = nn.Conv2d(quarter, half, 1), Residual(half)
        self.to_full = nn.Conv2d(half, half // 2, 1)
        first = nn.Conv2d(half // 2 + 4, half // 2, 3, padding=1)
        last = nn.Conv2d(half // 2, 3, 3, padding=1)
        for values in last.parameters():
            nn.init.zeros_(values)
        self.leave = nn.Sequential(first, nn.ReLU(), last)

    def forward(self, image: Tensor, hole: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] and (N, 1, H, W), 1 = fill → (N, 3, H, W), not clipped.

        Sides must be multiples of 8; what the picture shows in the hole does not matter.
        """
        base = smooth_fill(image, hole)
        shown = torch.cat([base * 2 - 1, hole], 1)
        half = self.enter(shown)
        quarter = self.down(half)
        deep = self.stages(quarter)
        quarter = self.at_quarter(quarter + _doubled(self.to_quarter(deep)))
        half = self.at_half(half + _doubled(self.to_half(quarter)))
        full = torch.cat([_doubled(self.to_full(half)), shown.to(half.dtype)], 1)
        change: Tensor = self.leave(full)
        return base + change


def _doubled(values: Tensor) -> Tensor:
    return functional.interpolate(values, scale_factor=2, mode="bilinear", align_corners=False)
