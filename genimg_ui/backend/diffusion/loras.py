"""LoRAs: small weights that are added to a model's own (Hu et al. 2021), here once and for all.

A LoRA lies in a folder or on the hub as one safetensors file. It is fused into the network when
the model is loaded, so that sampling costs nothing more.
"""

from pathlib import Path
from typing import Any

from genimg_ui.errors import ModelUnavailable
from genimg_ui.registry import ModelSpec
from genimg_ui.weights import folders


def attach_lora(pipe: Any, denoiser: Any, spec: ModelSpec) -> Path | None:
    """Add the LoRA of `spec` to the pipeline; the file that was read, None where it has none.

    `denoiser` is the network of the pipeline that it must change.

    Raises ModelUnavailable where the file is absent, or holds nothing for this network.
    """
    if not spec.lora:
        return None
    path = lora_file(spec)
    before = _fingerprint(denoiser)
    pipe.load_lora_weights(path.parent, weight_name=path.name, local_files_only=True)
    pipe.fuse_lora(lora_scale=spec.lora_scale, safe_fusing=True)
    pipe.unload_lora_weights()
    if spec.lora_scale and _fingerprint(denoiser) == before:
        raise ModelUnavailable(
            f"The LoRA {spec.lora} changes nothing of {spec.title}: it was made for another model."
        )
    return path


def lora_file(spec: ModelSpec) -> Path:
    """The one safetensors file of the LoRA of `spec` on this machine."""
    folder = folders.local_folder(spec.lora)
    files = [] if folder is None else sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        raise ModelUnavailable(
            f"The LoRA {spec.lora} of {spec.title} must be a folder on this machine with one "
            f".safetensors file, got {len(files) if folder else 'no folder'}."
        )
    return files[0]


def _fingerprint(denoiser: Any) -> float:
    return float(sum(p.detach().double().abs().sum().item() for p in denoiser.parameters()))
