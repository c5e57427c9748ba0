"""Takes the step of colour away that a network leaves at the edge of the hole.

Iizuka et al. 2017 blend their result by Poisson's equation; `core.membrane` adds the membrane that
is equal to it.
"""

import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.membrane import edge_membrane

ALONG = 2.0  # pixels: over these the step is averaged along the edge, so that texture stays
Floats = NDArray[np.float32]


def blended(made: Floats, picture: Floats, hole: NDArray[np.bool_]) -> Floats:
    """`made` with a membrane added in the hole that meets the picture around it.

    `made` and `picture` are float32 (h, w, 3) on one scale, `hole` bool (h, w). Known pixels, and
    a hole without any known pixel beside it, stay as they are.
    """
    membrane = edge_membrane(made, picture, hole, along=ALONG)
    return np.asarray(np.where(hole[..., None], made + membrane, made), np.float32)
