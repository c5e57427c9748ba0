"""The seed log as a table: one CSV row for each result, one for an edit that has none.

Text that a spreadsheet would take for a formula is prefixed with an apostrophe.
"""

import csv
import io
from collections.abc import Iterable, Iterator

from genimg_ui.history.record import LogEntry, MatchReport, ResultRecord

COLUMNS = (
    "entry",
    "created",
    "state",
    "index",
    "seed",
    "sha256",
    "model",
    "prompt",
    "negative_prompt",
    "strength",
    "guidance_scale",
    "true_cfg_scale",
    "guidance_end",
    "step_cache",
    "num_inference_steps",
    "scheduler",
    "grow",
    "feather",
    "fill",
    "padding",
    "border",
    "source",
    "mask",
    "parent",
    "changed_outside",
    "pixels_outside",
    "seam",
    "colour_shift",
    "colour_match",
    "ring_error_before",
    "ring_error_after",
    "seconds",
    "run",
    "device",
    "error",
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_of(entries: Iterable[LogEntry]) -> Iterator[str]:
    """The entries as CSV (RFC 4180, UTF-8, with a header), row by row."""
    yield csv_row(COLUMNS)
    for entry in entries:
        common = _of_entry(entry)
        for own in [_of_result(i, r) for i, r in enumerate(entry.results)] or [{}]:
            yield csv_row((common | own).get(column) for column in COLUMNS)


def csv_row(cells: Iterable[object]) -> str:
    """One row; no text becomes a formula in a spreadsheet, None is an empty cell."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow(_cell(cell) for cell in cells)
    return buffer.getvalue()


def _of_entry(entry: LogEntry) -> dict[str, object]:
    request, sampling = entry.request, entry.request.sampling
    return {
        "entry": entry.id,
        "created": entry.created,
        "state": str(entry.state),
        "model": request.model,
        "prompt": sampling.prompt,
        "negative_prompt": sampling.negative_prompt,
        "strength": sampling.strength,
        "guidance_scale": sampling.guidance_scale,
        "true_cfg_scale": sampling.true_cfg_scale,
        "guidance_end": request.speed.guidance_end,
        "step_cache": str(request.speed.step_cache),
        "num_inference_steps": sampling.num_inference_steps,
        "scheduler": entry.resolved.scheduler if entry.resolved else sampling.scheduler,
        "grow": request.mask.grow,
        "feather": request.mask.feather,
        "fill": str(request.inpaint.fill),
        "padding": request.inpaint.padding,
        "border": ",".join(str(side) for side in request.border),
        "source": entry.inputs.source,
        "mask": entry.inputs.mask,
        "parent": entry.parent,
        "seconds": round(sum(entry.timings.values()), 3),
        "run": entry.group.id if entry.group else None,
        "device": entry.runtime.device if entry.runtime else None,
        "error": entry.error,
    }


def _of_result(index: int, result: ResultRecord) -> dict[str, object]:
    return {
        "index": index,
        "seed": result.seed,
        "sha256": result.sha256,
        "changed_outside": result.report.changed_outside,
        "pixels_outside": result.report.pixels_outside,
        "seam": result.report.seam,
        "colour_shift": result.report.colour_shift,
        **_of_match(result.report.match),
    }


def _of_match(match: MatchReport | None) -> dict[str, object]:
    if match is None:
        return {}
    return {
        "colour_match": str(match.applied),
        "ring_error_before": match.ring_error_before,
        "ring_error_after": match.ring_error_after,
    }


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else value
