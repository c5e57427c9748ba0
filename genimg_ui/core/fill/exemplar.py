"""Fills a hole with patches of the picture's own known parts: multi-scale PatchMatch.

After Wexler et al. 2007 and Newson et al. 2014 / 2017. `image` is uint8 (h, w, 3), `mask` bool
(h, w), True = to be filled. Known pixels are returned bit-identical. The result depends on the
picture, the mask, the seed and the mode, not on the number of threads.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.fill.recipe import FOLLOW, FOLLOW_OUTWARDS, RECIPES, Recipe
from genimg_ui.core.fill.synthesis import Synthesis
from genimg_ui.core.fill.windows import windows
from genimg_ui.core.fill.workers import Workers, available_threads
from genimg_ui.core.geometry import Size
from genimg_ui.core.request import FillMode
from genimg_ui.errors import RefusedInput

ENGINE_VERSION = "5"  # part of every log line: raised when the same seed gives other pixels
WARM_SIDE = 120  # pixels of the smallest picture that makes three levels, so runs every kernel
LEAST_KNOWN = 1  # pixels that must be left unmasked


def fill(
    image: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    *,
    seed: int,
    mode: FillMode,
    on_progress: Callable[[float], None] | None = None,
    cancel: Callable[[], None] | None = None,
    threads: int | None = None,
) -> NDArray[np.uint8]:
    """Fill the hole; `cancel` is called often and stops the work by raising."""
    if mode not in RECIPES:
        allowed = ", ".join(RECIPES)
        raise ValueError(f"mode must be one of {allowed}, got {mode}")
    task = _Task(image, mask, seed, RECIPES[mode], None)
    return _filled(task, on_progress or _silent, cancel, threads)


def follow(
    image: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    guide: NDArray[np.uint8],
    *,
    seed: int,
    outwards: bool = False,
    on_progress: Callable[[float], None] | None = None,
    cancel: Callable[[], None] | None = None,
    threads: int | None = None,
) -> NDArray[np.uint8]:
    """Fill the hole with patches that follow what `guide` shows there, coarsely.

    `guide` is uint8 (h, w, 3); only its hole matters, and of that what is left at the coarsest
    level. It may be blurred: outlines and colours are its say, texture and sharpness are the
    patches' (after Yang et al. 2017, with a search in the picture itself). `outwards`: the hole is
    a border of the picture.
    """
    if guide.shape != image.shape or guide.dtype != np.uint8:
        raise ValueError(f"guide must be uint8 {image.shape}, got {guide.dtype} {guide.shape}")
    task = _Task(image, mask, seed, FOLLOW_OUTWARDS if outwards else FOLLOW, guide)
    return _filled(task, on_progress or _silent, cancel, threads)


def warm_up() -> None:
    """Compile or load every kernel by filling a tiny picture."""
    ramp = np.add.outer(np.arange(WARM_SIDE), 2 * np.arange(WARM_SIDE)).astype(np.uint8)
    image = np.repeat(ramp[..., None], 3, axis=2)
    mask = np.zeros(ramp.shape, np.bool_)
    third = WARM_SIDE // 3
    mask[third : 2 * third, third : 2 * third] = True
    fill(image, mask, seed=0, mode=FillMode.BALANCED)


def _check(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"image must be uint8 (h, w, 3), got {image.dtype} {image.shape}")
    if mask.shape != image.shape[:2] or mask.dtype != np.bool_:
        raise ValueError(f"mask must be bool {image.shape[:2]}, got {mask.dtype} {mask.shape}")
    if mask.size and mask.all():
        size = Size(image.shape[1], image.shape[0])
        raise RefusedInput(
            f"Nothing is left to copy from: the mask covers all {size.area} pixels of {size}.",
            remedy=f"Leave at least {LEAST_KNOWN} pixel unmasked, or choose a model that paints"
            " from a prompt.",
        )


class _Task(NamedTuple):
    """What is filled, and how."""

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    seed: int
    recipe: Recipe
    guide: NDArray[np.uint8] | None


def _filled(
    task: _Task,
    tell: Callable[[float], None],
    cancel: Callable[[], None] | None,
    threads: int | None,
) -> NDArray[np.uint8]:
    image, mask = task.image, task.mask
    _check(image, mask)
    places = windows(mask) if mask.any() else []
    done, whole = 0, sum(int(window.own.sum()) for window in places)
    filled = []
    with Workers(threads or available_threads(), cancel) as workers:
        for box, own in places:
            share = int(own.sum()) / whole
            part = _Part(done / whole, share, tell)
            crop, hole, guide = image[box.slices], mask[box.slices], None
            if task.guide is not None:
                guide = np.where(hole[..., None], task.guide[box.slices], crop)
            synthesis = Synthesis(task.recipe, task.seed, workers=workers, tell=part, guide=guide)
            colours = synthesis.run(crop, hole)
            filled.append(colours[own[hole]])
            done += int(own.sum())
    out = image.copy()
    for (box, own), colours in zip(places, filled, strict=True):
        out[box.slices][own] = colours
    return out


class _Part:
    """Progress of one window as progress of the whole."""

    def __init__(self, start: float, share: float, tell: Callable[[float], None]) -> None:
        self._start, self._share, self._tell = start, share, tell

    def __call__(self, fraction: float) -> None:
        self._tell(min(1.0, self._start + self._share * fraction))


def _silent(_: float) -> None:
    return None
