"""Control maps: what a ControlNet is shown of the picture.

Every annotator takes uint8 RGB (h, w, 3) and returns uint8 RGB of exactly the same size, so
that a map lies on the crop pixel by pixel.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np

from genimg_ui.backend.base import Rgb
from genimg_ui.core.provenance import PartRecord
from genimg_ui.environment import version
from genimg_ui.errors import RefusedInput

# The thresholds of the gradient that the published canny ControlNets were trained around.
CANNY_LOW = 100
CANNY_HIGH = 200


def canny(image: Rgb) -> Rgb:
    """White edges on black (Canny 1986)."""
    edges = cv2.Canny(np.ascontiguousarray(image), CANNY_LOW, CANNY_HIGH)
    return np.repeat(np.asarray(edges, np.uint8)[:, :, None], 3, axis=2)


_ANNOTATORS: Mapping[str, Callable[[Rgb], Rgb]] = MappingProxyType({"canny": canny})
KINDS = tuple(_ANNOTATORS)


def annotate(kind: str, image: Rgb) -> Rgb:
    """The control map of this kind."""
    if kind not in _ANNOTATORS:
        raise RefusedInput(f'control kind must be one of {", ".join(KINDS)}, got "{kind}"')
    return _ANNOTATORS[kind](image)


def record(kind: str) -> PartRecord:
    """What made the control map of this kind, for the log."""
    return PartRecord(role="annotator", name=kind, source="opencv", revision=version("opencv"))
