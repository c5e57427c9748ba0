"""The report of one evaluation as one HTML page that needs nothing else."""

from collections.abc import Iterator
from html import escape
from json import dumps

from genimg_ui.evaluation.folder import CaseRecord, EvaluationFolder
from genimg_ui.evaluation.gate import Fall
from genimg_ui.evaluation.metrics.base import Metric, Region
from genimg_ui.evaluation.report import plots, tables
from genimg_ui.evaluation.report.extremes import Cases, extremes, montage
from genimg_ui.evaluation.report.pictures import Thumbs
from genimg_ui.evaluation.results import Result
from genimg_ui.history.html_page import END, facts_table, page_head

FAILURES = 50  # sentences that are shown
_STYLE = """body { max-width: 80rem; }
h2 { font-size: 1.15rem; margin-top: 2rem; border-top: 1px solid #8886; padding-top: 1rem; }
h3 { font-size: 1rem; margin-bottom: .3rem; }
summary { cursor: pointer; padding: .2rem 0; }
.strip { display: flex; flex-wrap: wrap; gap: .5rem; margin: .3rem 0 .9rem; }
.strip figure { width: min(12rem, 40vw); }
.strip figure img { width: 100%; image-rendering: auto; }
.strip .chosen img { outline: 3px solid #d9822b; }
.strip .none { display: grid; place-items: center; height: 6rem; border: 1px dashed #888; }
"""


class Report:
    """Writes the page of one result; `falls` is what a baseline's gate said, None without one."""

    def __init__(
        self,
        result: Result,
        cases: Cases,
        folder: EvaluationFolder,
        falls: tuple[Fall, ...] | None = None,
    ) -> None:
        self._result = result
        self._cases = cases
        self._thumbs = Thumbs(folder)
        self._falls = falls

    def html(self) -> str:
        """The whole page."""
        style = _STYLE + tables.STYLE + plots.STYLE
        title = f"Evaluation: {self._result.protocol.get('name', '')}"
        return "\n".join([page_head(title, style), *self._parts(), END])

    def _parts(self) -> Iterator[str]:
        result = self._result
        yield f"<p>{escape(_about(result))}</p>"
        yield from self._gate()
        yield "<h2>Models</h2>" + tables.models_table(result)
        yield "<h2>Metrics</h2>" + tables.numbers_table(result)
        yield f'<p class="legend">{escape(tables.LEGEND)}</p>'
        for kind in result.mask_kinds:
            yield f"<h3>Masks: {escape(kind)}</h3>" + tables.numbers_table(result, kind)
        yield from self._unavailable()
        yield "<h2>Spread</h2>"
        yield from self._plots()
        yield "<h2>Montage</h2>"
        yield from self._montage()
        yield "<h2>Worst and best</h2>"
        yield from self._extremes()
        yield from self._failures()
        yield "<h2>How it was made</h2>" + self._made()

    def _gate(self) -> Iterator[str]:
        if self._falls is None:
            return
        yield "<h2>Against the baseline</h2>"
        if not self._falls:
            yield "<p>Nothing fell.</p>"
            return
        items = "".join(
            f"<li><b>{escape(fall.model)}</b>: {escape(fall.sentence)}</li>" for fall in self._falls
        )
        yield f'<ul class="error">{items}</ul>'

    def _unavailable(self) -> Iterator[str]:
        lacks = self._result.lacks
        if lacks:
            items = "".join(f"<li>{escape(line)}</li>" for line in lacks)
            yield f'<h3>Not measured</h3><ul class="notes">{items}</ul>'

    def _plots(self) -> Iterator[str]:
        for metric in self._pair_metrics():
            rows = []
            for model in self._result.models:
                value = self._result.value(model.id, metric.name)
                if value is not None:
                    values = self._values(model.id, metric)
                    rows.append(plots.Row(name=model.id, values=values, summary=value.summary))
            name = tables.metric_name(metric)
            plot = plots.box_plot(name, rows)
            if plot:
                yield f"<h3>{escape(name)}</h3>{plot}"
        yield (
            '<p class="legend">Box: the middle half of the cases, with the median; line: 5 % to '
            "95 %; diamond: the mean, with its interval.</p>"
        )

    def _montage(self) -> Iterator[str]:
        for case in montage(self._cases):
            yield self._strip(case)

    def _extremes(self) -> Iterator[str]:
        for metric in self._pair_metrics():
            ends = extremes(self._cases, metric)
            if not any(ends):
                continue
            yield f"<details><summary>{escape(tables.metric_name(metric))}</summary>"
            for word, records in zip(("Worst", "Best"), ends, strict=True):
                yield f"<h3>{word}</h3>"
                yield from (self._strip(record.case, metric, record.model) for record in records)
            yield "</details>"

    def _strip(self, case: int, metric: Metric | None = None, chosen: str = "") -> str:
        """Original, hole and every model's result of one case, with the scores of a metric."""
        records = [self._cases.get((model.id, case)) for model in self._result.models]
        known = next(record for record in records if record is not None)
        words = f"Case {case}: {known.picture}, {known.mask_kind}, seed {known.seed}"
        if known.prompt:
            words += f", “{known.prompt}”"
        figures = [
            _figure(self._thumbs.original(case), "original"),
            _figure(self._thumbs.hole(case), "hole"),
            *(self._result_figure(record, metric, chosen) for record in records if record),
        ]
        return f'<div>{escape(words)}</div><div class="strip">{"".join(figures)}</div>'

    def _result_figure(self, record: CaseRecord, metric: Metric | None, chosen: str) -> str:
        caption = record.model
        if metric is not None:
            caption += f": {tables.number(record.scores.get(metric.name))}"
        if not record.done:
            shown = f'<span class="none">{escape(str(record.state))}</span>'
            return f"<figure>{shown}<figcaption>{escape(caption)}</figcaption></figure>"
        uri = self._thumbs.result(record.case, record.model)
        return _figure(uri, caption, chosen=record.model == chosen)

    def _failures(self) -> Iterator[str]:
        failed = [record for record in self._cases.values() if not record.done]
        if not failed:
            return
        items = "".join(
            f"<li>{escape(f'{record.model}, case {record.case}: {record.error}')}</li>"
            for record in failed[:FAILURES]
        )
        more = len(failed) - FAILURES
        rest = f"<p>and {more} more (cases.csv)</p>" if more > 0 else ""
        yield f'<h2>Without a result</h2><ul class="notes">{items}</ul>{rest}'

    def _made(self) -> str:
        result = self._result
        rows = [
            ("run", result.run),
            ("protocol's digest", result.protocol_digest),
            ("pictures' digest", result.pictures_digest),
            ("with", ", ".join(f"{k} {v}" for k, v in result.environment.items())),
        ]
        for model in result.models:
            runtime = model.runtime
            words = (runtime.device, runtime.cpu, runtime.dtype) if runtime is not None else ()
            versions = (f"{name} {version}" for name, version in model.environment.items())
            rows.append((f"{model.id} ran on", ", ".join((*filter(None, words), *versions))))
        whole = escape(dumps(result.protocol, ensure_ascii=False, indent=1))
        return (
            f"{facts_table(rows)}<details><summary>Protocol</summary><pre>{whole}</pre></details>"
        )

    def _pair_metrics(self) -> Iterator[Metric]:
        """Those that have a value for each result, not for all of them together."""
        return (metric for metric in self._result.metrics if metric.region is not Region.SET)

    def _values(self, model: str, metric: Metric) -> list[float]:
        records = (record for (name, _), record in self._cases.items() if name == model)
        return [record.scores[metric.name] for record in records if metric.name in record.scores]


def _figure(uri: str, caption: str, *, chosen: bool = False) -> str:
    kind = ' class="chosen"' if chosen else ""
    text = escape(caption)
    return f'<figure{kind}><img alt="{text}" src="{uri}"><figcaption>{text}</figcaption></figure>'


def _about(result: Result) -> str:
    count = f"{result.cases} cases with each of {len(result.models)} models"
    failed = f", {result.failed} without a result" if result.failed else ""
    version = result.protocol.get("version", "")
    when = f"{result.created[:16].replace('T', ' ')} UTC"
    return f"Protocol version {version}, {when}: {count}{failed}."
