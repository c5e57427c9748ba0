"""The exemplar fill: locked pixels, determinism, modes, quality on made pictures, odd input."""

import inspect
from collections import Counter
from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from genimg_ui.core.fill import exemplar, exhaustive, first_fill, plain, plate
from genimg_ui.core.fill.workers import BAND
from genimg_ui.core.request import FillMode
from genimg_ui.errors import RefusedInput

MODES = [mode for mode in FillMode if mode is not FillMode.AUTO]

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def textured(height: int, width: int, seed: int = 0) -> Image:
    """Smoothed noise: every patch is its own."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 1.5).reshape(height, width, 3)
    return np.clip(128 + 150 * smooth, 0, 255).astype(np.uint8)


def bricks(size: int) -> Image:
    """A running bond with a period of 16 × 16 pixels."""
    y, x = np.mgrid[:size, :size]
    mortar = (y % 8 < 2) | ((x + 8 * (y // 8 % 2)) % 16 < 2)
    return np.where(mortar[..., None], [210, 205, 200], [150, 60, 40]).astype(np.uint8)


def centred(size: int, side: int) -> Mask:
    mask = np.zeros((size, size), np.bool_)
    low = (size - side) // 2
    mask[low : low + side, low : low + side] = True
    return mask


def rms(a: Image, b: Image) -> float:
    return float(np.sqrt(np.mean((a.astype(np.float64) - b) ** 2)))


@pytest.mark.parametrize("mode", MODES)
def test_known_pixels_stay_and_the_hole_changes(mode: FillMode) -> None:
    image = textured(90, 70)
    mask = np.zeros((90, 70), np.bool_)
    mask[30:60, 20:45] = True
    image[mask] = (255, 0, 255)
    before = image.copy()
    filled = exemplar.fill(image, mask, seed=3, mode=mode)
    assert filled.shape == image.shape
    assert filled.dtype == np.uint8
    assert np.array_equal(filled[~mask], image[~mask])
    assert np.array_equal(image, before)
    magenta = (filled[mask].astype(int) - [255, 0, 255])[:, :2]
    assert np.abs(magenta).max(axis=1).min() > 40, "the removed colour must not come back"


def test_what_was_under_the_mask_does_not_matter() -> None:
    image, mask = textured(80, 80), centred(80, 30)
    other = image.copy()
    other[mask] = 0
    first = exemplar.fill(image, mask, seed=1, mode=FillMode.BALANCED)
    assert np.array_equal(first, exemplar.fill(other, mask, seed=1, mode=FillMode.BALANCED))


def test_same_seed_same_bytes_on_one_thread_and_on_several() -> None:
    image, mask = textured(150, 150), centred(150, 80)
    results = [
        exemplar.fill(image, mask, seed=5, mode=FillMode.BALANCED, threads=threads)
        for threads in (1, 2, 2, 3)
    ]
    assert all(np.array_equal(a, b) for a, b in pairwise(results))


@pytest.mark.parametrize("mode", MODES)
def test_another_seed_gives_a_visibly_other_fill(mode: FillMode) -> None:
    image, mask = textured(120, 120), centred(120, 50)
    one = exemplar.fill(image, mask, seed=1, mode=mode)
    two = exemplar.fill(image, mask, seed=2, mode=mode)
    assert rms(one[mask], two[mask]) > 4


def test_modes_differ() -> None:
    image, mask = textured(100, 100), centred(100, 40)
    results = [exemplar.fill(image, mask, seed=1, mode=mode) for mode in MODES]
    assert all(rms(a[mask], b[mask]) > 1 for a, b in pairwise(results))


def test_auto_must_be_resolved_before() -> None:
    with pytest.raises(ValueError, match=r"mode must be one of remove, extend.*got auto"):
        exemplar.fill(textured(20, 20), centred(20, 5), seed=0, mode=FillMode.AUTO)


@pytest.mark.parametrize("mode", [FillMode.REMOVE, FillMode.BALANCED, FillMode.EXTEND])
def test_bricks_are_continued(mode: FillMode) -> None:
    image, mask = bricks(128), centred(128, 40)
    filled = exemplar.fill(image, mask, seed=1, mode=mode)
    smooth = plain.telea(image, mask)
    error, blurred = rms(filled[mask], image[mask]), rms(smooth[mask], image[mask])
    assert error < 0.35 * blurred, f"{error=:.1f} {blurred=:.1f}"


def test_texture_stays_as_sharp_as_its_surroundings() -> None:
    image, mask = textured(128, 128), centred(128, 48)

    def sharpness(picture: Image) -> float:
        grey = picture.mean(axis=2).astype(np.float64)
        return float(np.abs(cv2.Laplacian(grey, cv2.CV_64F))[mask].mean())

    filled = exemplar.fill(image, mask, seed=1, mode=FillMode.BALANCED)
    assert sharpness(filled) > 0.7 * sharpness(image)
    assert sharpness(filled) > 2 * sharpness(plain.telea(image, mask))


@pytest.mark.parametrize("mode", MODES)
def test_flat_colour_stays_flat(mode: FillMode) -> None:
    image = np.full((80, 80, 3), (30, 120, 200), np.uint8)
    mask = centred(80, 40)
    image[mask] = 0
    filled = exemplar.fill(image, mask, seed=1, mode=mode)
    assert (filled == (30, 120, 200)).all()


@pytest.mark.parametrize("mode", [FillMode.BALANCED, FillMode.CLOSEST])
def test_gradient_stays_smooth(mode: FillMode) -> None:
    ramp = np.linspace(40, 220, 160)
    image = np.repeat(np.repeat(ramp[None, :, None], 160, 0), 3, 2).astype(np.uint8)
    mask = centred(160, 50)
    filled = exemplar.fill(image, mask, seed=1, mode=mode)
    assert rms(filled[mask], image[mask]) < 3
    steps = np.abs(np.diff(filled[..., 0].astype(int), axis=1))
    assert steps.max() <= 5


class StopNow(Exception):
    pass


def test_cancel_is_asked_often_and_stops_at_once() -> None:
    image, mask = textured(200, 200), centred(200, 90)
    asked = 0

    def count() -> None:
        nonlocal asked
        asked += 1

    exemplar.fill(image, mask, seed=1, mode=FillMode.BALANCED, cancel=count)
    whole, asked = asked, 0
    assert whole > 40

    def stop() -> None:
        count()
        if asked == 20:
            raise StopNow

    with pytest.raises(StopNow):
        exemplar.fill(image, mask, seed=1, mode=FillMode.BALANCED, cancel=stop)
    assert asked == 20


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("pyramid", 3),
        ("_texture", 3),
        ("level_of", 3),
        ("_fill_level", 2),
        ("_finish", 3),
        ("correction", 3),
        ("continued", 5),
    ],
)
def test_serial_steps_over_the_whole_crop_are_cut_by_checks(
    name: str, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On 12 megapixels each such step takes tens of milliseconds."""
    monkeypatch.setattr(plate, "MOST_EXACT", 100)  # as if the hole were a large one
    seen: Counter[str] = Counter()

    def where() -> None:
        seen[inspect.stack(context=0)[2].function] += 1  # whoever called `Workers.check`

    image, mask = textured(100, 100), centred(100, 40)
    exemplar.fill(image, mask, seed=1, mode=FillMode.BALANCED, cancel=where, threads=1)
    assert seen[name] >= least, seen


def test_progress_rises_to_one() -> None:
    told: list[float] = []
    image, mask = textured(100, 100), centred(100, 40)
    exemplar.fill(image, mask, seed=1, mode=FillMode.REMOVE, on_progress=told.append)
    assert len(told) >= 5
    assert all(a <= b for a, b in pairwise(told))
    assert told[-1] == pytest.approx(1.0)


def test_nothing_left_to_copy_is_refused() -> None:
    with pytest.raises(RefusedInput, match=r"Nothing is left to copy from.*64 pixels of 8×8"):
        exemplar.fill(textured(8, 8), np.ones((8, 8), np.bool_), seed=0, mode=FillMode.REMOVE)


def test_wrong_arrays_are_named() -> None:
    image = textured(8, 9)
    with pytest.raises(ValueError, match=r"mask must be bool \(8, 9\), got bool \(9, 8\)"):
        exemplar.fill(image, np.zeros((9, 8), np.bool_), seed=0, mode=FillMode.REMOVE)
    with pytest.raises(ValueError, match=r"image must be uint8 \(h, w, 3\), got float64"):
        exemplar.fill(
            image.astype(np.float64),  # type: ignore[arg-type]  # the point of the test
            np.zeros((8, 9), np.bool_),
            seed=0,
            mode=FillMode.REMOVE,
        )


def _edges_but_a_patch(shape: tuple[int, int]) -> Mask:
    mask = np.ones(shape, np.bool_)
    mask[20:40, 15:38] = False
    return mask


def _islands(shape: tuple[int, int]) -> Mask:
    return np.random.default_rng(1).random(shape) < 0.3


def _mostly(shape: tuple[int, int]) -> Mask:
    mask = np.ones(shape, np.bool_)
    mask[3, 5] = mask[-4, -7] = False
    return mask


def _line(shape: tuple[int, int]) -> Mask:
    mask = np.zeros(shape, np.bool_)
    mask[shape[0] // 2] = True
    return mask


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("make", [_edges_but_a_patch, _islands, _mostly, _line])
def test_odd_masks_leave_no_pixel_unfilled(make, mode: FillMode) -> None:  # type: ignore[no-untyped-def]
    image = textured(64, 60) // 2 + 100  # nothing darker than 100 may appear
    mask = make((64, 60))
    image[mask] = 0
    filled = exemplar.fill(image, mask, seed=1, mode=mode)
    assert np.array_equal(filled[~mask], image[~mask])
    assert filled[mask].min() >= 60


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (2, 2), (6, 6), (7, 7), (7, 200)])
def test_tiny_pictures(size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 90, np.uint8)
    mask = np.zeros(size, np.bool_)
    mask.flat[0 : max(0, mask.size - 1) : 3] = True
    image[mask] = 255
    filled = exemplar.fill(image, mask, seed=1, mode=FillMode.BALANCED)
    assert (filled == 90).all()


def test_no_mask_no_change() -> None:
    image = textured(10, 12)
    filled = exemplar.fill(image, np.zeros((10, 12), np.bool_), seed=0, mode=FillMode.REMOVE)
    assert np.array_equal(filled, image)
    assert filled is not image


@pytest.mark.parametrize("mode", [FillMode.EXTEND, FillMode.REMOVE])
def test_a_small_rest_of_a_large_picture_takes_bounded_work(
    mode: FillMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work is bounded however little is known: sources are drawn, large levels refined only."""
    image = textured(700, 900)
    mask = np.ones((700, 900), np.bool_)
    mask[300:330, 400:440] = False
    image[mask] = 0
    pairs, asked = 0, 0
    search = exhaustive.search_known

    def counted(level, field, sources, known, targets) -> None:  # type: ignore[no-untyped-def]
        nonlocal pairs
        pairs += len(targets) * sources.shape[1]
        search(level, field, sources, known, targets)

    def ask() -> None:
        nonlocal asked
        asked += 1

    monkeypatch.setattr(exhaustive, "search_known", counted)
    filled = exemplar.fill(image, mask, seed=1, mode=mode, cancel=ask, threads=1)
    # Each target is at the edge of about two layers of the onion.
    assert pairs <= 4 * first_fill.PEEL_PAIRS
    passes_over_finest = asked * BAND / mask.sum()
    assert passes_over_finest < 30, "each band is asked for once in a search or vote"
    assert filled[mask].min() > 0


def test_spots_that_lie_apart_are_each_filled() -> None:
    image = textured(600, 600) // 2 + 100
    mask = np.zeros((600, 600), np.bool_)
    for top, left in ((10, 10), (300, 500), (580, 5), (250, 200)):
        mask[top : top + 15, left : left + 12] = True
    image[mask] = 0
    filled = exemplar.fill(image, mask, seed=1, mode=FillMode.REMOVE)
    assert np.array_equal(filled[~mask], image[~mask])
    assert filled[mask].min() >= 60
    alone = mask.copy()
    alone[:, 100:] = False
    other = exemplar.fill(image, alone, seed=1, mode=FillMode.REMOVE)
    corner = np.s_[10:25, 10:22]
    assert np.array_equal(other[corner], filled[corner]), "a far spot does not matter"
