"""The pictures of a case as small JPEGs inside the page."""

from functools import cache

import numpy as np
from PIL import Image

from genimg_ui.evaluation.folder import MASK, ORIGINAL, EvaluationFolder, file_of
from genimg_ui.history.html_page import data_uri
from genimg_ui.history.thumbs import jpeg

SIDE = 192  # pixels of the longer side: a picture of the published protocol stays as it is
HOLE = (233, 64, 142)  # RGB that photographs hardly have


class Thumbs:
    """Data URIs of originals, holes and results; each file is read once."""

    def __init__(self, folder: EvaluationFolder) -> None:
        self._folder = folder
        self.original = cache(self._original)
        self.hole = cache(self._hole)
        self.result = cache(self._result)

    def _original(self, case: int) -> str:
        return _uri(self._open(case, ORIGINAL))

    def _hole(self, case: int) -> str:
        """The original with its hole in one flat colour."""
        picture, mask = self._open(case, ORIGINAL), self._open(case, MASK).convert("L")
        pixels = np.asarray(picture).copy()
        pixels[np.asarray(mask) > 0] = HOLE
        return _uri(Image.fromarray(pixels))

    def _result(self, case: int, model: str) -> str:
        return _uri(self._open(case, file_of(model)))

    def _open(self, case: int, name: str) -> Image.Image:
        with Image.open(self._folder.picture(case, name)) as image:
            return image.convert("RGB")


def _uri(image: Image.Image) -> str:
    return data_uri(jpeg(image, SIDE))
