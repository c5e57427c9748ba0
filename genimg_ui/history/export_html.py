"""The seed log as one HTML page that needs nothing else: thumbnails inside, no script.

Every text of an entry is escaped, and the page forbids scripts and anything from elsewhere, so
that a prompt stays a text whatever it holds.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from html import escape

from genimg_ui.core.serial import to_json
from genimg_ui.history.html_page import END, data_uri, facts_table, page_head
from genimg_ui.history.record import LogEntry, ResultRecord

FindThumb = Callable[[str], bytes | None]  # sha256 of a result → a small JPEG

_STYLE = """article { border-top: 1px solid #8886; padding: 1rem 0; }
h2 { font-size: 1.05rem; margin: 0; }
h2 small { font-weight: normal; opacity: .75; }
.prompt { white-space: pre-wrap; margin: .4rem 0; }
.results { display: flex; flex-wrap: wrap; gap: .8rem; }
figure .gone { display: grid; place-items: center; height: 6rem; border: 1px dashed #888; }
"""


def html_of(entries: Iterable[LogEntry], thumb: FindThumb, title: str) -> Iterator[str]:
    """The page, piece by piece, oldest entry first."""
    yield page_head(title, _STYLE)
    count = 0
    for count, entry in enumerate(entries, start=1):  # noqa: B007 - counted for the end
        yield _article(entry, thumb)
    yield f"<p>{count} edits.</p>\n{END}"


def _article(entry: LogEntry, thumb: FindThumb) -> str:
    parts = [
        f'<article id="{escape(entry.id)}">',
        f"<h2>{escape(entry.request.model)}, {escape(entry.state)} "
        f"<small>{escape(entry.created)} · {escape(entry.id)}</small></h2>",
    ]
    if entry.request.sampling.prompt:
        parts.append(f'<p class="prompt">{escape(entry.request.sampling.prompt)}</p>')
    if entry.error:
        parts.append(f'<p class="error">{escape(entry.error)}</p>')
    notes = (*entry.warnings, *entry.fallbacks)
    if notes:
        items = "".join(f"<li>{escape(note)}</li>" for note in notes)
        parts.append(f'<ul class="notes">{items}</ul>')
    figures = "".join(_figure(record, thumb) for record in entry.results)
    parts.append(f'<div class="results">{figures}</div>' if figures else "")
    parts.append(facts_table(_facts(entry)))
    whole = escape(json.dumps(to_json(entry), ensure_ascii=False, indent=1))
    parts.append(f"<details><summary>Everything</summary><pre>{whole}</pre></details>")
    return "\n".join([*filter(None, parts), "</article>\n"])


def _figure(record: ResultRecord, thumb: FindThumb) -> str:
    jpeg = thumb(record.sha256)
    name = f"Result with seed {record.seed}"
    if jpeg is None:
        shown = '<span class="gone">the file is gone</span>'
    else:
        shown = f'<img alt="{name}" src="{data_uri(jpeg)}">'
    report = record.report
    words = (
        f"seed {record.seed}, changed outside the mask: {report.changed_outside} of "
        f"{report.pixels_outside}, seam {report.seam:g}, colour shift {report.colour_shift:g} ΔE"
    )
    return f"<figure>{shown}<figcaption>{escape(words)}</figcaption></figure>"


def _facts(entry: LogEntry) -> Iterator[tuple[str, str]]:
    """What a person asks for first; the rest is under "Everything"."""
    request, sampling = entry.request, entry.request.sampling
    if sampling.negative_prompt:
        yield "negative prompt", sampling.negative_prompt
    if entry.resolved is not None and entry.resolved.scheduler:
        yield (
            "sampling",
            f"strength {sampling.strength:g}, guidance_scale {sampling.guidance_scale:g}, "
            f"true_cfg_scale {sampling.true_cfg_scale:g}, "
            f"{sampling.num_inference_steps} steps, {entry.resolved.scheduler}",
        )
    for unit in request.controls:
        span = f"{unit.control_guidance_start:g} to {unit.control_guidance_end:g}"
        how = f"ready map {unit.map[:12]}" if unit.map else unit.annotator or "usual annotator"
        numbers = (f"{name} {value:g}" for name, value in unit.parameters.items())
        words = (unit.kind, f"{unit.controlnet_conditioning_scale:g}", span, how, *numbers)
        yield "control", ", ".join(words)
    yield "mask", f"grow {request.mask.grow}, feather {request.mask.feather}"
    if request.border:
        yield "border", ", ".join(f"{side} {n}" for side, n in request.border._asdict().items())
    if entry.plan is not None:
        yield "context", f"{entry.plan.box.size} of {entry.plan.canvas} → {entry.plan.working}"
    if entry.group is not None:
        cell = ", ".join(f"{name} {value}" for name, value in entry.group.cell.items())
        yield "run", f"{entry.group.id} ({cell})" if cell else entry.group.id
    yield "source", entry.inputs.source
    if entry.parent is not None:
        yield "made from a result of", entry.parent
    if entry.runtime is not None:
        yield "ran on", ", ".join(filter(None, (entry.runtime.device, entry.runtime.cpu)))
    if entry.environment:
        yield "with", ", ".join(f"{name} {value}" for name, value in entry.environment.items())
    yield "seconds", f"{sum(entry.timings.values()):.1f}"
