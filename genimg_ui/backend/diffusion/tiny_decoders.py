"""Tiny autoencoders for previews (TAESD): small networks that decode in a hundredth of the time."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray

from genimg_ui.backend.device import Device
from genimg_ui.backend.diffusion.guarded import guarded
from genimg_ui.errors import ModelUnavailable
from genimg_ui.registry import ModelSpec
from genimg_ui.weights import folders
from genimg_ui.weights.fetch import Kind, OnFetching, Wanted, fetch

MAX_SIDE = 512  # pixels of a preview; latents beyond it are shrunk before they are decoded


class TinyDecoder:
    """Turns unfinished latents of one model into a picture."""

    def __init__(self, network: Any) -> None:
        self._network = network

    @torch.no_grad()
    def draw(self, latents: torch.Tensor) -> NDArray[np.uint8]:
        """The picture of one sample (channels, rows, columns): uint8 RGB, at most 512 a side."""
        first = next(self._network.parameters())
        sample = torch.nan_to_num(latents.float())[None]
        sample = sample / sample.std().clamp(min=1.0)  # sigma-scaled samplers start far above 1
        cells = MAX_SIDE // self._factor()
        shrink = cells / max(sample.shape[-2:])
        if shrink < 1:
            sample = torch.nn.functional.interpolate(sample, scale_factor=shrink, mode="area")
        drawn = self._network.decode(sample.to(first.device, first.dtype)).sample[0]
        unit = drawn.float().clamp(-1, 1) / 2 + 0.5
        pixels: NDArray[np.uint8] = (unit * 255).round().byte().permute(1, 2, 0).cpu().numpy()
        return pixels

    def _factor(self) -> int:
        return int(2 ** (len(self._network.config.decoder_block_out_channels) - 1))


def read_tiny(
    spec: ModelSpec, channels: int, device: Device, dtype: torch.dtype, watch: OnFetching
) -> TinyDecoder | None:
    """The decoder that the entry names as its `preview`; None where it names none.

    `channels` are those of the model's latents. Raises ModelUnavailable.
    """
    if not spec.preview:
        return None
    folder = _folder(spec, watch)
    what = f"The preview decoder {spec.preview}"

    def read() -> Any:
        return AutoencoderTiny.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, local_files_only=True
        )

    network = guarded(what, folder, read)
    found = network.config.latent_channels
    if found != channels:
        raise ModelUnavailable(
            f"{what} was made for another model than {spec.title}: its latents must have "
            f"{channels} channels, got {found}."
        )
    return TinyDecoder(network.to(device.torch).eval())


def _folder(spec: ModelSpec, watch: OnFetching) -> Path:
    folder = folders.local_folder(spec.preview)
    if folder is None and folders.is_hub_id(spec.preview) and folders.hub_reachable():
        fetch(Wanted(hub_id=spec.preview, kind=Kind.COMPONENT), watch)
        folder = folders.local_folder(spec.preview)
    if folder is None:
        raise ModelUnavailable(
            f"The preview decoder {spec.preview} of {spec.title} is not on this machine: remove "
            "`preview` from its entry, or put it there."
        )
    return folder
