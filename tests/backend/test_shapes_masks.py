"""What masks mean to a model whose pictures have a meaning: strength, and noise that stays.

Cases are few, so bounds are loose; docs/masks.md has the figures.
"""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.shapes_cases import Case, Grey, Rgb, add_a_thing, exchange
from benchmarks.shapes_studio import Studio, open_studio

pytestmark = pytest.mark.torch
MODELS = Path(__file__).parents[2] / "models.yaml"
LEVELS = 8  # grey levels within which a pixel counts as the same
BINS = 4


@pytest.fixture(scope="module")
def studio() -> Studio:
    return open_studio(MODELS, "shapes", threads=2)


def grown(mask: Grey, share: float = 1.1) -> Grey:
    """The mask with a rim around it, `share` times as large."""
    away = cv2.distanceTransform(np.where(mask > 0, 0, 255).astype(np.uint8), cv2.DIST_L2, 5)
    enough = np.sort(away.ravel())[round(share * np.count_nonzero(mask))]
    return np.where(away <= enough, 255, 0).astype(np.uint8)


def kept(one: Rgb, other: Rgb, mask: Grey) -> float:
    """Share of the pixels under the mask that are the same within LEVELS in every channel."""
    same = np.abs(one.astype(int) - other).max(axis=2) <= LEVELS
    return float(same[mask > 0].mean())


def paint(studio: Studio, case: Case) -> Rgb:
    return studio.paint(replace(case, guidance_scale=5.0))[0].patch


def test_a_mask_that_grows_by_a_tenth_keeps_most_of_what_was_painted(studio: Studio) -> None:
    same, unlike = [], []
    for case in map(add_a_thing, range(0, 40, 2)):
        first = paint(studio, case)
        wider = paint(studio, replace(case, mask=grown(case.mask)))
        other = paint(studio, replace(case, seed=case.seed + 500))
        same.append(kept(first, wider, case.mask))
        unlike.append(kept(first, other, case.mask))
    assert np.mean(same) >= 0.6
    assert np.mean(same) > np.mean(unlike) + 0.1  # not because everything is alike


def test_a_mask_that_rises_over_the_picture_changes_it_in_proportion(studio: Studio) -> None:
    rising = np.tile(np.linspace(0, 255, 128).astype(np.uint8), (128, 1))
    changes = []
    for index in range(0, 42, 7):
        for turn in (1, -1):  # both ways, so that no strength has the things for itself
            case = replace(exchange(index), mask=np.ascontiguousarray(rising[:, ::turn]))
            change = np.abs(paint(studio, case).astype(int) - case.picture).mean(axis=(0, 2))
            changes.append([float(part.mean()) for part in np.split(change[::turn], BINS)])
    means = np.mean(changes, axis=0)
    assert (np.diff(means) > 0).all(), means
    assert means[0] < 0.35 * means[-1], means
