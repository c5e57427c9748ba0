"""What completion networks are made of.

Tensors are (N, channels, height, width), pictures in [0, 1], holes 1 = fill, 0 = known.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

RELAXATIONS = 4  # at each size; more bring the fill hardly nearer to the membrane


def smooth_fill(image: Tensor, hole: Tensor) -> Tensor:
    """The picture with its hole filled by coarser and coarser means of what is known.

    `image` is (N, C, H, W), `hole` (N, 1, H, W) of 0 and 1. Pull-push on a masked pyramid
    (Gortler et al. 1996); known pixels stay as they are, a picture without any becomes 0.
    """
    return _pull_push(image * (1 - hole), 1 - hole)


def _pull_push(values: Tensor, known: Tensor) -> Tensor:
    height, width = values.shape[-2:]
    if height == 1 and width == 1:
        return values
    down, across = height % 2, width % 2
    padded = functional.pad(torch.cat([values * known, known], 1), (0, across, 0, down))
    sums = functional.avg_pool2d(padded, 2) * 4
    count = sums[:, -1:]
    coarse = _pull_push(sums[:, :-1] / count.clamp_min(1), (count > 0).to(values.dtype))
    fine = functional.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)
    filled = torch.where(known > 0, values, fine[..., :height, :width])
    for _ in range(RELAXATIONS):
        around = functional.avg_pool2d(functional.pad(filled, (1, 1, 1, 1), mode="replicate"), 3, 1)
        filled = torch.where(known > 0, values, around)
    return filled


class GatedConv(nn.Module):
    """A convolution whose answer a gate lets through: ReLU(conv(x)) · sigmoid(gate(x)).

    The gate is learnt from the same input, so that what comes of the hole can be told from what
    is known (Yu et al. 2019). It is 1 × 1, as in the light-weight gates of Yi et al. 2020.
    """

    def __init__(self, given: int, made: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.features = nn.Conv2d(given, made, 3, stride, dilation, dilation)
        self.gate = nn.Conv2d(given, made, 1, stride)

    def forward(self, values: Tensor) -> Tensor:
        return functional.relu(self.features(values)) * torch.sigmoid(self.gate(values))


class Spectral(nn.Module):
    """A convolution in the frequency domain, whose field is the whole picture.

    The spectral unit of Chi, Jiang and Mu 2020 ("Fast Fourier Convolution"), as LaMa uses it:
    1 × 1, real FFT, 1 × 1 over real and imaginary parts, inverse FFT, 1 × 1. Always in float32.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.narrow = nn.Conv2d(channels, inner, 1)
        self.mix = nn.Conv2d(2 * inner, 2 * inner, 1)
        self.widen = nn.Conv2d(inner, channels, 1)

    def forward(self, values: Tensor) -> Tensor:
        with torch.autocast(values.device.type, enabled=False):
            inner = functional.relu(self.narrow(values.float())).contiguous()
            spectrum = torch.fft.rfft2(inner, norm="ortho")
            parts = functional.relu(self.mix(torch.cat([spectrum.real, spectrum.imag], 1)))
            real, imaginary = parts.chunk(2, 1)
            mixed = torch.complex(real.contiguous(), imaginary.contiguous())
            back = torch.fft.irfft2(mixed, s=inner.shape[-2:], norm="ortho")
            widened: Tensor = self.widen(inner + back)
        return widened


class Residual(nn.Module):
    """x + gain · conv(gated(x)), with a spectral part where `spectral` says so; no normalisation.

    The small gain keeps a deep stack near the identity at first.
    """

    def __init__(self, channels: int, *, dilation: int = 1, spectral: bool = False) -> None:
        super().__init__()
        self.first = GatedConv(channels, channels, dilation=dilation)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.spectral = Spectral(channels) if spectral else None
        self.gain = nn.Parameter(torch.full((channels, 1, 1), 0.2))

    def forward(self, values: Tensor) -> Tensor:
        inner = self.first(values)
        change: Tensor = self.second(inner)
        if self.spectral is not None:
            change = change + self.spectral(inner)
        return values + self.gain * change
