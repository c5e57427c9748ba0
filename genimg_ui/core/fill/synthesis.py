"""Coarse to fine: search the nearest patches, vote the pixels, again (Wexler et al. 2007).

One `Synthesis` fills the hole of one crop. All arrays have the crop's size or a power of two less.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from genimg_ui.core.fill import blend, exhaustive, first_fill, kernels, levels, seam, voting
from genimg_ui.core.fill.belonging import Taste
from genimg_ui.core.fill.first_fill import square
from genimg_ui.core.fill.kernels import FAR, RADIUS, Field, Level, Search
from genimg_ui.core.fill.recipe import MANY_TARGETS, Recipe, Rounds, rounds_at
from genimg_ui.core.fill.workers import Workers
from genimg_ui.core.smooth import double, pull_push

EXACT_PAIRS = 1_500_000  # targets × sources that are compared one with one
BLOCK = 6  # pixels of the coarsest level: about a patch
TRUST = 1.15  # a patch's say falls by this factor with each pixel of depth
ROUND_SOFTNESS = (0.1, 0.5)  # of the votes on the finest level, and on all others
REACH = 64  # pixels around the best so far in which its random search begins
TRANSFER_RADIUS = 4  # pixels around a carried-over offset that are searched again
PYRAMID_COST = 60.0  # nanoseconds for each pixel of the crop
RING = 2  # width of the ring of known pixels on which the seam is measured


class _State(NamedTuple):
    """A finished level, from which the next finer one starts."""

    level: Level
    field: Field
    smooth: NDArray[np.float32] | None  # (h, w, 3): the smooth fill that anchors colours


class Synthesis:
    """Fills one crop; `tell` receives the share of the work that is done.

    With a `guide`, uint8 (h, w, 3), the coarsest level begins with the colours that it shows in the
    hole, in place of those of the recipe's own first fill.
    """

    def __init__(
        self,
        recipe: Recipe,
        seed: int,
        *,
        workers: Workers,
        tell: Callable[[float], None],
        guide: NDArray[np.uint8] | None = None,
    ) -> None:
        self._recipe = recipe
        self._seed = seed
        self._guide = guide
        self._workers = workers
        self._tell = tell
        self._done = 0.0
        self._taste: Taste | None = None

    def run(self, image: NDArray[np.uint8], hole: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Colours (n, 3) of the hole's pixels in raster order.

        Where the known area holds no whole patch, the guide is the fill; without one, the known
        colours are continued smoothly.
        """
        if not levels.sources(~hole).any():
            if self._guide is not None:
                return np.asarray(self._guide[hole], np.uint8)
            smooth = pull_push(image.astype(np.float32), ~hole)[hole]
            return np.asarray(np.clip(smooth + 0.5, 0, 255), np.uint8)
        check = self._workers.check
        scales = levels.pyramid(image, hole, self._recipe, check)
        if self._recipe.foreign:
            self._taste = Taste(scales, self._recipe.foreign)
        work = [_cost(number, scale) for number, scale in enumerate(scales)]
        start = PYRAMID_COST * hole.size
        whole = sum(work) + start
        state: _State | None = None
        for number in range(len(scales) - 1, -1, -1):
            check()
            self._done = (start + sum(work[number + 1 :])) / whole
            state = self._fill_level(number, scales.pop(), state, work[number] / whole)
        assert state is not None
        return self._finish(state, hole)

    def _fill_level(
        self, number: int, scale: levels.Scale, coarse: _State | None, share: float
    ) -> _State:
        recipe, hole = self._recipe, ~scale.known
        rng = np.random.default_rng((self._seed, number))
        small = hole.size <= 1 << 21
        check = self._workers.check
        sums = recipe.limit > 0 and small
        level = levels.level_of(scale, check, mirror=recipe.mirror, sums=sums)
        if coarse is None:
            level = level._replace(valid=_some_blocks(level.valid, recipe.variety, rng))
        if self._taste is not None:
            level = self._taste.judge(level, number)
        check()
        field = _new_field(level, hole)
        check()
        places = np.stack(np.nonzero(hole)).astype(np.int32)
        pull = recipe.pull(number) if len(level.ys) <= MANY_TARGETS else 0.0
        smooth = self._smooth(scale, coarse, places) if recipe.anchor and pull else None
        if coarse is None:
            self._start(level, field, scale, number, rng)
        else:
            before, valid = (coarse.level, coarse.field), _some_source(level)
            self._workers.run(
                lambda low, high: voting.enlarge(level, field, before, valid, (low, high)),
                len(level.ys),
            )
            self._vote(level, field, places, 0.0 if len(level.ys) > MANY_TARGETS else 0.5)
        rounds = rounds_at(number, len(level.ys))
        for turn in range(rounds.rounds):
            self._match(level, field, rounds, (number, turn))
            last = number == 0 and turn == rounds.rounds - 1
            softness = recipe.final if last else ROUND_SOFTNESS[0 if number == 0 else 1]
            self._vote(level, field, places, softness)
            if smooth is not None:
                _pull(level, places, smooth, pull)
            self._tell(self._done + share * (turn + 1) / rounds.rounds)
        return _State(level, field, smooth)

    def _smooth(
        self, scale: levels.Scale, coarse: _State | None, places: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        known = scale.known
        values = scale.image.astype(np.float32)
        if coarse is None or coarse.smooth is None:
            smooth, rounds = pull_push(values, known), 200
        else:
            wide = double(coarse.smooth, *known.shape)
            smooth, rounds = np.where(known[..., None], values, wide).astype(np.float32), 12
        voting.relax(smooth, places, rounds)
        return smooth

    def _start(
        self, level: Level, field: Field, scale: levels.Scale, number: int, rng: np.random.Generator
    ) -> None:
        """Fill the coarsest level for the first time; it is halved `number` times."""
        choice = first_fill.draw(level, field, rng)
        known = scale.known.copy()
        if self._recipe.peel:
            first_fill.peel(level, field, known, choice, self._workers)
        if self._guide is not None:
            first_fill.follow(level, scale.known, self._guide, number)
        else:
            first_fill.continue_smoothly(level, known)

    def _match(self, level: Level, field: Field, rounds: Rounds, at: tuple[int, int]) -> None:
        number, turn = at
        count, limit = len(level.ys), self._recipe.limit
        if turn < rounds.exact and np.count_nonzero(level.valid) * count < EXACT_PAIRS:
            every = np.ascontiguousarray(np.argwhere(level.valid).T, np.int32)
            self._workers.run(
                lambda low, high: exhaustive.search_all(level, field, every, limit, (low, high)),
                count,
            )
            return
        radius = TRANSFER_RADIUS if count > MANY_TARGETS else min(REACH, max(level.valid.shape))
        for sweep in range(rounds.sweeps):
            seed = self._seed % 65536 + 31 * turn + 977 * number
            search = Search(seed, turn * rounds.sweeps + sweep, radius, limit)
            self._workers.run(
                lambda low, high, s=search: kernels.match(  # type: ignore[misc]
                    level, field, s, low, high
                ),
                count,
                shifted=sweep % 4 >= 2 or turn % 2 == 1,
            )

    def _vote(self, level: Level, field: Field, places: NDArray[np.int32], softness: float) -> None:
        out = self._voted(level, field, places, softness)
        square(level)[places[0], places[1]] = out + np.float32(0.5)

    def _voted(
        self, level: Level, field: Field, places: NDArray[np.int32], softness: float
    ) -> NDArray[np.float32]:
        out = np.asarray(square(level)[places[0], places[1]], np.float32)
        self._workers.run(
            lambda low, high: voting.vote(
                level, field, places[:, low:high], softness, out[low:high]
            ),
            places.shape[1],
        )
        return out

    def _finish(self, state: _State, hole: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """The last votes, with the seam corrected and the slopes at the edge carried on."""
        level, field, check = state.level, state.field, self._workers.check
        pixels = square(level)
        colours = pixels[:, : hole.shape[1], :3][hole].astype(np.float32)
        width = 2 * RING + 1
        near = cv2.dilate(hole.astype(np.uint8), np.ones((width, width), np.uint8)) > 0
        ring = np.stack(np.nonzero(near & ~hole)).astype(np.int32)
        check()
        if ring.shape[1]:
            copied = self._voted(level, field, ring, self._recipe.final)[:, :3]
            misses = pixels[ring[0], ring[1], :3] - copied
            texture, depth = pixels[:, : hole.shape[1], 3:][hole], levels.hole_depth(hole)[hole]
            if self._recipe.short_seam:
                depth = depth * seam.roughness(texture)
            fade = np.power(np.float32(seam.FADE), depth)[:, None]
            check()
            colours += seam.correction(misses, ring, hole, check) * fade
            if self._recipe.slope and len(level.ys) <= MANY_TARGETS:
                values = pixels[:, : hole.shape[1], :3].astype(np.float32)
                values[hole] = colours
                missing = seam.correction(np.abs(misses), ring, hole, check)
                share = seam.unmatched(missing, texture)
                error = blend.error(level, field, hole)
                patches = blend.Filled(values, hole, texture, error, share)
                colours = blend.joined(patches, self._recipe, check)
        check()
        return np.asarray(np.clip(colours + 0.5, 0, 255), np.uint8)


def _cost(number: int, scale: levels.Scale) -> float:
    """About how many nanoseconds a level takes, so that progress moves evenly."""
    hole = int(np.count_nonzero(~scale.known))
    rounds = rounds_at(number, hole)
    each = 300.0 * rounds.sweeps + 700.0
    return 1e6 + 60.0 * scale.known.size + rounds.rounds * (hole * each + 1e6)


def _new_field(level: Level, hole: NDArray[np.bool_]) -> Field:
    count = len(level.ys)
    depth = np.minimum(levels.hole_depth(hole)[level.ys, level.xs], 20.0)
    return Field(
        np.zeros(count, np.int32),
        np.zeros(count, np.int32),
        np.full(count, FAR, np.int32),
        np.zeros((count, 3), np.int16),
        np.power(np.float32(TRUST), -depth).astype(np.float32),
    )


def _some_blocks(
    valid: NDArray[np.bool_], share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """About `share` of the sources, by blocks: another seed has other ones to begin with."""
    rows, columns = (-(-side // BLOCK) for side in valid.shape)
    drawn = rng.random((rows, columns)) < share
    kept = valid & np.kron(drawn, np.ones((BLOCK, BLOCK), np.bool_))[: len(valid), : valid.shape[1]]
    return kept if np.count_nonzero(kept) * 3 > np.count_nonzero(valid) else valid


def _some_source(level: Level) -> tuple[int, int]:
    first = int(np.argmax(level.valid))
    return first // level.valid.shape[1], first % level.valid.shape[1]


def _pull(
    level: Level, places: NDArray[np.int32], smooth: NDArray[np.float32], share: float
) -> None:
    """Move the low frequencies in the hole towards the smooth fill; the detail stays."""
    pixels = square(level)
    width = level.number.shape[1]
    colours = np.ascontiguousarray(pixels[:, :width, :3])
    side = 2 * RADIUS + 1
    low = cv2.blur(colours, (side, side))
    at = (places[0], places[1])
    moved = colours[at] + np.float32(share) * (smooth[at] - low[at])
    pixels[at[0], at[1], :3] = np.clip(moved + 0.5, 0, 255)
