"""The control maps of one crop: those that are drawn from it, and the crops of ready ones."""

from collections.abc import Mapping
from typing import NamedTuple

from genimg_ui.backend.base import CancelToken, ControlInput, Grey, Rgb
from genimg_ui.backend.pool import BackendPool
from genimg_ui.core.annotators import INPAINT
from genimg_ui.core.plan import EditPlan, crop
from genimg_ui.core.request import ControlUnit


class Crops(NamedTuple):
    """What an engine sees of an edit: picture and denoise mask at the working size."""

    image: Rgb
    mask: Grey


def control_input(
    pool: BackendPool,
    unit: ControlUnit,
    ready: Rgb | None,
    plan: EditPlan,
    crops: Crops,
    *,
    cancel: CancelToken | None = None,
) -> ControlInput:
    """A unit with its map at the working size; `ready` is its map of the whole canvas.

    Raises RefusedInput and BackendError (ModelUnavailable where weights are absent).
    """
    hole = crops.mask > 0
    if ready is None:
        return pool.annotate(unit, crops.image, hole, cancel)
    return ControlInput(unit, crop(plan, ready), hole if unit.kind == INPAINT else None)


def control_inputs(
    pool: BackendPool,
    units: tuple[ControlUnit, ...],
    maps: Mapping[int, Rgb],
    plan: EditPlan,
    crops: Crops,
    *,
    cancel: CancelToken,
) -> tuple[ControlInput, ...]:
    """One for each unit, in order; `maps` are the ready ones by the index of their unit.

    Looks at `cancel` before each of them.
    """
    inputs = []
    for index, unit in enumerate(units):
        cancel.check()
        inputs.append(control_input(pool, unit, maps.get(index), plan, crops, cancel=cancel))
    return tuple(inputs)
