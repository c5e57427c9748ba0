"""What the page shows, as plain JSON values: made of records, without Gradio or pixels."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from genimg_ui.core.geometry import Size
from genimg_ui.core.preflight import Finding
from genimg_ui.core.region import canvas_size, source_box
from genimg_ui.core.request import ColourMatch
from genimg_ui.core.speed import SpeedParams, StepCache
from genimg_ui.history.marks import Marks
from genimg_ui.history.record import LogEntry, MatchReport, ResultReport
from genimg_ui.jobs.queue import Job, JobState
from genimg_ui.ui import texts

Json = dict[str, Any]
Link = Callable[[Path], str]
# Up to the first an edge hides, above the second it is plain to see: of the report's seam (1: as
# smooth as beside it), and of its colour shift in ΔE (2.3 is just noticeable: Mahy et al., 1994).
SEAMS = (1.2, 1.6)
SHIFTS = (2.3, 7.0)


def message(text: str, *, kind: str = "", findings: list[Finding] | None = None) -> Json:
    """A line of the status part; kind is "", "error", "warning" or "done"."""
    return {"kind": kind, "text": text, "findings": [finding(f) for f in findings or []]}


def finding(item: Finding) -> Json:
    """A finding with the value that mends it, where there is one."""
    remedy = item.remedy
    return {
        "sentence": item.sentence,
        "remedy": remedy and {"label": remedy.label, "field": remedy.field, "value": remedy.value},
    }


def running(jobs: list[Job], link: Link) -> Json:
    """Progress of this session's edits; the status part remembers which ones it watches.

    `link` gives the address of a stored file.
    """
    first = next((job for job in jobs if job.state is JobState.RUNNING), jobs[0])
    more = f" · {len(jobs) - 1} more waiting" if len(jobs) > 1 else ""
    waiting = first.state is JobState.QUEUED
    return {
        "kind": "running",
        "text": f"{_waiting_text(first) if waiting else first.text or 'starting'}{more}",
        "fraction": 0.0 if waiting else first.fraction,
        "preview": link(first.preview) if first.preview else None,
        "watching": [job.id for job in jobs],
    }


def _waiting_text(job: Job) -> str:
    if not job.position:
        return "queued: next in line"
    noun = "edit" if job.position == 1 else "edits"
    return f"queued: {job.position} {noun} ahead"


def ended(entry: LogEntry) -> Json:
    """How an edit ended, in one line, with its warnings below."""
    notes = [{"sentence": sentence, "remedy": None} for sentence in entry.warnings]
    if entry.error:
        return {"kind": "error", "text": entry.error, "findings": notes}
    if not entry.results:
        return {"kind": "warning", "text": f"The edit was {entry.state}.", "findings": notes}
    seconds = sum(entry.timings.values())
    count = len(entry.results)
    variants = "" if count == 1 else f"{count} variants, "
    return {
        "kind": "done",
        "text": f"Done: {variants}{seconds:.1f} s. {proof(entry.results[0].report)}",
        "findings": notes,
    }


def proof(report: ResultReport) -> str:
    """The promise of locked pixels, as measured."""
    if not report.pixels_outside:
        return "No pixel was locked: the whole picture is new."
    return (
        f"{report.changed_outside:,} of {report.pixels_outside:,} pixels outside the mask changed."
    )


def comparison(
    entry: LogEntry,
    index: int,
    *,
    source_size: Size,
    before: str,
    result: str,
    marks: Marks,
    download: str = "",
) -> Json:
    """Before and after of one result, with proof and settings.

    `before`, `result` and `download` (`result` where it is empty) are addresses.
    """
    record = entry.results[index]
    canvas = canvas_size(entry.request, source_size)
    inner = source_box(entry.request, source_size)
    return {
        "entry": entry.id,
        "index": index,
        "before": before,
        "after": result,
        "width": canvas.width,
        "height": canvas.height,
        "inner": [inner.left, inner.top, *inner.size],
        "outer": [0, 0, *canvas],
        "tags": ["Before", "After"],
        "proof": proof(record.report),
        "ok": record.report.changed_outside == 0,
        "facts": _facts(entry, index),
        "notes": list(entry.warnings),
        "marks": asdict(marks),
        "download": download or result,
        "filename": f"{entry.created[:10]}_{entry.request.model}_seed{record.seed}.png",
    }


def _edge(report: ResultReport) -> list[tuple[str, str]]:
    """How the result meets its surroundings; where colours were matched, before and after."""
    seam, shift = f"{report.seam:.2f}", f"{report.colour_shift:.1f}"
    match = report.match
    if match is not None and match.applied is not ColourMatch.OFF:
        seam = f"{match.seam_before:.2f} → {seam}"
        shift = f"{match.colour_shift_before:.1f} → {shift}"
    edge = _graded(report.seam, SEAMS, texts.EDGES)
    colours = _graded(report.colour_shift, SHIFTS, texts.EDGE_COLOURS)
    facts = [("edge of the mask", f"{edge} ({seam})"), ("colours there", f"{colours} ({shift})")]
    return facts if match is None else [*facts, ("colour match", _matched(match))]


def _graded(value: float, limits: tuple[float, float], words: tuple[str, str, str]) -> str:
    return words[sum(value > limit for limit in limits)]


def _matched(match: MatchReport) -> str:
    if match.ring_error_before is None:
        return texts.MATCH_BLIND
    return texts.MATCH_LEFT if match.applied is ColourMatch.OFF else texts.MATCHED[match.applied]


def _saved(speed: SpeedParams) -> list[tuple[str, str]]:
    """What was saved; nothing where nothing was."""
    until = [("CFG until", f"{speed.guidance_end:g}")] if speed.guidance_end < 1 else []
    if speed.step_cache is StepCache.OFF:
        return until
    return [*until, ("step cache", str(speed.step_cache))]


def _facts(entry: LogEntry, index: int) -> list[tuple[str, str]]:
    record, request = entry.results[index], entry.request
    facts = [
        ("model", request.model),
        ("seed", str(record.seed)),
        *_edge(record.report),
        ("seconds", f"{sum(entry.timings.values()):.1f}"),
    ]
    if entry.resolved and entry.resolved.scheduler:
        sampling = request.sampling
        facts += [
            ("prompt", sampling.prompt or "(none)"),
            ("denoise", f"{sampling.strength:g}"),
            ("CFG", f"{sampling.guidance_scale:g}"),
            *(
                [("true CFG", f"{sampling.true_cfg_scale:g}")]
                if sampling.true_cfg_scale > 1
                else []
            ),
            *_saved(request.speed),
            ("steps", str(sampling.num_inference_steps)),
            ("scheduler", entry.resolved.scheduler),
        ]
    if entry.plan:
        facts.append(("context", f"{entry.plan.box.size} → {entry.plan.working}"))
    return facts
