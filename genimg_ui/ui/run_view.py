"""A run as plain JSON values for the part that shows it."""

from genimg_ui.core.parameters import PARAMETERS
from genimg_ui.core.ranking import EXPLAINED
from genimg_ui.core.sheet import MAX_CROP, arrange
from genimg_ui.core.sweep import describe_cell
from genimg_ui.runs import Run, RunCell, ranked
from genimg_ui.ui.views import Json

PROBLEMS = 3  # different ones that are told
Crops = dict[str, str]  # address of the crop by the entry's id, where it is made


def sheet(run: Run, crops: Crops, names: list[tuple[str, str]]) -> Json:
    """What the page shows of a run; `names` are the runs that can be chosen."""
    grid = arrange([cell.varies for cell in run.cells])
    ranks = {index: rank for rank, index in enumerate(ranked(run.cells), 1)}
    items = [
        _item(cell, crops.get(cell.entry, "")) | {"rank": ranks[index], "place": [column, row]}
        for index, (cell, (column, row)) in enumerate(zip(run.cells, grid.places, strict=True))
    ]
    waiting = sum(not cell.ended for cell in run.cells)
    return {
        "run": run.id,
        "title": f"{run.title} · {run.model}",
        "columns": list(grid.columns),
        "rows": list(grid.rows),
        "crop": list(run.crop.size),
        "note": _note(run),
        "explained": EXPLAINED,
        "waiting": waiting,
        "items": items,
        "names": [list(name) for name in names],
        "download": None,
    }


def ended(run: Run) -> Json:
    """How a run ended, in one line, with what kept cells from their pictures below."""
    done = sum(cell.result is not None for cell in run.cells)
    total = len(run.cells)
    problems = dict.fromkeys(cell.text for cell in run.cells if cell.state == "failed")
    noun = "picture" if total == 1 else "pictures"
    return {
        "kind": "done" if done == total else "warning",
        "text": f"The run has ended with {done} of {total} {noun}.",
        "findings": [{"sentence": text, "remedy": None} for text in list(problems)[:PROBLEMS]],
    }


def _item(cell: RunCell, crop: str) -> Json:
    report = cell.result.report if cell.result else None
    scores = "" if report is None else f"edge {report.seam:.2f} · colours {report.colour_shift:.1f}"
    return {
        "entry": cell.entry,
        "label": _short(cell),
        "title": describe_cell(cell.varies),
        "state": cell.state,
        "text": cell.text,
        "crop": crop,
        "seed": "" if cell.result is None else str(cell.result.seed),
        "scores": scores,
        "score": None if cell.score is None else f"{cell.score:.2f}",
        "approved": cell.approved,
        "starred": cell.starred,
        "binned": cell.binned,
        "gone": cell.gone,
    }


def _short(cell: RunCell) -> str:
    """The varied values; of one parameter with its name, since no heading says it."""
    if len(cell.varies) == 1:
        return describe_cell(cell.varies)
    known = [value for name, value in cell.varies.items() if name in PARAMETERS]
    return " · ".join(known)


def _note(run: Run) -> str:
    width, height = run.crop.size
    if max(width, height) < MAX_CROP:
        return f"{width} × {height} px around the mask"
    return f"the middle {width} × {height} px of the mask"
