"""The pictures of a protocol, as every model gets them."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from genimg_ui.core.image import decode
from genimg_ui.core.picture import Rgb
from genimg_ui.errors import RefusedInput
from genimg_ui.evaluation.protocol import Case, PictureSet


def case_picture(pictures: PictureSet, folder: Path, case: Case) -> Rgb:
    """uint8 RGB (height, width, 3) of a case; raises RefusedInput that names the file.

    With a `side`, the largest centred square is resized to side x side (Lanczos). A picture that
    is smaller than that is refused: enlarged, it would lack what sharpness is measured by.
    """
    try:
        rgb = decode(folder / case.picture).rgb()
    except (RefusedInput, OSError) as error:
        raise RefusedInput(f"{case.picture}: {error}") from error
    if pictures.side is None:
        return np.ascontiguousarray(rgb)
    height, width = rgb.shape[:2]
    if min(height, width) < pictures.side:
        raise RefusedInput(
            f"{case.picture} must have sides of at least {pictures.side} pixels, "
            f"got {width}x{height}.",
            remedy="Lower `pictures.side`, or leave that picture out.",
        )
    size = (pictures.side, pictures.side)
    return np.asarray(ImageOps.fit(Image.fromarray(rgb), size, Image.Resampling.LANCZOS))
