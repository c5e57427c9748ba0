"""Count what networks hold at their peak, on the published configurations: the factors of
`genimg_ui/registry/memory.py`.

    python benchmarks/activations.py

Tensors are on the device `meta`: they have a size, but no data, so nothing large is needed. What
attention holds inside its kernel is not counted, as flash attention holds next to nothing.
"""

import weakref
from collections.abc import Callable
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLQwenImage,
    FluxTransformer2DModel,
    QwenImageTransformer2DModel,
    SD3Transformer2DModel,
    UNet2DConditionModel,
)
from random_models import XL_UNET
from torch.utils import _pytree
from torch.utils._python_dispatch import TorchDispatchMode

BYTES = 4  # of a number in these networks
TEXT = 512  # tokens of a prompt


class Live(TorchDispatchMode):
    """Adds up what is alive, weights apart, and keeps the peak."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        tensors = (*network.parameters(), *network.buffers())
        self._own = {tensor.untyped_storage()._cdata for tensor in tensors}
        self._alive: dict[int, int] = {}
        self.peak = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        answer = function(*args, **(kwargs or {}))
        for tensor in _pytree.tree_leaves(answer):
            if isinstance(tensor, torch.Tensor):
                self._add(tensor.untyped_storage())
        return answer

    def _add(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key not in self._alive and key not in self._own:
            self._alive[key] = storage.nbytes()
            weakref.finalize(storage, self._alive.pop, key, None)
            self.peak = max(self.peak, sum(self._alive.values()))


def held(network: torch.nn.Module, run: Callable[[], Any]) -> float:
    """Numbers that are alive at the peak of `run`."""
    with torch.no_grad(), Live(network) as live:
        run()
    return live.peak / BYTES


def flash(*places: Any, **named: Any) -> Any:
    """Attention without what its kernel holds."""
    query, _, value = places[:3] if places else (named["query"], None, named["value"])
    return query.new_empty(*query.shape[:-1], value.shape[-1])


def empty(*shape: int) -> torch.Tensor:
    return torch.empty(shape, device="meta")


def built(kind: Any, **config: Any) -> Any:
    with torch.device("meta"):
        return kind(**config).eval()


def unets(side: int) -> None:
    cells = side // 8
    sd15 = built(UNet2DConditionModel, cross_attention_dim=768)
    found = held(sd15, lambda: sd15(empty(1, 4, cells, cells), empty(), empty(1, 77, 768)))
    report("UNet of sd15, for a cell and the first width", side, found / cells**2 / 320)
    sdxl = built(UNet2DConditionModel, **XL_UNET)
    added = {"text_embeds": empty(1, 1280), "time_ids": empty(1, 6)}
    given = (empty(1, 4, cells, cells), empty(), empty(1, 77, 2048))
    found = held(sdxl, lambda: sdxl(*given, added_cond_kwargs=added))
    report("UNet of sdxl, for a cell and the first width", side, found / cells**2 / 320)


def transformers(side: int) -> None:
    tokens, cells = (side // 16) ** 2, side // 8
    flux = built(FluxTransformer2DModel, guidance_embeds=True)
    ids = torch.zeros(tokens, 3, device="meta"), torch.zeros(TEXT, 3, device="meta")
    given = (empty(1, tokens, 64), empty(1, TEXT, 4096), empty(1, 768), empty(1), *ids, empty(1))
    found = held(flux, lambda: flux(*given))
    report("FLUX, for a token and its width", side, found / (tokens + TEXT) / 3072)
    config = {"sample_size": 128, "num_layers": 24, "num_attention_heads": 24}
    config |= {"joint_attention_dim": 4096, "caption_projection_dim": 1536}
    sd3 = built(SD3Transformer2DModel, **config, pooled_projection_dim=2048)
    texts = empty(1, TEXT, 4096), empty(1, 2048), empty(1)
    found = held(sd3, lambda: sd3(empty(1, 16, cells, cells), *texts))
    report("SD3, for a token and its width", side, found / (tokens + TEXT) / 1536)
    qwen = built(QwenImageTransformer2DModel)
    mask = torch.ones(1, TEXT, device="meta", dtype=torch.bool)
    given = (empty(1, tokens, 64), empty(1, TEXT, 3584), mask, empty(1))
    found = held(qwen, lambda: qwen(*given, [[(1, side // 16, side // 16)]]))
    report("Qwen-Image, for a token and its width", side, found / (tokens + TEXT) / 3072)


def autoencoders(side: int) -> None:
    cells = side // 8
    config = {"block_out_channels": (128, 256, 512, 512), "layers_per_block": 2}
    config |= {"down_block_types": ("DownEncoderBlock2D",) * 4}
    plain = built(AutoencoderKL, **config, up_block_types=("UpDecoderBlock2D",) * 4)
    found = held(plain, lambda: plain.decode(empty(1, 4, cells, cells)))
    report("autoencoder, for a pixel and the first width", side, found / side**2 / 128)
    video = built(AutoencoderKLQwenImage)
    found = held(video, lambda: video.decode(empty(1, 16, 1, cells, cells)))
    report("autoencoder of Qwen-Image, for a pixel and its width", side, found / side**2 / 96)


def report(what: str, side: int, factor: float) -> None:
    print(f"{side:5} px  {factor:5.1f}  {what}", flush=True)


if __name__ == "__main__":
    torch.nn.functional.scaled_dot_product_attention = flash
    for pixels in (512, 1024):
        for part in (unets, transformers, autoencoders):
            part(pixels)
