"""Runs of variants: planned, queued as ordinary edits, looked at cell by cell, judged, handed on.

Knows nothing of Gradio. A run is known by the id of its group, which its jobs and entries carry.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from genimg_ui.core.geometry import Box, Size
from genimg_ui.core.preflight import repainted_box
from genimg_ui.core.ranking import edge_score
from genimg_ui.core.region import canvas_size
from genimg_ui.core.request import SEED_LIMIT, EditGroup, EditInputs, EditRequest
from genimg_ui.core.sheet import crop_box
from genimg_ui.core.sweep import (
    Cell,
    Past,
    Sweep,
    describe,
    describe_cell,
    estimate_seconds,
    make_cells,
)
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.history.names import new_entry_id
from genimg_ui.history.record import EntryState, LogEntry, ResultRecord
from genimg_ui.history.runs import RunRow, RunTable
from genimg_ui.jobs.queue import Job
from genimg_ui.registry import abilities
from genimg_ui.workspace import Workspace

RECENT = 20  # runs that the page offers
PAST = 30  # ended edits that the estimate looks at
MINUTE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A run that may start: its cells, and how long they will take where that is known."""

    title: str
    cells: tuple[Cell, ...]
    seconds: float | None

    @property
    def sentence(self) -> str:
        """How many pictures, and how long, before anything starts."""
        count = len(self.cells)
        pictures = "1 picture" if count == 1 else f"{count} pictures"
        if self.seconds is None:
            return f"{pictures}; how long is known once this model has made one."
        return f"{pictures}, {_duration(self.seconds)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCell:
    """One cell of a run as it is now; `entry` is also the id of its job."""

    entry: str
    varies: dict[str, str]
    position: int
    state: str
    text: str = ""  # what it is doing, or why there is no picture
    result: ResultRecord | None = None
    binned: bool = False
    gone: bool = False
    starred: bool = False
    approved: bool = False

    @property
    def score(self) -> float | None:
        """How well the edge hides; None where there is no picture."""
        if self.result is None:
            return None
        return edge_score(self.result.report.seam, self.result.report.colour_shift)

    @property
    def ended(self) -> bool:
        return self.state not in ("queued", "running")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as it is now. `crop` is what its cells show of the canvas, in pixels."""

    id: str
    began: str  # ISO 8601, UTC
    title: str
    model: str
    cells: tuple[RunCell, ...]
    crop: Box

    @property
    def over(self) -> bool:
        return all(cell.ended for cell in self.cells)


class Runs:
    """The runs of one workspace's sessions."""

    def __init__(self, workspace: Workspace) -> None:
        self._work = workspace
        self._table = RunTable(workspace.store.database)
        self._crops: dict[str, Box] = {}

    def plan(self, session: str, request: EditRequest, sweep: Sweep, source: Size) -> Plan:
        """What a run would be; raises RefusedInput for what cannot run."""
        if request.sampling.seed is None:
            seed = secrets.randbelow(SEED_LIMIT)
            request = replace(request, sampling=replace(request.sampling, seed=seed))
        models = {spec.id: abilities(spec) for spec in self._work.registry.all()}
        cells = make_cells(request, sweep, models, source, self._work.bounds)
        past = [_past(entry) for entry in self._table.past(session, PAST) if entry.results]
        return Plan(
            title=describe(sweep),
            cells=cells,
            seconds=estimate_seconds([cell.request for cell in cells], past),
        )

    def start(self, session: str, plan: Plan, inputs: EditInputs) -> str:
        """Queue all cells of a plan, or none; the run's id."""
        for name in dict.fromkeys(cell.request.model for cell in plan.cells):
            lack = self._work.lack_of(self._work.registry.get(name))
            if lack:
                raise RefusedInput(lack, remedy="Choose another model.")
        run = new_entry_id()
        parent = self._work.draft(session).parent_of(inputs.source)
        self._work.make_sure_of_room(session, 0)
        edits = [
            (cell.request, replace(inputs, group=group_of(run, index, cell)))
            for index, cell in enumerate(plan.cells)
        ]
        self._work.queue.enqueue_all(session, edits, parent)
        self._work.wake()
        return run

    def recent(self, session: str) -> list[tuple[str, str]]:
        """The newest runs, newest first: id, and what is said of each."""
        known = dict(self._table.recent(session, RECENT))
        groups = (job.inputs.group for job in self._work.queue.active(session)[::-1])
        names = dict.fromkeys(group.id for group in groups if group)
        names |= dict.fromkeys(known)
        found = []
        for name in list(names)[:RECENT]:
            run = self.run(session, name)
            when = run.began[5:16].replace("T", " ")  # month, day, time of day
            found.append((name, f"{when} · {run.title} ({len(run.cells)})"))
        return found

    def newest(self, session: str) -> str | None:
        """The id of the newest run, with or without ended edits."""
        for job in self._work.queue.active(session)[::-1]:
            if job.inputs.group:
                return job.inputs.group.id
        recent = self._table.recent(session, 1)
        return recent[0][0] if recent else None

    def run(self, session: str, run_id: str) -> Run:
        """A run with all its cells; raises UnknownItem where the session has none of that id."""
        rows = self._table.rows(session, run_id)
        jobs = [
            job
            for job in self._work.queue.active(session)
            if job.inputs.group and job.inputs.group.id == run_id
        ]
        if not rows and not jobs:
            raise UnknownItem(f"run {run_id[:40]!r} is not in this session.")
        cells = [_ended_cell(row) for row in rows]
        known = {cell.entry for cell in cells}
        cells += [_active_cell(job) for job in jobs if job.id not in known]
        found: list[LogEntry | Job] = [*(row.entry for row in rows), *jobs]
        first = found[0]
        return Run(
            id=run_id,
            began=rows[0].entry.created if rows else _utc(jobs[0].created),
            title=_title(cells),
            model=first.request.model,
            cells=tuple(_latest(cells)),
            crop=self._crop(run_id, [item.request for item in found], first.inputs),
        )

    def cell(self, session: str, run_id: str, entry_id: str) -> RunCell:
        """One cell; raises UnknownItem."""
        for cell in self.run(session, run_id).cells:
            if cell.entry == entry_id:
                return cell
        raise UnknownItem(f"entry {entry_id[:40]!r} is not in this run.")

    def _crop(self, run_id: str, requests: list[EditRequest], inputs: EditInputs) -> Box:
        """One box for all cells, which have the same picture, mask and border."""
        request = max(requests, key=lambda each: each.mask.grow)
        if run_id not in self._crops:
            try:
                size = self._work.picture(inputs.source).size
                painted = self._work.pictures.mask(inputs.mask)
            except UnknownItem:  # removed since then, with the results
                return Box(0, 0, 1, 1)
            canvas = canvas_size(request, size)
            box = repainted_box(request, size, painted) or Box.of(canvas)
            self._crops[run_id] = crop_box(box, canvas)
        return self._crops[run_id]


def group_of(run: str, position: int, cell: Cell) -> EditGroup:
    """What the edit of a cell says of its run."""
    return EditGroup(id=run, cell=dict(cell.varies), position=position)


def ranked(cells: Sequence[RunCell]) -> list[int]:
    """Indices of the cells by their score, the best first; those without a picture last."""
    scores = [float("inf") if cell.score is None else cell.score for cell in cells]
    return sorted(range(len(cells)), key=lambda index: (scores[index], index))


def fingerprint(run: Run) -> str:
    """Changes when anything does that the page shows of a run."""
    return hashlib.sha256(repr(run).encode()).hexdigest()[:16]


def _past(entry: LogEntry) -> Past:
    """Without the loading of the model, which is done once."""
    seconds = sum(took for stage, took in entry.timings.items() if stage != "load")
    return Past(request=entry.request, seconds=seconds / max(1, len(entry.results)))


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _ended_cell(row: RunRow) -> RunCell:
    entry = row.entry
    return RunCell(
        entry=entry.id,
        varies=dict(entry.group.cell) if entry.group else {},
        position=entry.group.position if entry.group else 0,
        state=str(entry.state),
        text="" if entry.state is EntryState.DONE else entry.error or f"{entry.state}",
        result=entry.results[0] if entry.results else None,
        binned=row.binned,
        gone=row.gone,
        starred=row.marks.starred,
        approved=row.marks.approved,
    )


def _active_cell(job: Job) -> RunCell:
    return RunCell(
        entry=job.id,
        varies=dict(job.inputs.group.cell) if job.inputs.group else {},
        position=job.inputs.group.position if job.inputs.group else 0,
        state=str(job.state),
        text=job.text if job.started else "waiting",
    )


def _latest(cells: Sequence[RunCell]) -> list[RunCell]:
    """One cell for each place: what was run again stands where it stood before."""
    places = {cell.position: cell for cell in cells}
    return [places[position] for position in sorted(places)]


def _title(cells: Sequence[RunCell]) -> str:
    names = list(cells[0].varies)
    if names == ["seed"]:
        count = len(_latest(cells))
        return "1 seed" if count == 1 else f"{count} seeds"
    return " × ".join(describe_cell({name: ""}).strip() for name in names)


def _duration(seconds: float) -> str:
    if seconds < MINUTE:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / MINUTE)} min"
