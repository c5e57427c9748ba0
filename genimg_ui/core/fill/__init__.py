"""Fills under the mask: from middle grey to patches of the picture itself.

`image` is uint8 (h, w, 3), `mask` bool (h, w), True = to be filled; every fill returns known
pixels bit-identical.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.fill import exemplar, plain
from genimg_ui.core.request import FillMode, FillUnderMask


def fill(
    image: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    *,
    name: FillUnderMask,
    mode: FillMode,
    seed: int,
    on_progress: Callable[[float], None] | None = None,
    cancel: Callable[[], None] | None = None,
) -> NDArray[np.uint8]:
    """Fill by the method `name`; `mode` matters to the exemplar fill, `seed` to it and noise."""
    match name:
        case FillUnderMask.EXEMPLAR:
            return exemplar.fill(
                image, mask, seed=seed, mode=mode, on_progress=on_progress, cancel=cancel
            )
        case FillUnderMask.TELEA:
            return plain.telea(image, mask)
        case FillUnderMask.BLUR:
            return plain.blur(image, mask)
        case FillUnderMask.NEUTRAL:
            return plain.neutral(image, mask)
        case FillUnderMask.NOISE:
            return plain.noise(image, mask, seed)
        case FillUnderMask.ORIGINAL:
            return image.copy()
