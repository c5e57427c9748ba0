"""Texture for what a network paints: patches of the picture follow it.

A network that is near to what was there on average is blurred where several things could have been
there. Its outlines and colours are a guide for the exemplar fill, which copies sharp patches of the
picture along it, in the crop's own size (as Yang et al. 2017 join a network and patches).
"""

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.backend.base import BackendJob, CancelToken, OnEvent, Preview, Progress, Rgb
from genimg_ui.core.fill import exemplar
from genimg_ui.core.request import FillMode

SIDE = 256  # pixels; a larger crop is reduced to about this side squared for the network
GUIDING = 0.1  # share of the network in the work
FINE = 257  # parts of a level in which means are counted: 255 of them are 16 bits
ENGINE = f"exemplar {exemplar.ENGINE_VERSION}"
Hole = NDArray[np.bool_]


def reduced(image: Rgb, hole: Hole) -> tuple[Rgb, Hole]:
    """What the network sees: uint8 (h, w, 3) and bool (h, w), of about SIDE² pixels at most.

    A smaller pixel is the mean of what is known of it, and part of the hole where that is less than
    half. Of a hole that is nowhere so wide, every pixel that it touches is part; of a crop that is
    nearly all hole, those that are nothing else.
    """
    height, width = hole.shape
    scale = SIDE / np.sqrt(height * width)
    if scale >= 1:
        return image, hole
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    known = np.where(hole, np.uint16(0), np.uint16(FINE))
    share = cv2.resize(known, size, interpolation=cv2.INTER_AREA).astype(np.float32) / FINE
    held = image * known[..., None]
    total = cv2.resize(held, size, interpolation=cv2.INTER_AREA).astype(np.float32) / FINE
    mean = np.clip(total / np.maximum(share, np.float32(1 / FINE))[..., None] + 0.5, 0, 255)
    covered = share < 0.5
    if not covered.any():
        covered = share < 1
    if covered.all():
        covered = share == 0
    return mean.astype(np.uint8), np.asarray(covered)


def as_guide(painted: Rgb, image: Rgb) -> Rgb:
    """What the network saw and painted, at the crop's size."""
    height, width = image.shape[:2]
    if painted.shape == image.shape:
        return painted
    return np.asarray(cv2.resize(painted, (width, height), interpolation=cv2.INTER_LINEAR))


def textured(guide: Rgb, job: BackendJob, on_event: OnEvent, cancel: CancelToken) -> Iterator[Rgb]:
    """For each seed, patches of the crop that follow the guide in the hole."""
    seeds, hole = job.resolved.seeds, np.asarray(job.mask > 0)
    for index, seed in enumerate(seeds):
        cancel.check()
        tell = _teller(index, len(seeds), on_event)
        tell(0.0)
        patch = exemplar.follow(
            job.image,
            hole,
            guide,
            seed=seed,
            outwards=job.resolved.fill_mode is FillMode.EXTEND,
            on_progress=tell,
            cancel=cancel.check,
        )
        on_event(Preview(index, patch))
        yield patch


def _teller(index: int, count: int, on_event: OnEvent) -> Callable[[float], None]:
    """Tells of one variant's progress as of the whole work's."""
    words = f"texture of variant {index + 1} of {count}"

    def tell(share: float) -> None:
        on_event(Progress(GUIDING + (1 - GUIDING) * (index + share) / count, words))

    return tell
