import numpy as np

from genimg_ui.core.report import changed_pixels, colour_shift, seam_score


def _flat(value: int = 100) -> np.ndarray:
    return np.full((40, 40, 3), value, np.uint8)


def _mask() -> np.ndarray:
    mask = np.zeros((40, 40), np.uint8)
    mask[10:30, 10:30] = 255
    return mask


def test_changed_pixels_count_any_channel_of_any_depth() -> None:
    before = np.zeros((4, 4, 4), np.uint8)
    after = before.copy()
    after[1, 2, 3] = 1
    assert changed_pixels(before, after).nonzero() == (np.array([1]), np.array([2]))
    deep = np.zeros((4, 4), np.uint16)
    assert changed_pixels(deep, deep + np.eye(4, dtype=np.uint16)).sum() == 4


def test_an_untouched_picture_has_no_seam() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    assert abs(seam_score(noise, _mask()) - 1) < 0.25
    assert seam_score(_flat(), _mask()) == 1


def test_a_step_along_the_edge_is_a_seam_and_a_shift() -> None:
    picture = _flat()
    picture[_mask() > 0] = 140
    assert seam_score(picture, _mask()) > 20
    assert 10 < colour_shift(picture, _mask()) < 30
    assert colour_shift(_flat(), _mask()) == 0


def test_a_mask_without_an_edge_scores_neutral() -> None:
    whole = np.full((40, 40), 255, np.uint8)
    assert seam_score(_flat(), whole) == 1
    assert colour_shift(_flat(), whole) == 0
