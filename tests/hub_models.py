"""Models for the local hub: the layout of diffusers, with weights of any size that mean nothing."""

import json
import struct


def safetensors(size: int) -> bytes:
    """A file in the format's own layout with one tensor of `size` bytes."""
    header = json.dumps({"a": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + (bytes(range(251)) * (size // 251 + 1))[:size]


def pipeline(*, unet_bytes: int = 700_000) -> dict[str, bytes]:
    """A repository of Stable Diffusion as the hub has it, with what nobody needs beside it."""
    parts = {
        "_class_name": "StableDiffusionPipeline",
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["diffusers", "PNDMScheduler"],
        "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
        "image_encoder": [None, None],
    }
    return {
        "model_index.json": json.dumps(parts).encode(),
        "README.md": b"# words",
        "handler.py": b"print('code')",
        "v1-5.ckpt": b"pickle",
        "unet/config.json": b"{}",
        "unet/diffusion_pytorch_model.safetensors": safetensors(unet_bytes),
        "unet/diffusion_pytorch_model.bin": b"pickle",
        "vae/config.json": b"{}",
        "vae/diffusion_pytorch_model.safetensors": safetensors(1000),
        "scheduler/scheduler_config.json": b"{}",
        "safety_checker/config.json": b"{}",
        "safety_checker/model.safetensors": safetensors(500),
    }
