"""Results that are there, measured as they are: nothing is cut, masked, filled or run again.

A result is held against its own source on its canvas, and against the mask of its paste. There is
no picture of how it should have come out, so only that is measured which needs none
(`catalogue.AS_THEY_ARE`). Results of one source, mask and prompt stand side by side as a case.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from genimg_ui.core.enlarge import enlarged
from genimg_ui.core.geometry import Size
from genimg_ui.core.image import Limits, decode, decode_mask, stored_limits
from genimg_ui.core.mask import Mask
from genimg_ui.core.picture import Rgb
from genimg_ui.core.region import canvas_masks
from genimg_ui.core.resolve import Bounds
from genimg_ui.core.serial import to_json
from genimg_ui.core.sweep import describe_cell
from genimg_ui.core.tasks import Task, task_of
from genimg_ui.errors import RefusedInput
from genimg_ui.evaluation.metrics.base import Pair
from genimg_ui.history.record import LogEntry, ResultRecord
from genimg_ui.history.store import Store

LIMITS = stored_limits(Limits(), Bounds())
# Tasks that repaint something which the source shows; of the others, sets say nothing.
REPAINTING = (Task.INPAINT, Task.IMAGE_TO_IMAGE, Task.UPSCALE)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnResult:
    """A stored result: its entry, its place there, and the case and player it counts as."""

    entry: LogEntry
    index: int
    case: int
    player: str

    @property
    def record(self) -> ResultRecord:
        return self.entry.results[self.index]

    @property
    def task(self) -> Task:
        return task_of(self.entry.request)


def own_results(
    places: Sequence[tuple[LogEntry, int]], *, by_settings: bool = False
) -> tuple[OwnResult, ...]:
    """Each result with its case and player, in the order given, each once.

    Players are models, or with `by_settings` what a run varied. Several results of a player for
    the same source, mask and prompt are cases of their own, the first beside the others' first.
    Raises RefusedInput where there is none, or where an entry has no such result.
    """
    numbers: dict[tuple[str, int], int] = {}
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for entry, index in dict.fromkeys((entry.id, index) for entry, index in places):
        own = next(e for e, _ in places if e.id == entry)
        if not 0 <= index < len(own.results):
            raise RefusedInput(
                f"A result of the entry {entry} must be 0 to {len(own.results) - 1}, got {index}."
            )
        subject, player = _subject(own, by_settings), _player(own, by_settings)
        place = (subject, seen[subject, player])
        seen[subject, player] += 1
        case = numbers.setdefault(place, len(numbers))
        found.append(OwnResult(entry=own, index=index, case=case, player=player))
    if not found:
        raise RefusedInput("There must be results to measure, got none.")
    return tuple(found)


def pair_of(store: Store, own: OwnResult) -> Pair:
    """The result beside its source on the result's canvas, in 8-bit RGB, and the paste's mask.

    A border's original is middle grey. Raises RefusedInput where a file is gone, or the mask does
    not come out as it was.
    """
    entry, request = own.entry, own.entry.request
    if entry.inputs.source is None:
        raise RefusedInput(f"The entry {entry.id} has no source.")
    try:
        source = decode(store.source_path(entry.inputs.source), LIMITS)
        result = decode(store.result_path(own.record.sha256), LIMITS).rgb()
        painted = None
        if entry.inputs.mask is not None:
            painted = decode_mask(store.mask_path(entry.inputs.mask), LIMITS)
    except OSError as error:
        raise RefusedInput(f"A picture of {entry.id} cannot be read: {error.strerror}.") from error
    composite = _composite(entry, source.size, painted)
    canvas = enlarged(source, request.upscale)
    canvas = canvas.expanded(request.border) if request.border else canvas
    original: Rgb = canvas.rgb()
    return Pair(
        result=result,
        original=original,
        mask=composite,
        prompt=request.sampling.prompt,
    )


def _composite(entry: LogEntry, size: Size, painted: Mask | None) -> Mask:
    """The mask whose digest the entry names; which engines feather how is tried out."""
    for soft in (True, False):
        made = np.ascontiguousarray(canvas_masks(entry.request, size, painted, soft=soft).composite)
        if hashlib.sha256(made.data).hexdigest() == entry.composite_sha256:
            return made
    raise RefusedInput(
        f"The mask of {entry.id} must come out as it was in the edit, got another one: this "
        "program makes masks differently now, or the files are others."
    )


def subjects(owns: Sequence[OwnResult]) -> Iterator[tuple[int, OwnResult]]:
    """One result of each case, by which its original and mask can be shown."""
    seen: set[int] = set()
    for own in owns:
        if own.case not in seen:
            seen.add(own.case)
            yield own.case, own


def _subject(entry: LogEntry, by_settings: bool) -> str:
    """The same for results that can stand side by side."""
    request, inputs = entry.request, entry.inputs
    parts = [inputs.source, entry.composite_sha256, to_json(request.border), request.upscale]
    grouped = by_settings and entry.group is not None
    parts.append(entry.group.id if grouped and entry.group else request.sampling.prompt.strip())
    return json.dumps(parts)


def _player(entry: LogEntry, by_settings: bool) -> str:
    settings = describe_cell(entry.group.cell) if by_settings and entry.group else ""
    return settings or entry.request.model
