"""The canvas of an edit, and which of its pixels are repainted, for every task alike."""

from dataclasses import replace

import numpy as np

from genimg_ui.core.geometry import Box, Size
from genimg_ui.core.mask import Mask, Masks, make_masks
from genimg_ui.core.outpaint import expand_mask, inner_box
from genimg_ui.core.request import EditInputs, EditRequest, Region


def canvas_size(request: EditRequest, source: Size) -> Size:
    """Size of the result: the source with its border, or enlarged by `upscale`."""
    if request.upscale > 1:
        return Size(source.width * request.upscale, source.height * request.upscale)
    return request.border.expand(source)


def source_size(request: EditRequest, canvas: Size) -> Size:
    """The inverse of `canvas_size`."""
    if request.upscale > 1:
        return Size(canvas.width // request.upscale, canvas.height // request.upscale)
    left, top, right, bottom = request.border
    return Size(canvas.width - left - right, canvas.height - top - bottom)


def source_box(request: EditRequest, source: Size) -> Box:
    """Where the source lies on the canvas; an enlarged one fills it."""
    if request.upscale > 1:
        return Box.of(canvas_size(request, source))
    return inner_box(source, request.border)


def canvas_box(request: EditRequest) -> Box | None:
    """The context box that was drawn by hand, on the canvas; None where there is none."""
    box, border = request.inpaint.box, request.border
    return None if box is None else box.moved(border.left, border.top)


def canvas_anchor(request: EditRequest) -> tuple[int, int] | None:
    """Where the source's top left lies on the canvas, if the context box is held to it."""
    border = request.border
    return (border.left, border.top) if request.inpaint.anchor_context else None


def canvas_masks(request: EditRequest, source: Size, painted: Mask | None, *, soft: bool) -> Masks:
    """Denoise and composite mask of the canvas, uint8, 255 = repaint.

    `painted` is the mask of the source (None: nothing is painted), `soft` whether the engine
    honours partial strength, as in `make_masks`. Where the whole picture is repainted, both are
    255 everywhere: nothing is locked, and neither grow nor feather counts.
    """
    if request.region is Region.WHOLE:
        canvas = canvas_size(request, source)
        whole = np.full((canvas.height, canvas.width), 255, np.uint8)
        return Masks(whole, whole)
    if painted is None:
        painted = np.zeros((source.height, source.width), np.uint8)
    masks = make_masks(painted, request.mask, soft=soft)
    return Masks(*(expand_mask(mask, request.border) for mask in masks))


def inputs_for(request: EditRequest, inputs: EditInputs) -> EditInputs:
    """What the request takes of what a canvas shows: no mask for the whole picture."""
    return replace(inputs, mask=None) if request.region is Region.WHOLE else inputs
