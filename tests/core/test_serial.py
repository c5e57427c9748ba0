import json

import pytest

from genimg_ui.core.geometry import Sides
from genimg_ui.core.request import ControlUnit, EditRequest, SamplingParams
from genimg_ui.core.serial import from_json, to_json


def test_round_trip_through_text() -> None:
    request = EditRequest(
        sampling=SamplingParams(prompt="a ‘quoted’ prompt", seed=7),
        border=Sides(1, 2, 3, 4),
        controls=(ControlUnit(kind="canny"),),
    )
    assert from_json(EditRequest, json.loads(json.dumps(to_json(request)))) == request


def test_missing_keys_take_the_default() -> None:
    assert from_json(EditRequest, {}) == EditRequest()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"sampling": {"seed": "x"}}, "EditRequest.sampling.seed must be int, got 'x'"),
        ({"colour": 1}, "unknown key 'colour'"),
        ({"inpaint": {"fill": "magic"}}, "must be one of original, .*, got 'magic'"),
        ({"controls": [{}]}, r"controls\[0\]"),
        ({"sampling": {"variants": True}}, "must be int"),
        ([], "must be dict"),
    ],
)
def test_a_wrong_record_is_refused_by_name(data, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        from_json(EditRequest, data)
