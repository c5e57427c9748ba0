"""Segmentation: each class in its colour of ADE20K's palette, as the ControlNets are trained."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from transformers import AutoModelForSemanticSegmentation

from genimg_ui.backend.base import Rgb
from genimg_ui.backend.control.library import ade_palette
from genimg_ui.backend.control.network import Network
from genimg_ui.backend.control.vision import FILES, Vision, loader

_COLOURS = np.asarray(ade_palette(), np.uint8)


def _draw(vision: Vision, image: Rgb, values: Mapping[str, float]) -> Rgb:
    outputs = vision.see(image, int(values["detect_resolution"]))
    found = vision.processor.post_process_semantic_segmentation(
        outputs, target_sizes=[image.shape[:2]]
    )
    classes = found[0].cpu().numpy()
    if int(classes.max()) >= len(_COLOURS):
        raise ValueError(f"its classes must be the {len(_COLOURS)} of ADE20K, got {classes.max()}")
    return np.asarray(_COLOURS[classes], np.uint8)


NETWORKS: Mapping[str, Network] = MappingProxyType(
    {
        "upernet": Network(
            files=FILES,
            load=loader(AutoModelForSemanticSegmentation),
            draw=_draw,
            library="transformers",
            sharp=True,
        )
    }
)
