"""The completion network of Iizuka, Simo-Serra and Ishikawa 2017, table 1.

17 convolutions: down to a quarter of the size, dilations of 2, 4, 8 and 16, and up again.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn


class Iizuka(nn.Module):
    """RGB and mask in, RGB out; batch normalisation and ReLU after each convolution but the last.

    `width` is that of the first layer, 64 in the paper (6.1 million parameters); the others are
    multiples of it. The hole is shown as `mean`, the mean colour of the training pictures.
    """

    multiple: ClassVar[int] = 4

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.mean: Tensor
        self.register_buffer("mean", torch.full((3,), 0.5))
        half, quarter = 2 * width, 4 * width
        self.stages = nn.Sequential(
            _conv(4, width, size=5),
            _conv(width, half, stride=2),
            _conv(half, half),
            _conv(half, quarter, stride=2),
            _conv(quarter, quarter),
            _conv(quarter, quarter),
            *(_conv(quarter, quarter, dilation=dilation) for dilation in (2, 4, 8, 16)),
            _conv(quarter, quarter),
            _conv(quarter, quarter),
            _up(quarter, half),
            _conv(half, half),
            _up(half, width),
            _conv(width, width // 2),
            nn.Sequential(nn.Conv2d(width // 2, 3, 3, padding=1), nn.Sigmoid()),
        )

    def forward(self, image: Tensor, hole: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] and (N, 1, H, W), 1 = fill → (N, 3, H, W) in [0, 1].

        Sides must be multiples of 4; what the picture shows in the hole does not matter.
        """
        shown = torch.where(hole > 0, self.mean.view(1, 3, 1, 1), image)
        made: Tensor = self.stages(torch.cat([shown, hole], 1))
        return made


def _conv(
    given: int, made: int, *, size: int = 3, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    padding = dilation * (size // 2)
    convolution = nn.Conv2d(given, made, size, stride, padding, dilation)
    return nn.Sequential(convolution, nn.BatchNorm2d(made), nn.ReLU())


def _up(given: int, made: int) -> nn.Sequential:
    convolution = nn.ConvTranspose2d(given, made, 4, 2, 1)
    return nn.Sequential(convolution, nn.BatchNorm2d(made), nn.ReLU())
