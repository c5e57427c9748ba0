"""The cases of a protocol as inputs of edits: cut, masked and kept in the evaluation's store."""

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from genimg_ui.core.image import decode, decode_mask
from genimg_ui.core.mask import Mask
from genimg_ui.core.picture import Rgb
from genimg_ui.evaluation.folder import MASK, ORIGINAL, EvaluationFolder
from genimg_ui.evaluation.masks import case_mask
from genimg_ui.evaluation.pictures import case_picture
from genimg_ui.evaluation.protocol import Case, Protocol
from genimg_ui.history.store import Store
from genimg_ui.masks import mask_png


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A case with its stored original and mask, by sha256."""

    case: Case
    source: str
    mask: str


class Stage:
    """Puts cases on stage; what lies there from an earlier start is taken as it is."""

    def __init__(
        self, protocol: Protocol, pictures: Path, folder: EvaluationFolder, store: Store
    ) -> None:
        self._protocol = protocol
        self._pictures = pictures
        self._folder = folder
        self._store = store

    def all(self, cases: Sequence[Case], tell: Callable[[int], None]) -> tuple[Staged, ...]:
        """Every case, before the first model runs; raises RefusedInput for a picture that fails."""
        staged = []
        for case in cases:
            staged.append(self._one(case))
            tell(len(staged))
        return tuple(staged)

    def original(self, staged: Staged) -> Rgb:
        """uint8 RGB (height, width, 3) as every model gets it."""
        return decode(self._store.source_path(staged.source)).rgb()

    def mask(self, staged: Staged) -> Mask:
        """uint8 (height, width), 255 = to be filled."""
        return decode_mask(self._store.mask_path(staged.mask))

    def _one(self, case: Case) -> Staged:
        places = [self._folder.picture(case.index, name) for name in (ORIGINAL, MASK)]
        if all(place.is_file() for place in places):
            source, mask = (hashlib.sha256(place.read_bytes()).hexdigest() for place in places)
            return Staged(case=case, source=source, mask=mask)
        picture = case_picture(self._protocol.pictures, self._pictures, case)
        drawn = case_mask(self._protocol, case, *picture.shape[:2])
        source = self._store.put_source(plain_png(picture))
        mask = self._store.put_mask(mask_png(drawn))
        self._folder.put_picture(case.index, ORIGINAL, self._store.source_path(source))
        self._folder.put_picture(case.index, MASK, self._store.mask_path(mask))
        return Staged(case=case, source=source, mask=mask)


def pictures_digests(cases: Sequence[Case], pictures: Path) -> dict[str, str]:
    """sha256 of each picture's file, by its name, in the order of the cases."""
    names = dict.fromkeys(case.picture for case in cases)
    return {name: _sha256(pictures / name) for name in names}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def plain_png(picture: Rgb) -> bytes:
    """The pixels as a PNG without anything else, written fast."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
