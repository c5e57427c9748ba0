"""What the coarsest level begins with: an onion peel from the edge inwards, or a given picture.

All write into the level's own pixels; `square` shows them as rows, columns and channels.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.fill import exhaustive, levels, voting
from genimg_ui.core.fill.kernels import CHANNELS, Field, Level
from genimg_ui.core.fill.workers import Workers
from genimg_ui.core.smooth import pull_push

PEEL_SOURCES = 4000  # sources among which the first fill chooses, at most
PEEL_PAIRS = 20_000_000  # its targets × sources, at most: about a second
LEAST_CHOICE = 16
PEEL_DEPTH = 200  # pixels; a deeper hole has no shapes that its edge could decide


def square(level: Level) -> NDArray[np.uint8]:
    """The level's pixels as (h, columns, CHANNELS)."""
    pixels: NDArray[np.uint8] = level.pixels.reshape(level.pixels.shape[0], -1, CHANNELS)
    return pixels


def draw(level: Level, field: Field, rng: np.random.Generator) -> NDArray[np.int32]:
    """Give each target a source by chance; returns the sources that were drawn from, (2, n)."""
    most = min(PEEL_SOURCES, max(LEAST_CHOICE, PEEL_PAIRS // max(1, len(level.ys))))
    choice = _choose(np.argwhere(level.valid), most, rng)
    drawn = choice[:, rng.integers(0, choice.shape[1], len(field.ys))]
    field.ys[:], field.xs[:] = drawn
    return choice


def follow(level: Level, known: NDArray[np.bool_], guide: NDArray[np.uint8], halved: int) -> None:
    """The hole shows the guide, uint8 (h, w, 3) of the crop's size, halved so often."""
    height, width = known.shape
    below, beside = (height << halved) - guide.shape[0], (width << halved) - guide.shape[1]
    even = cv2.copyMakeBorder(guide, 0, below, 0, beside, cv2.BORDER_REPLICATE)
    coarse = cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)
    square(level)[:, :width, :3][~known] = coarse[~known]


def continue_smoothly(level: Level, known: NDArray[np.bool_]) -> None:
    """What is not known yet continues the colours that are."""
    if not known.all():
        colours = square(level)[:, : known.shape[1], :3].astype(np.float32)
        smooth = np.clip(pull_push(colours, known)[~known] + 0.5, 0, 255)
        square(level)[:, : known.shape[1], :3][~known] = smooth


def peel(
    level: Level,
    field: Field,
    known: NDArray[np.bool_],
    choice: NDArray[np.int32],
    workers: Workers,
) -> None:
    """Onion peel (Newson et al. 2014): from the edge inwards, by what is known so far.

    `known` is written to; a hole deeper than PEEL_DEPTH stays as it is.
    """
    depth = np.ceil(levels.hole_depth(~known)).astype(np.int32)
    if depth.max() > PEEL_DEPTH:
        return
    pixels = square(level)
    for layer in range(1, int(depth.max()) + 1):
        ring = depth == layer
        near = cv2.dilate(ring.astype(np.uint8), np.ones((3, 3), np.uint8))
        at = np.nonzero((near > 0) & (level.number >= 0))
        targets = level.number[at]
        workers.run(
            lambda low, high, t=targets: exhaustive.search_known(  # type: ignore[misc]
                level, field, choice, known, t[low:high]
            ),
            len(targets),
        )
        partial = np.full_like(level.number, -1)
        partial[at] = targets
        places = np.stack(np.nonzero(ring)).astype(np.int32)
        out = np.full((places.shape[1], CHANNELS), np.nan, np.float32)
        voting.vote(level._replace(number=partial), field, places, 0.5, out)
        good = ~np.isnan(out[:, 0])
        pixels[places[0, good], places[1, good]] = out[good] + np.float32(0.5)
        known[places[0, good], places[1, good]] = True


def _choose(places: NDArray[np.int64], most: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """At most `most` of the places (n, 2), in raster order, as (2, n)."""
    if len(places) > most:
        places = places[np.sort(rng.choice(len(places), most, replace=False))]
    return np.ascontiguousarray(places.T.astype(np.int32))
