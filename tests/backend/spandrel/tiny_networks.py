"""Tiny real networks of spandrel's own architectures, with fixed random weights, as files."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from spandrel.architectures.Compact import Compact
from spandrel.architectures.ESRGAN import ESRGAN
from spandrel.architectures.LaMa import LaMa

__all__ = ["load_file", "make_compact", "make_esrgan", "make_lama", "save_file", "torch"]


def make_compact(path: Path, scale: int = 4) -> None:
    """Looks some 4 pixels far."""
    save(Compact(num_feat=8, num_conv=2, upscale=scale), path, 0.15)


def make_esrgan(path: Path, scale: int = 2) -> None:
    """One block, as Real-ESRGAN has 23; looks some 18 pixels far."""
    save(ESRGAN(num_filters=8, num_blocks=1, scale=scale), path, 0.08)


def make_lama(path: Path) -> None:
    """At its one size, 200 MB: spandrel knows no smaller one."""
    torch.manual_seed(0)
    save_file(LaMa(in_nc=4).eval().state_dict(), path)


def save(network: torch.nn.Module, path: Path, spread: float) -> None:
    """Random weights, small enough that pixels stay between black and white."""
    generator = torch.Generator().manual_seed(3)
    for parameter in network.parameters():
        with torch.no_grad():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * spread)
    save_file(network.state_dict(), path)
