"""Makes a denoiser's own arithmetic faster without changing what it draws, but for rounding.

Channels-last memory and fused projections are for UNets on a GPU. Compiling (torch.compile of
the blocks that repeat) takes minutes once; an entry of models.yaml asks for it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.attention_processor import FusedAttnProcessor2_0

from genimg_ui.backend.device import Device
from genimg_ui.backend.diffusion.quantising import is_quantised
from genimg_ui.core.memory import Offload, Placement
from genimg_ui.core.provenance import ExecutionRecord
from genimg_ui.errors import ModelUnavailable
from genimg_ui.registry import ModelSpec

KERNELS = "TORCHINDUCTOR_CACHE_DIR"  # where torch keeps what it has compiled


@dataclass(frozen=True, slots=True)
class Tuning:
    """What is done to a denoiser once it is loaded."""

    channels_last: bool = False
    fused_qkv: bool = False
    compiled: bool = False
    refiner: bool = False  # the same is done to a refiner

    def words(self) -> str:
        """What the log says."""
        switches = {
            "channels_last": self.channels_last,
            "fused_qkv": self.fused_qkv,
            "compile": self.compiled,
            "refiner too": self.refiner,
        }
        return ", ".join(name for name, on in switches.items() if on) or "none"


def tuning_for(denoiser: Any, spec: ModelSpec, device: Device, offload: Offload) -> Tuning:
    """What suits a denoiser on this device. Fusing holds the attention's weights twice."""
    convolves = _convolves(denoiser)
    on_gpu = device.name == "cuda" and convolves
    return Tuning(
        channels_last=on_gpu,
        fused_qkv=on_gpu and offload is Offload.NONE,
        compiled=spec.compile,
        refiner=bool(spec.refiner) and (on_gpu or spec.compile),
    )


def execution_record(
    placement: Placement, tuning: Tuning, kernels: tuple[str, ...]
) -> ExecutionRecord:
    """What the log keeps of how a look of the model was fitted to the machine."""
    return ExecutionRecord(
        offload=str(placement.offload),
        tiled=placement.tiled,
        halved=placement.halved,
        channels_last=tuning.channels_last,
        fused_qkv=tuning.fused_qkv,
        compiled=tuning.compiled,
        refiner_tuned=tuning.refiner,
        kernels=kernels,
    )


def tuning_of(earlier: ExecutionRecord) -> Tuning:
    """The tuning that an earlier run had."""
    return Tuning(
        earlier.channels_last, earlier.fused_qkv, earlier.compiled, refiner=earlier.refiner_tuned
    )


def possible(denoiser: Any, wanted: Tuning) -> Tuning:
    """What of a tuning this kind of network can have; pixels may depend on each part."""
    convolves = _convolves(denoiser)
    return Tuning(
        channels_last=wanted.channels_last and convolves,
        fused_qkv=wanted.fused_qkv and convolves,
        compiled=wanted.compiled and bool(getattr(denoiser, "_repeated_blocks", None)),
        refiner=wanted.refiner,
    )


def _convolves(denoiser: Any) -> bool:
    unet = hasattr(denoiser, "fuse_qkv_projections") and hasattr(denoiser, "conv_in")
    return unet and not is_quantised(denoiser)  # whose layers stay as they were read


def keep_kernels(folder: Path) -> None:
    """Let this process keep compiled code in `folder`, unless its environment says where."""
    os.environ.setdefault(KERNELS, str(folder))


def tune(denoiser: Any, tuning: Tuning, title: str) -> None:
    """Change a denoiser that has just been loaded.

    Raises ModelUnavailable where its blocks cannot be compiled.
    """
    if tuning.channels_last:
        denoiser.to(memory_format=torch.channels_last)
    if tuning.fused_qkv:
        denoiser.fuse_qkv_projections()
    if not tuning.compiled:
        return
    if not getattr(denoiser, "_repeated_blocks", None):
        raise ModelUnavailable(
            f"compile of {title} must be false: {type(denoiser).__name__} names no blocks that "
            "repeat."
        )
    denoiser.compile_repeated_blocks()


@contextmanager
def unfused(denoiser: Any, tuning: Tuning, *, needed: bool) -> Iterator[None]:
    """While the block runs, projections stand apart: LoRAs and references change single ones.

    References bring attention of their own, so it must begin before they come, and end after
    they have gone.
    """
    if not (needed and tuning.fused_qkv):
        yield
        return
    # diffusers empties the dict that it sets, and would find nothing the next time.
    denoiser.set_attn_processor(dict(denoiser.original_attn_processors))
    try:
        yield
    finally:
        denoiser.set_attn_processor(FusedAttnProcessor2_0())
