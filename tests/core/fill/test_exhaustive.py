"""The exact search: the first of the nearest sources, as plain NumPy finds it."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from genimg_ui.core.fill import exhaustive
from genimg_ui.core.fill.kernels import AREA, CHANNELS, FAR, RADIUS, Field, Level, Prior

HEIGHT, WIDTH, TILE = 48, 60, 12
Places = NDArray[np.int32]


@pytest.fixture(params=[0, 1, 2])
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    return np.random.default_rng(request.param)


def places(rng: np.random.Generator, count: int) -> Places:
    rows = rng.integers(RADIUS, HEIGHT - RADIUS, count)
    return np.stack([rows, rng.integers(RADIUS, WIDTH - RADIUS, count)]).astype(np.int32)


def level_of(
    rng: np.random.Generator, targets: Places, kinds: int, *, summed: bool = False
) -> Level:
    """One tile again and again, so that many sources are equally near."""
    tile = rng.integers(0, 256, (TILE, TILE, CHANNELS)).astype(np.uint8)
    pixels = np.tile(tile, (HEIGHT // TILE, WIDTH // TILE, 1)).reshape(HEIGHT, -1)
    number = np.full((HEIGHT, WIDTH), -1, np.int32)
    number[targets[0], targets[1]] = np.arange(targets.shape[1])
    foreign = rng.integers(0, 2000, (targets.shape[1] if kinds else 0, kinds)).astype(np.int32)
    share = rng.integers(0, 256, (TILE, TILE, kinds)).astype(np.uint8)
    shares = np.tile(share, (HEIGHT // TILE, WIDTH // TILE, 1))
    valid = np.ones((HEIGHT, WIDTH), np.bool_)
    sums = np.zeros((1, 1, 3), np.uint16)
    if summed:
        colours = np.ascontiguousarray(pixels.reshape(HEIGHT, WIDTH, CHANNELS)[..., :3])
        window = (2 * RADIUS + 1, 2 * RADIUS + 1)
        sums = cv2.boxFilter(colours, cv2.CV_32S, window, normalize=False).astype(np.uint16)
    return Level(pixels, sums, valid, number, targets[0], targets[1], Prior(shares, foreign))


def field_of(sources: Places, count: int) -> Field:
    return Field(
        np.full(count, sources[0, -1], np.int32),
        np.full(count, sources[1, -1], np.int32),
        np.full(count, FAR, np.int32),
        np.ones((count, 3), np.int16),
        np.ones(count, np.float32),
    )


def patch(level: Level, y: int, x: int) -> NDArray[np.int64]:
    cut = level.pixels.reshape(HEIGHT, WIDTH, CHANNELS)
    return cut[y - RADIUS : y + RADIUS + 1, x - RADIUS : x + RADIUS + 1].astype(np.int64)


def prior(level: Level, i: int, y: int, x: int) -> int:
    if not len(level.prior.foreign):
        return 0
    return int(level.prior.foreign[i].astype(np.int64) @ level.prior.kinds[y, x])


def shift_of(level: Level, i: int, source: Sequence[int], limit: int) -> NDArray[np.int64]:
    """The mean difference of the colours, rounded and bounded."""
    here, there = patch(level, level.ys[i], level.xs[i]), patch(level, source[0], source[1])
    apart = (here - there)[..., :3].sum((0, 1))
    return np.clip((2 * apart + AREA) // (2 * AREA), -limit, limit)


def cost(level: Level, i: int, source: tuple[int, int], limit: int) -> int:
    """Prior and squared distance after the bounded shift of the colours, which costs a fiftieth."""
    here, there = patch(level, level.ys[i], level.xs[i]), patch(level, *source)
    apart = (here - there)[..., :3].sum((0, 1))
    shift = shift_of(level, i, source, limit)
    gain = int((shift * (2 * apart - AREA * shift)).sum())
    return int(((here - there) ** 2).sum()) - gain + gain // 50 + prior(level, i, *source)


@pytest.mark.parametrize("limit", [0, 12])
@pytest.mark.parametrize("kinds", [0, 2])
@pytest.mark.parametrize("count", [1, 7, exhaustive.CHUNK + 300])
@pytest.mark.parametrize("summed", [False, True])
def test_the_nearest_source_is_found_and_the_first_among_equals(
    rng: np.random.Generator, limit: int, kinds: int, count: int, summed: bool
) -> None:
    targets = np.unique(places(rng, 9), axis=1)
    sources = places(rng, count)
    level = level_of(rng, targets, kinds, summed=summed)
    field = field_of(sources, targets.shape[1])
    exhaustive.search_all(level, field, sources, limit, (0, targets.shape[1]))
    tied = 0
    for i in range(targets.shape[1]):
        costs = [cost(level, i, (y, x), limit) for y, x in sources.T]
        assert field.distance[i] == min(costs)
        nearest = int(np.argmin(costs))
        if costs[-1] == min(costs):  # what the field came with wins over its equals
            nearest = count - 1
        assert (field.ys[i], field.xs[i]) == tuple(sources[:, nearest])
        if limit:
            assert tuple(field.shift[i]) == tuple(shift_of(level, i, sources[:, nearest], limit))
        tied += len({tuple(sources[:, k]) for k in np.flatnonzero(np.equal(costs, min(costs)))}) > 1
    assert count < exhaustive.CHUNK or tied > targets.shape[1] // 2


def test_a_band_is_all_that_is_touched(rng: np.random.Generator) -> None:
    targets, sources = np.unique(places(rng, 9), axis=1), places(rng, 30)
    level = level_of(rng, targets, 0)
    field = field_of(sources, targets.shape[1])
    exhaustive.search_all(level, field, sources, 0, (2, 5))
    assert (field.distance[[0, 1, *range(5, targets.shape[1])]] == FAR).all()
    assert (field.distance[2:5] < FAR).all()


@pytest.mark.parametrize("kinds", [0, 2])
def test_a_peeled_target_is_compared_by_its_known_pixels_alone(
    rng: np.random.Generator, kinds: int
) -> None:
    targets, sources = np.unique(places(rng, 6), axis=1), places(rng, exhaustive.CHUNK + 40)
    level = level_of(rng, targets, kinds)
    known = rng.random((HEIGHT, WIDTH)) < 0.5
    field = field_of(sources, targets.shape[1])
    numbers = np.arange(targets.shape[1])
    exhaustive.search_known(level, field, sources, known, numbers)
    for i in numbers:
        y, x = level.ys[i], level.xs[i]
        here = known[y - RADIUS : y + RADIUS + 1, x - RADIUS : x + RADIUS + 1]
        own = patch(level, y, x)
        costs = [
            int(((own - patch(level, sy, sx)) ** 2)[here].sum())
            + prior(level, i, sy, sx) * int(here.sum()) // AREA
            for sy, sx in sources.T
        ]
        assert field.distance[i] == min(costs) * AREA // max(int(here.sum()), 1)
        assert (field.ys[i], field.xs[i]) == tuple(sources[:, int(np.argmin(costs))])
        assert not field.shift[i].any()
