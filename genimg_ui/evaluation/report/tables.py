"""The numbers of a result as HTML tables: a row for each metric, a column for each model."""

from collections.abc import Iterator
from html import escape

from genimg_ui.evaluation.metrics.base import Direction, Metric
from genimg_ui.evaluation.results import EVERY, Lead, Result, Value
from genimg_ui.evaluation.summing import LEAST_PICTURES

STYLE = """.wide { overflow-x: auto; }
.numbers td, .numbers th { padding: .25rem .9rem .25rem 0; border-bottom: 1px solid #8884;
  vertical-align: top; opacity: 1; }
.numbers thead th { font-weight: 600; }
.numbers td { font-variant-numeric: tabular-nums; white-space: nowrap; }
.numbers small { display: block; opacity: .75; }
.best { font-weight: 700; }
.legend { font-size: .85rem; opacity: .8; }
"""
ARROWS = {Direction.HIGHER: "↑", Direction.LOWER: "↓", Direction.ONE: "→1"}
LEGEND = (
    "Mean with its 95 % interval over n. ↑: more is better, ↓: less is better, →1: nearer to 1 is "
    "better. ★: better than "
    "every other model by an interval of their paired differences that leaves 0 out, over at "
    f"least {LEAST_PICTURES} pictures (of metrics of all results together: their intervals lie "
    "apart); no star where none is."
)

_MODEL_HEADS = (
    "model",
    "title",
    "results",
    "failed",
    "seconds of the engine, mean",
    "pixels changed outside the masks",
)


def numbers_table(result: Result, mask_kind: str = EVERY) -> str:
    """Every metric that has a value for this kind of masks."""
    heads = "".join(f'<th scope="col">{escape(model.id)}</th>' for model in result.models)
    rows = "".join(_rows(result, mask_kind))
    return (
        '<div class="wide"><table class="numbers"><thead><tr><th scope="col">metric</th>'
        f"{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def metric_name(metric: Metric) -> str:
    """As people read it, with its direction and unit; plain text."""
    arrow = ARROWS[metric.direction]
    return f"{metric.title} {arrow}{f' ({metric.unit})' if metric.unit else ''}"


def number(value: float | None) -> str:
    """Four digits that count."""
    return "–" if value is None else f"{value:.4g}"


def models_table(result: Result) -> str:
    """Which models ran, how often they failed, and how long their engines took."""
    rows = "".join(
        f'<tr><th scope="row">{escape(model.id)}</th><td>{escape(model.title)}</td>'
        f"<td>{model.done}</td><td>{model.failed}</td><td>{number(model.seconds)}</td>"
        f"<td>{model.changed_outside}</td></tr>"
        for model in result.models
    )
    head = "".join(f'<th scope="col">{word}</th>' for word in _MODEL_HEADS)
    return (
        f'<div class="wide"><table class="numbers"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _rows(result: Result, mask_kind: str) -> Iterator[str]:
    for metric in result.metrics:
        values = [result.value(model.id, metric.name, mask_kind) for model in result.models]
        if not any(values):
            continue
        cells = "".join(_cell(result, value) for value in values)
        yield f'<tr><th scope="row">{escape(metric_name(metric))}</th>{cells}</tr>'


def _cell(result: Result, value: Value | None) -> str:
    if value is None:
        return "<td>–</td>"
    summary = value.summary
    if summary.mean is None:
        why = escape(value.undefined or "No case has a value.")
        return f'<td title="{why}">–<small>no value</small></td>'
    lead = Lead(metric=value.metric, mask_kind=value.mask_kind, model=value.model)
    best = lead in result.leads
    span = ""
    if summary.low is not None and summary.high is not None:
        span = f"[{number(summary.low)}, {number(summary.high)}] "
    left_out = f", {summary.undefined} without" if summary.undefined else ""
    mean = f'<span class="best">★ {number(summary.mean)}</span>' if best else number(summary.mean)
    return f"<td>{mean}<small>{span}n {summary.n}{left_out}</small></td>"
