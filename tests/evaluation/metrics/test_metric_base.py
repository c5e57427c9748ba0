"""What is no pair of pictures is refused by name, so that no NaN reaches a metric."""

import numpy as np
import pytest

from genimg_ui.errors import RefusedInput
from genimg_ui.evaluation.metrics.base import Pair, Region
from genimg_ui.evaluation.metrics.catalogue import METRICS

RGB = np.zeros((4, 5, 3), np.uint8)
MASK = np.zeros((4, 5), np.uint8)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"result": np.full((4, 5, 3), np.nan)}, "result of a pair must be uint8 RGB .* float64"),
        ({"original": RGB.astype(np.float32) / 0.1}, "original of a pair must be uint8"),
        ({"original": RGB[..., 0]}, r"original .* got uint8 \(4, 5\)"),
        ({"mask": MASK > 0}, "mask of a pair must be uint8 .* got bool"),
        ({"mask": MASK[:3]}, r"one size .* got \(4, 5\), \(4, 5\) and \(3, 5\)"),
        (
            {"result": RGB[:0], "original": RGB[:0], "mask": MASK[:0]},
            "of at least 1 x 1",
        ),
    ],
)
def test_refuses_other_arrays(given: dict[str, np.ndarray], sentence: str) -> None:
    with pytest.raises(RefusedInput, match=sentence):
        Pair(**({"result": RGB, "original": RGB, "mask": MASK} | given))  # type: ignore[arg-type]


def test_no_stand_in_bears_a_plain_name() -> None:
    titles = [metric.title for metric in METRICS.values()]
    assert len(titles) == len(set(titles))
    for name, metric in METRICS.items():
        assert metric.name == name
        if metric.region is Region.SET:
            assert ("(stand-in " in metric.title) == ("stand_in" in name) == (not metric.needs)
