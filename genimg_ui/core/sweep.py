"""A run of variants: several seeds, or one or two swept parameters, as a list of edits.

Every cell is an ordinary request for one picture, so that each replays by itself. All cells are
checked before any of them is queued.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from genimg_ui.core.geometry import Size
from genimg_ui.core.parameters import PARAMETERS, Value
from genimg_ui.core.request import SEED_LIMIT, EditRequest
from genimg_ui.core.resolve import Abilities, Bounds, resolve, without_guidance
from genimg_ui.core.sweep_values import shown
from genimg_ui.errors import RefusedInput

MAX_AXES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One swept parameter, by its name in the request, with its values in order."""

    parameter: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What varies: the first axis runs along the rows, the second from row to row."""

    axes: tuple[Axis, ...]
    new_seeds: bool = False  # False: the same seed in every cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One picture of a run; `varies` has, for each swept parameter, its value as text."""

    varies: Mapping[str, str]
    request: EditRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """How long one picture of an ended edit took, to estimate those to come."""

    request: EditRequest
    seconds: float  # for one picture


def make_cells(
    request: EditRequest,
    sweep: Sweep,
    models: Mapping[str, Abilities],
    source: Size,
    bounds: Bounds,
) -> tuple[Cell, ...]:
    """The edits of a run, row by row; `request` must have a seed.

    Raises RefusedInput: what is wrong with the axes, or with the first cell that could not run.
    """
    _check_axes(sweep, bounds)
    first = request.sampling.seed
    if first is None:
        raise ValueError("the seed of a run must be drawn before its cells are made")
    request = replace(request, sampling=replace(request.sampling, variants=1))
    rows_first = [[(axis.parameter, value) for value in axis.values] for axis in sweep.axes[::-1]]
    cells: list[Cell] = []
    for combination in product(*rows_first):
        cell = _cell(request, combination[::-1])
        if "model" in cell.varies and cell.request.model in models:
            own = without_guidance(cell.request, models[cell.request.model])
            cell = replace(cell, request=own)  # CFG is of those models that have it
        if sweep.new_seeds:
            seed = (first + len(cells)) % SEED_LIMIT
            cell = replace(cell, request=_seeded(cell.request, seed))
        _check_cell(cell, models, source, bounds)
        cells.append(cell)
    return tuple(cells)


def count_cells(sweep: Sweep) -> int:
    """How many pictures a run makes."""
    count = 1
    for axis in sweep.axes:
        count *= len(axis.values)
    return count


def describe(sweep: Sweep) -> str:
    """A run in a few words: `Denoise × CFG` or `4 seeds`."""
    if [axis.parameter for axis in sweep.axes] == ["seed"]:
        count = len(sweep.axes[0].values)
        return "1 seed" if count == 1 else f"{count} seeds"
    return " × ".join(PARAMETERS[axis.parameter].label for axis in sweep.axes)


def describe_cell(varies: Mapping[str, str]) -> str:
    """What one cell varies, with the labels of the page."""
    pairs = ((PARAMETERS.get(name), value) for name, value in varies.items())
    return ", ".join(f"{parameter.label} {value}" for parameter, value in pairs if parameter)


def estimate_seconds(requests: Sequence[EditRequest], past: Sequence[Past]) -> float | None:
    """Seconds for all `requests`, from the newest past picture of the same model.

    None where a model has made none yet: then nothing is known. `past` has the newest first.
    """
    newest: dict[str, Past] = {}
    for item in past:
        newest.setdefault(item.request.model, item)
    if any(request.model not in newest for request in requests):
        return None
    seconds = 0.0
    for request in requests:
        known = newest[request.model]
        seconds += known.seconds * _work(request) / _work(known.request)
    return seconds


def _work(request: EditRequest) -> float:
    """Model calls of one picture, up to a factor of its model: the steps, twice with guidance."""
    sampling = request.sampling
    steps = max(1.0, sampling.num_inference_steps * sampling.strength)
    for scale in (sampling.guidance_scale, sampling.true_cfg_scale):
        steps *= 1.0 + request.speed.guidance_end if scale > 1 else 1.0
    return steps


def _check_axes(sweep: Sweep, bounds: Bounds) -> None:
    if not 1 <= len(sweep.axes) <= MAX_AXES:
        raise RefusedInput(
            f"A run must vary 1 or {MAX_AXES} parameters, got {len(sweep.axes)}.",
            remedy="Choose what varies.",
        )
    names = [axis.parameter for axis in sweep.axes]
    if len(set(names)) < len(names):
        raise RefusedInput(
            f"The second parameter must be another one than the first, got {names[0]} twice."
        )
    if sweep.new_seeds and "seed" in names:
        raise RefusedInput(
            "The seed varies already as a parameter.", remedy="Switch off a new seed for each."
        )
    count = count_cells(sweep)
    if count > bounds.pictures_of_run:
        made = " × ".join(str(len(axis.values)) for axis in sweep.axes)
        made = made if len(sweep.axes) == 1 else f"{made} = {count}"
        raise RefusedInput(
            f"A run may have at most {bounds.pictures_of_run} pictures, got {made}.",
            remedy="Use fewer values.",
        )


def _cell(request: EditRequest, settings: tuple[tuple[str, Value], ...]) -> Cell:
    for name, value in settings:
        request = PARAMETERS[name].put(request, value)
    return Cell(varies={name: shown(value) for name, value in settings}, request=request)


def _check_cell(cell: Cell, models: Mapping[str, Abilities], source: Size, bounds: Bounds) -> None:
    """Refuse what could not run, and a parameter that the cell's model does not use."""
    abilities = models.get(cell.request.model)
    if abilities is None:
        known = ", ".join(models)
        raise RefusedInput(f"model must be one of {known}, got {cell.request.model!r}.")
    for name in cell.varies:
        lack = PARAMETERS[name].lack(cell.request, abilities)
        if lack:
            raise RefusedInput(lack, remedy="Vary something else, or choose another model.")
    try:
        resolve(cell.request, abilities, source, bounds, drawn_seed=0)
    except RefusedInput as problem:
        where = describe_cell(cell.varies)
        raise RefusedInput(f"With {where}: {problem.sentence}", remedy=problem.remedy) from problem


def _seeded(request: EditRequest, seed: int) -> EditRequest:
    return replace(request, sampling=replace(request.sampling, seed=seed))
