"""Seeded masks: their numbers are kept, and the same seed draws the same pixels."""

from dataclasses import replace

import numpy as np
import pytest
from skimage.measure import label

from genimg_ui.errors import RefusedInput
from genimg_ui.evaluation.mask_shapes import SHAPES, Blob, Border, MaskShape, Rectangles, Strokes
from genimg_ui.evaluation.masks import case_mask, draw
from genimg_ui.evaluation.protocol import Case, MaskSet, PictureSet, Protocol

SIZES = ((160, 160), (61, 97), (300, 200))


def _share(mask: np.ndarray) -> float:
    return float(np.count_nonzero(mask)) / mask.size


@pytest.mark.parametrize("shape", [kind() for kind in SHAPES], ids=lambda shape: shape.kind)
@pytest.mark.parametrize("size", SIZES)
def test_masks_are_seeded_and_keep_their_cover(shape: MaskShape, size: tuple[int, int]) -> None:
    masks = [draw(shape, seed, *size) for seed in range(20)]
    for seed, mask in enumerate(masks):
        assert mask.shape == size and mask.dtype == np.uint8
        assert set(np.unique(mask)) == {0, 255}
        assert np.array_equal(mask, draw(shape, seed, *size))
        if not isinstance(shape, Border):
            assert shape.cover[0] <= _share(mask) <= shape.cover[1]
    assert len({mask.tobytes() for mask in masks}) > (3 if shape.kind == "border" else 15)


def test_rectangles_have_the_sides_and_the_number_asked_for() -> None:
    one = Rectangles(count=(1, 1), side=(0.3, 0.6), cover=(0.01, 0.5))
    for seed in range(20):
        rows, columns = np.nonzero(draw(one, seed, 160, 160))
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert len(rows) == height * width
        assert 48 <= height <= 96 and 48 <= width <= 96
    many = Rectangles(count=(6, 6), side=(0.05, 0.05), cover=(0.001, 0.5))
    assert max(label(draw(many, seed, 200, 200) > 0, return_num=True)[1] for seed in range(5)) > 3


def test_strokes_scale_with_the_picture_and_their_numbers() -> None:
    thin = Strokes(count=(1, 1), segments=(1, 1), length=(100, 100), width=(4, 4), cover=(0, 1))
    thick = replace(thin, width=(40, 40))
    longer = replace(thin, segments=(5, 5))
    covers = [
        np.mean([_share(draw(shape, seed, 256, 256)) for seed in range(10)])
        for shape in (thin, thick, longer)
    ]
    assert covers[1] > 4 * covers[0] and covers[2] > 2 * covers[0]
    large = np.mean([_share(draw(thin, seed, 1024, 1024)) for seed in range(10)])
    assert large == pytest.approx(covers[0], rel=0.3)


def test_a_blob_without_roughness_is_an_ellipse() -> None:
    calm = Blob(cover=(0.05, 0.08), roughness=0, elongation=0)
    mask = draw(calm, 3, 200, 200)
    rows, columns = np.nonzero(mask)
    assert len(rows) == pytest.approx(np.pi / 4 * np.ptp(rows) * np.ptp(columns), rel=0.08)
    assert abs(int(np.ptp(rows)) - int(np.ptp(columns))) <= 2
    assert label(mask > 0, return_num=True)[1] == 1
    assert not np.array_equal(mask, draw(replace(calm, roughness=0.28), 3, 200, 200))


def test_borders_lie_along_one_allowed_side() -> None:
    for seed in range(10):
        top = draw(Border(share=0.3, sides=("top",)), seed, 100, 50)
        assert np.all(top[:30] == 255) and not np.any(top[30:])
    sides = {draw(Border(), seed, 8, 8).tobytes() for seed in range(40)}
    assert len(sides) == 4


def test_a_cover_that_cannot_be_is_refused() -> None:
    tiny = Rectangles(count=(1, 1), side=(0.1, 0.1), cover=(0.5, 0.6))
    with pytest.raises(RefusedInput, match="rectangles covered 0.5 to 0.6 of a picture of 40x40"):
        draw(tiny, 0, 40, 40)


def test_a_case_draws_the_kind_that_it_names() -> None:
    kinds = (Border(share=0.5, sides=("left",)), Blob())
    protocol = Protocol(version=1, name="n", pictures=PictureSet(), masks=MaskSet(kinds=kinds))
    case = Case(index=0, picture="a", mask_kind="blob", mask_seed=9, prompt="", seed=0)
    assert np.array_equal(case_mask(protocol, case, 64, 96), draw(Blob(), 9, 64, 96))
