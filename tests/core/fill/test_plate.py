"""The thin plate: slopes go on, the band and the range are kept, and cancelling is quick."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from genimg_ui.core.fill import exemplar, plate, recipe
from genimg_ui.core.request import FillMode
from genimg_ui.core.smooth import pull_push

SIZE = 64


def never() -> None:
    return None


def hole(side: int) -> NDArray[np.bool_]:
    mask = np.zeros((SIZE, SIZE), np.bool_)
    low = (SIZE - side) // 2
    mask[low : low + side, low : low + side] = True
    return mask


def hill() -> NDArray[np.float32]:
    """A smooth bump, highest in the middle: its slopes arrive at any hole there."""
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2
    bump = 40 + 200 * np.exp(-(x * x + y * y) / (2 * 22.0**2))
    return np.repeat(bump[..., None], 3, axis=2).astype(np.float32)


def followed(values: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    return plate.correction(values, plate.around(values, mask, 6.0, never), mask, 6.0)


def away(values: NDArray[np.float32], truth: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    return float(np.abs(values - truth)[mask].mean())


def test_slopes_go_on_where_a_membrane_would_flatten_them() -> None:
    truth, mask = hill(), hole(16)
    dark = np.where(mask[..., None], np.float32(0), truth)
    dark[0, 0] = 255  # the range of the known values allows the top
    found = plate.continued(dark, ~mask, 20.0, never)
    assert np.array_equal(found[~mask], dark[~mask])
    assert away(found, truth, mask) < 0.4 * away(pull_push(dark, ~mask), truth, mask)


def test_the_range_of_the_known_values_is_kept() -> None:
    mask = hole(24)
    values = np.where(mask[..., None], np.float32(0), hill())
    found = plate.continued(values, ~mask, 20.0, never)
    assert found[mask].max() <= values[~mask].max()
    assert found[mask].min() >= values[~mask].min()


def test_a_fill_that_is_right_stays_and_belief_falls_with_the_depth() -> None:
    mask = hole(30)
    flat = np.full((SIZE, SIZE, 3), 90, np.float32)
    assert not followed(flat, mask).any()
    wrong = flat.copy()
    wrong[mask] = 110
    added = np.zeros(flat.shape, np.float32)
    added[mask] = followed(wrong, mask)
    middle = SIZE // 2
    edge = int(np.nonzero(mask[middle])[0][0])
    near, far = added[middle, edge + 2, 0], added[middle, middle, 0]
    assert -20 <= near < -10
    assert abs(far) < 0.2 * abs(near)


def test_detail_stays() -> None:
    mask = hole(30)
    values = np.full((SIZE, SIZE, 3), 90, np.float32)
    y, x = np.mgrid[:SIZE, :SIZE]
    checks = np.where((x + y) % 2, 20, -20)[..., None]
    values += np.where(mask[..., None], checks, 0).astype(np.float32)
    inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    added = np.zeros(values.shape, np.float32)
    added[mask] = followed(values, mask)
    assert np.abs(added[inner]).max() < 5, "the mean of a fine pattern is right already"


def test_the_token_is_asked_after_each_share_of_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    def count() -> None:
        nonlocal asked
        asked += 1

    mask = hole(40)
    values = hill()
    monkeypatch.setattr(plate, "MOST_EXACT", 0)
    plate.continued(values, ~mask, 100.0, count)
    few, asked = asked, 0
    monkeypatch.setattr(plate, "AT_ONCE", 2 * int(mask.sum()))
    in_shares = plate.continued(values, ~mask, 100.0, count)
    assert asked >= few + plate.ROUNDS // 2 - 1, "two rounds at once on the finest scale"
    monkeypatch.setattr(plate, "AT_ONCE", 600_000)
    assert np.array_equal(in_shares, plate.continued(values, ~mask, 100.0, never))


def test_balanced_follows_the_slopes(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, mask = hill().astype(np.uint8), hole(24)
    with_slopes = exemplar.fill(truth, mask, seed=1, mode=FillMode.BALANCED)
    without = replace(recipe.RECIPES[FillMode.BALANCED], slope=0.0)
    monkeypatch.setitem(recipe.RECIPES, FillMode.BALANCED, without)
    plain = exemplar.fill(truth, mask, seed=1, mode=FillMode.BALANCED)
    floats = [picture.astype(np.float32) for picture in (with_slopes, plain, truth)]
    assert away(floats[0], floats[2], mask) < 0.8 * away(floats[1], floats[2], mask)
