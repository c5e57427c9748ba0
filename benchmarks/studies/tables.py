"""An evaluation's numbers in the form of the published tables, as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from genimg_ui.evaluation.folder import CaseRecord
from genimg_ui.evaluation.results import EVERY, Result, Value
from genimg_ui.evaluation.statistics import Sample, ratio
from genimg_ui.evaluation.summing import LEAST_PICTURES

# Metric, head of its column, digits.
_COLUMNS: Final = (
    ("mse", "MSE", 5),
    ("psnr", "PSNR", 2),
    ("ssim", "SSIM", 3),
    ("fid", "FID (InceptionV3)", 2),
    ("fid_stand_in", "FID (stand-in random network)", 3),
    ("fid_stand_in_hole", "the same around the hole", 3),
    ("sharpness", "sharpness", 2),
    ("gmsd", "GMSD", 4),
    ("seam", "seam", 2),
)
NOT_MEASURED: Final = "not measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A row of the published tables (CelebA, 160 x 160); FID is of ResNet-50 features there."""

    name: str
    mse: str
    psnr: str
    ssim: str
    fid: str


def numbers_table(
    result: Result, names: Mapping[str, str], absent: Mapping[str, str], *, intervals: bool = False
) -> str:
    """A line for each of `names` (id → what the table calls it), absent ones among them.

    `intervals` gives the 95 % intervals in place of the means.
    """
    known = {metric.name for metric in result.metrics}
    columns = [column for column in _COLUMNS if column[0] in known]
    heads = [head for _, head, _ in columns] + ([] if intervals else ["seconds", "n", "failed"])
    lines = [_line(["", *heads]), "|---" * (len(heads) + 1) + "|"]
    outcomes = {model.id: model for model in result.models}
    for model, name in names.items():
        if model not in outcomes:
            if not intervals:
                lines.append(_line([name, NOT_MEASURED, *["–"] * (len(heads) - 1)]))
            continue
        cells = [
            _cell(result.value(model, metric), digits, intervals) for metric, _, digits in columns
        ]
        one = outcomes[model]
        seconds = "–" if one.seconds is None else f"{one.seconds:.3f}"
        cells += [] if intervals else [seconds, str(one.done), str(one.failed)]
        lines.append(_line([name, *cells]))
    reasons = [f"- {names[model]}: {why}" for model, why in absent.items() if model in names]
    if reasons and not intervals:
        lines += ["", "Not measured:", *reasons]
    return "\n".join(lines)


def published_table(rows: Sequence[Published], title: str) -> str:
    """The published numbers, under their own names."""
    lines = [_line([title, "MSE", "PSNR", "SSIM", "FID (ResNet-50 features)"]), "|---" * 5 + "|"]
    lines += [_line([row.name, row.mse, row.psnr, row.ssim, row.fid]) for row in rows]
    return "\n".join(lines)


def ratios_table(
    cases: Sequence[CaseRecord], names: Mapping[str, str], beside: str, metric: str = "mse"
) -> str:
    """Each model's mean of a metric over that of `beside`, over the cases that both have."""
    lines = [
        _line([f"{metric.upper()} of … over that of {names[beside]}", "ratio", "95 %", "n"]),
        "|---" * 4 + "|",
    ]
    base = _scores(cases, beside, metric)
    for model, name in names.items():
        own = _scores(cases, model, metric)
        both = [case for case in own if case in base]
        if model == beside or not both:
            continue
        found = ratio([own[case] for case in both], [base[case] for case in both])
        mean = "–" if found.mean is None else f"{found.mean:.3f}"
        span = "–"
        if found.low is not None and found.high is not None:
            span = f"{found.low:.3f} to {found.high:.3f}"
        lines.append(_line([name, mean, span, str(found.n)]))
    return "\n".join(lines)


def facts(result: Result) -> str:
    """What the tables are of, in a sentence or two."""
    protocol = result.protocol
    versions = ", ".join(f"{name} {version}" for name, version in result.environment.items())
    few = "" if result.cases >= LEAST_PICTURES else " Of so few pictures, nothing follows."
    ran = (m.runtime.cpu or m.runtime.device for m in result.models if m.runtime is not None)
    machines = ", ".join(dict.fromkeys(ran))
    return (
        f"Protocol `{protocol['name']}`, version {protocol['version']} "
        f"(digest {result.protocol_digest[:12]}), {result.cases} cases of pictures with digest "
        f"{result.pictures_digest[:12]}; {versions}. Seconds are those of the engine for one "
        f"picture, by the clock, on {machines}.{few}"
    )


def leads_line(result: Result, names: Mapping[str, str]) -> str:
    """Which of them is best by which metric, where that is more than chance."""
    by_model: dict[str, list[str]] = {}
    titles = {metric.name: metric.title for metric in result.metrics}
    for lead in result.leads:
        if lead.mask_kind == EVERY:
            by_model.setdefault(lead.model, []).append(titles[lead.metric])
    if not by_model:
        return "None is better than every other one by more than chance."
    best = (f"{names[model]} by {', '.join(found)}" for model, found in by_model.items())
    return f"Better than every other one by more than chance: {'; '.join(best)}."


def _scores(cases: Sequence[CaseRecord], model: str, metric: str) -> dict[int, Sample]:
    return {
        record.case: Sample(group=record.picture, value=record.scores[metric])
        for record in cases
        if record.model == model and metric in record.scores
    }


def _cell(value: Value | None, digits: int, interval: bool) -> str:
    if value is None or value.summary.mean is None:
        return "–"
    found = value.summary
    if not interval:
        return f"{found.mean:.{digits}f}"
    if found.low is None or found.high is None:
        return "–"
    return f"{found.low:.{digits}f} to {found.high:.{digits}f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
