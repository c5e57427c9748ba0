"""A control map that a person brings, laid on the canvas: the plan crops it like all else."""

import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.enlarge import enlarged
from genimg_ui.core.geometry import Size
from genimg_ui.core.picture import Picture
from genimg_ui.core.region import canvas_size, source_box
from genimg_ui.core.request import EditRequest
from genimg_ui.errors import RefusedInput


def on_canvas(ready: Picture, kind: str, request: EditRequest, source: Size) -> NDArray[np.uint8]:
    """The map as uint8 RGB of the canvas's size (h, w, 3).

    One of the canvas's size is taken as it is. One of the source's size is enlarged with it, and
    black where a border is added: nothing is known there. Others are refused.
    """
    canvas = canvas_size(request, source)
    if ready.size == canvas:
        return ready.rgb()
    if ready.size != source:
        others = "" if canvas == source else f" or as its canvas ({canvas})"
        raise RefusedInput(
            f"The map for {kind} must be as large as the picture ({source}){others}, "
            f"got {ready.size}."
        )
    laid = np.zeros((canvas.height, canvas.width, 3), np.uint8)
    laid[source_box(request, source).slices] = enlarged(ready, request.upscale).rgb()
    return laid
