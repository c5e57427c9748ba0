"""The control maps of one crop, drawn one after the other."""

from typing import Any

import numpy as np
import pytest

from genimg_ui.backend.base import CancelToken, ControlInput
from genimg_ui.backend.pool import BackendPool
from genimg_ui.controls import Crops, control_inputs
from genimg_ui.core.geometry import Box, Size
from genimg_ui.core.plan import EditPlan
from genimg_ui.core.request import ControlUnit
from genimg_ui.errors import Cancelled
from tests.editing import photograph

SIZE = Size(40, 30)
PLAN = EditPlan(canvas=SIZE, box=Box.of(SIZE), content=SIZE, working=SIZE)
UNITS = tuple(ControlUnit(kind=kind) for kind in ("canny", "softedge", "scribble"))


class Drawing(BackendPool):
    """Notes what is drawn, and cancels with the map of the kind `until`."""

    def __init__(self, until: str) -> None:
        super().__init__()
        self.token = CancelToken()
        self.drawn: list[str] = []
        self._until = until

    def annotate(self, unit: ControlUnit, *given: Any) -> ControlInput:
        self.drawn.append(unit.kind)
        if unit.kind == self._until:
            self.token.cancel()
        return super().annotate(unit, *given)


def inputs(pool: Drawing) -> tuple[ControlInput, ...]:
    crops = Crops(np.asarray(photograph(*SIZE)), np.zeros((SIZE.height, SIZE.width), np.uint8))
    return control_inputs(pool, UNITS, {}, PLAN, crops, cancel=pool.token)


def test_each_unit_has_its_map_in_order() -> None:
    found = inputs(Drawing(until=""))
    assert [each.unit for each in found] == list(UNITS)
    assert all(each.image.shape == (SIZE.height, SIZE.width, 3) for each in found)


def test_a_cancel_is_heard_between_two_annotators() -> None:
    pool = Drawing(until="softedge")
    with pytest.raises(Cancelled):
        inputs(pool)
    assert pool.drawn == ["canny", "softedge"]
