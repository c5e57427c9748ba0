"""What the libraries are told so that networks are quantised while their weights are read.

int8, fp8 and int4 are torchao's weight-only methods, nf4 is that of bitsandbytes (Dettmers et al.
2023, arXiv:2305.14314); diffusers and transformers each want a configuration of their own class.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import diffusers
import torch
import transformers
from diffusers import GGUFQuantizationConfig, PipelineQuantizationConfig, TorchAoConfig
from diffusers.quantizers import DiffusersAutoQuantizer
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from genimg_ui.backend.device import Device
from genimg_ui.errors import ModelUnavailable
from genimg_ui.registry import ModelSpec
from genimg_ui.registry.places import Place
from genimg_ui.registry.quantisation import GGUF_PACKAGE, METHODS
from genimg_ui.weights.gguf_header import GGUF

_OF_DIFFUSERS = ("transformer", "unet")
_TORCHAO: Mapping[str, tuple[str, dict[str, Any]]] = {
    "int8": ("Int8WeightOnlyConfig", {}),
    "fp8": ("Float8WeightOnlyConfig", {}),
    # The layout of torch's own kernel: no further library, GPUs from compute capability 8.0.
    "int4": (
        "Int4WeightOnlyConfig",
        {"group_size": METHODS["int4"].group, "int4_packing_format": "tile_packed_to_4d"},
    ),
}


def quantisers(
    spec: ModelSpec, place: Place, device: Device, dtype: torch.dtype
) -> Mapping[str, Any]:
    """Network → the configuration that its reader takes.

    Raises ModelUnavailable where the device cannot calculate so.
    """
    found: dict[str, Any] = {}
    for network, method in spec.quantisation:
        if METHODS[method].gpu and device.name != "cuda":
            raise ModelUnavailable(
                f"{spec.title} cannot be used on {device.name}: the quantisation {method} of its "
                f"{network} calculates on NVIDIA GPUs only; int8 runs everywhere."
            )
        if method == "int4" and dtype is not torch.bfloat16:
            raise ModelUnavailable(
                f"{spec.title} cannot be used: the quantisation int4 of its {network} calculates "
                f"in bfloat16, and this model runs in {str(dtype).removeprefix('torch.')}."
            )
        if method == "nf4" and place.config is not None and network in _OF_DIFFUSERS:
            raise ModelUnavailable(
                f"{spec.title} cannot be used: the quantisation nf4 of its {network} needs the "
                "folder that diffusers has saved, and it is a single file; int8 takes both."
            )
        found[network] = _configured(network, method, dtype)
    if place.main.suffix.lower() == GGUF:
        found["transformer"] = GGUFQuantizationConfig(compute_dtype=dtype)
    return found


def pipeline_option(found: Mapping[str, Any]) -> dict[str, Any]:
    """The argument of a pipeline's `from_pretrained`; none where nothing is quantised."""
    if not found:
        return {}
    return {"quantization_config": PipelineQuantizationConfig(quant_mapping=dict(found))}


def of_file(quantiser: Any) -> Any:
    """What `from_single_file` is told: it takes any file for one that is quantised already."""
    return quantiser if isinstance(quantiser, GGUFQuantizationConfig) else None


def quantise_read(network: Any, quantiser: Any) -> None:
    """Quantise a network that has been read from a single file as it was, by torchao."""
    if not isinstance(quantiser, TorchAoConfig):
        return
    library: Any = importlib.import_module("torchao.quantization")
    library.quantize_(network, quantiser.quant_type)
    network.hf_quantizer = DiffusersAutoQuantizer.from_config(quantiser, pre_quantized=False)


def check_quantised(pipe: Any, spec: ModelSpec) -> None:
    """Raise ModelUnavailable where a network that the entry names is not in the model."""
    for network, method in spec.quantisation:
        if getattr(pipe, network, None) is None:
            raise ModelUnavailable(
                f"{spec.title} has no {network} that could be quantised ({method}): remove it from "
                "`quantisation`."
            )


def libraries(spec: ModelSpec) -> tuple[str, ...]:
    """The packages that take part, for the log."""
    packages = {METHODS[method].package for _, method in spec.quantisation}
    if (spec.file or spec.source).lower().endswith(GGUF):
        packages.add(GGUF_PACKAGE)
    return tuple(sorted(packages))


def is_quantised(network: Any) -> bool:
    """Whether any of its layers is."""
    return getattr(network, "hf_quantizer", None) is not None


def stored(tensor: torch.Tensor) -> Iterator[torch.Tensor]:
    """The tensors that hold a tensor's numbers: itself, or the parts of a quantised one."""
    whole: Any = tensor
    if not is_traceable_wrapper_subclass(whole):
        yield tensor
        return
    names, _ = whole.__tensor_flatten__()
    for name in names:
        part = getattr(whole, name)
        if isinstance(part, torch.Tensor):
            yield from stored(part)


def _configured(network: str, method: str, dtype: torch.dtype) -> Any:
    library: Any = diffusers if network in _OF_DIFFUSERS else transformers
    if method == "nf4":
        return library.BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
        )
    name, options = _TORCHAO[method]
    # Not installed everywhere, and needed by entries that ask for it alone.
    make: Callable[..., Any] = getattr(importlib.import_module("torchao.quantization"), name)
    return library.TorchAoConfig(make(**options))
