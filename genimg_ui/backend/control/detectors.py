"""The detectors of controlnet-aux that have weights.

Each is loaded from the files that it needs and no others. They are read as tensors only (torch's
`weights_only`), so no file can run code. A detector looks at the picture with its shorter side at
`detect_resolution`, both sides whole multiples of 64.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
import torch

from genimg_ui.backend.base import Rgb
from genimg_ui.backend.control.edges import in_three
from genimg_ui.backend.control.library import controlnet_aux, pred_lines, resize_image
from genimg_ui.backend.control.network import Network


def _load(name: str) -> Callable[[Path], Any]:
    def load(folder: Path) -> Any:
        return getattr(controlnet_aux, name).from_pretrained(str(folder))

    return load


def _draw(**fixed: Any) -> Callable[[Any, Rgb, Mapping[str, float]], Rgb]:
    """Call a detector with its own parameters, the whole numbers among which are flags."""

    def draw(detector: Any, image: Rgb, values: Mapping[str, float]) -> Rgb:
        options = {name: int(value) for name, value in values.items()}
        side = options.pop("detect_resolution")
        map_ = detector(
            image,
            detect_resolution=side,
            image_resolution=side,
            output_type="np",
            **options,
            **fixed,
        )
        return np.asarray(map_, np.uint8)

    return draw


def _draw_segments(detector: Any, image: Rgb, values: Mapping[str, float]) -> Rgb:
    """Straight segments (M-LSD, Gu et al. 2021).

    Not by the detector's own call, which answers every error with an empty map.
    """
    scaled = resize_image(image, int(values["detect_resolution"]))
    height, width = scaled.shape[:2]
    map_ = np.zeros((height, width), np.uint8)
    thresholds = values["thr_v"], values["thr_d"]
    try:
        with torch.no_grad():
            lines = pred_lines(scaled, detector.model, [height, width], *thresholds)
    except IndexError:  # how it says that nothing is straight
        lines = []
    for line in lines:
        left, top, right, bottom = (int(value) for value in line)
        cv2.line(map_, (left, top), (right, bottom), 255, 1)
    return in_three(map_)


def _network(
    name: str, *files: str, sharp: bool = False, draw: Any = None, **fixed: Any
) -> Network:
    return Network(
        files=files,
        load=_load(name),
        draw=draw or _draw(**fixed),
        library="controlnet-aux",
        sharp=sharp,
    )


NETWORKS: Mapping[str, Network] = MappingProxyType(
    {
        "lineart": _network("LineartDetector", "sk_model.pth", "sk_model2.pth"),
        "lineart_anime": _network("LineartAnimeDetector", "netG.pth"),
        "hed": _network("HEDdetector", "ControlNetHED.pth"),
        "hed_scribble": _network("HEDdetector", "ControlNetHED.pth", scribble=True, sharp=True),
        "pidinet": _network("PidiNetDetector", "table5_pidinet.pth"),
        "pidinet_scribble": _network(
            "PidiNetDetector", "table5_pidinet.pth", scribble=True, sharp=True
        ),
        "normalbae": _network("NormalBaeDetector", "scannet.pt"),
        "openpose": _network(
            "OpenposeDetector", "body_pose_model.pth", "hand_pose_model.pth", "facenet.pth"
        ),
        "mlsd": _network("MLSDdetector", "mlsd_large_512_fp32.pth", draw=_draw_segments),
    }
)
