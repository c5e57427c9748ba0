"""Depth: near is white, the nearest pixel 255 and the farthest 0, as ControlNets are trained."""

import inspect
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from transformers import AutoModelForDepthEstimation

from genimg_ui.backend.base import Rgb
from genimg_ui.backend.control.edges import in_three
from genimg_ui.backend.control.network import Network
from genimg_ui.backend.control.vision import FILES, Vision, loader

_FLAT = 1e-20  # a picture of one depth becomes black


def _draw(vision: Vision, image: Rgb, values: Mapping[str, float]) -> Rgb:
    outputs = vision.see(image, int(values["detect_resolution"]))
    finish = vision.processor.post_process_depth_estimation
    sizes = [image.shape[:2]]
    # ZoeDepth's processor has added a rim, which it takes away again by the source's size.
    padded = "source_sizes" in inspect.signature(finish).parameters
    found = finish(outputs, **{"source_sizes" if padded else "target_sizes": sizes})
    depth = found[0]["predicted_depth"].float().cpu().numpy().reshape(sizes[0])
    if _in_metres(vision):
        depth = -depth
    low, high = float(depth.min()), float(depth.max())
    scaled = (depth - low) / max(high - low, _FLAT) * 255.0
    return in_three(scaled.clip(0, 255).astype(np.uint8))


def _in_metres(vision: Vision) -> bool:
    """Whether the model tells distances; the others tell disparities, which are large nearby."""
    config = vision.model.config
    metric = getattr(config, "depth_estimation_type", "relative") == "metric"
    return metric or config.model_type == "zoedepth"


NETWORKS: Mapping[str, Network] = MappingProxyType(
    {
        name: Network(
            files=FILES,
            load=loader(AutoModelForDepthEstimation),
            draw=_draw,
            library="transformers",
        )
        for name in ("depth_anything", "midas", "zoe")
    }
)
