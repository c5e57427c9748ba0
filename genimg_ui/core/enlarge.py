"""Enlarges a picture in its own mode and depth: Lanczos resampling with three lobes.

Resampling invents nothing. It is the canvas that the models of the task Upscale repaint, and a
result of its own.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from genimg_ui.core.geometry import Size
from genimg_ui.core.picture import Picture

_Plane = NDArray[np.float32]  # (height, width)


def enlarged(picture: Picture, factor: int) -> Picture:
    """The picture with `factor` times as many rows and columns; profile and dpi stay.

    8 and 16 bits are computed in float32 and rounded once. Colours are weighted by the alpha
    channel while they are resampled, so that what is invisible does not shine into what is
    visible. Raises ValueError for a factor below 1.
    """
    if factor < 1:
        raise ValueError(f"factor must be 1 or more, got {factor}")
    if factor == 1:
        return picture
    size = Size(picture.size.width * factor, picture.size.height * factor)
    pixels = np.empty((size.height, size.width, *picture.pixels.shape[2:]), picture.pixels.dtype)
    source, target = _planes(picture.pixels), _planes(pixels)
    opacity = source[..., -1].astype(np.float32) if picture.has_alpha else None
    wide = None if opacity is None else _resized(opacity, size)
    for index in range(source.shape[2]):
        plane = source[..., index].astype(np.float32)
        if opacity is None or wide is None:
            target[..., index] = _rounded(_resized(plane, size), pixels.dtype)
        elif index == source.shape[2] - 1:
            target[..., index] = _rounded(wide, pixels.dtype)
        else:
            target[..., index] = _rounded(_weighted(plane, opacity, wide), pixels.dtype)
    return replace(picture, pixels=pixels)


def _planes(pixels: NDArray[Any]) -> NDArray[Any]:
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _weighted(plane: _Plane, opacity: _Plane, wide: _Plane) -> _Plane:
    """Resample premultiplied colours and divide; where all is transparent, the plain colours."""
    size = Size(wide.shape[1], wide.shape[0])
    plain = _resized(plane, size)
    visible = wide >= 1.0  # one level: below it the quotient is noise
    weighted = _resized(plane * opacity, size)
    return np.where(visible, weighted / np.where(visible, wide, np.float32(1)), plain)


def _resized(plane: _Plane, size: Size) -> _Plane:
    return np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.LANCZOS), np.float32)


def _rounded(plane: _Plane, dtype: np.dtype[Any]) -> NDArray[Any]:
    return np.clip(np.rint(plane), 0, np.iinfo(dtype).max).astype(dtype)


def model_notes(picture: Picture) -> tuple[str, ...]:
    """What a model cannot enlarge of a picture, each in a sentence: it works on 8-bit colours."""
    notes = []
    if picture.bits == 16:
        notes.append(
            "The model works in 8 bits per channel: the result has 16, in steps of 8 bits."
        )
    if picture.has_alpha:
        notes.append("The model enlarges the colours; transparency is resampled.")
    return tuple(notes)
