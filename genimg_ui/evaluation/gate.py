"""The non-regression gate: what is worse than in an earlier result of the same protocol.

A metric may be worse than its baseline by its tolerance, in its own unit; without one, by nothing
but rounding. Only means over all mask kinds are held; models that the baseline does not have are
passed over.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from genimg_ui.errors import RefusedInput
from genimg_ui.evaluation.metrics.base import Metric
from genimg_ui.evaluation.metrics.catalogue import METRICS
from genimg_ui.evaluation.results import ModelOutcome, Result

ROUNDING = 1e-9  # share of the baseline's value: sums in another order differ by less


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """One thing that got worse; `by` is how much, in the metric's unit, where it has numbers."""

    model: str
    what: str
    sentence: str
    by: float | None = None


def read_tolerances(texts: tuple[str, ...]) -> dict[str, float]:
    """Read `psnr=0.1` and the like; raises RefusedInput."""
    found: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if name not in METRICS or not 0 <= number < math.inf:
            raise RefusedInput(
                "--tolerance must be METRIC=NUMBER with a number of at least 0, "
                f"got {text[:60]!r}; metrics: {', '.join(METRICS)}."
            )
        found[name] = number
    return found


def falls(result: Result, baseline: Result, tolerances: Mapping[str, float]) -> tuple[Fall, ...]:
    """Everything that fell, in the order of models and metrics.

    Raises RefusedInput where the two cannot be compared: another protocol, other pictures, or no
    model in common.
    """
    asked = [model.id for model in result.models]
    check_comparable(baseline, result.protocol_digest, result.pictures_digest, asked)
    before = {model.id: model for model in baseline.models}
    return tuple(
        fall
        for model in result.models
        if model.id in before
        for fall in _of_model(result, baseline, (model, before[model.id]), tolerances)
    )


def check_comparable(
    baseline: Result, protocol_digest: str, pictures_digest: str, models: Collection[str]
) -> None:
    """Raise RefusedInput where the baseline is not of this protocol, pictures and models."""
    compared = (
        ("protocol", baseline.protocol_digest, protocol_digest),
        ("pictures", baseline.pictures_digest, pictures_digest),
    )
    for word, got, wanted in compared:
        if got != wanted:
            raise RefusedInput(
                f"The baseline must be of the same {word} (digest {wanted[:12]}), got one of "
                f"{got[:12]}.",
                remedy="Take a baseline that was made with this protocol file and these pictures.",
            )
    known = [model.id for model in baseline.models]
    if not set(models) & set(known):
        raise RefusedInput(
            f"The baseline must have one of the models {', '.join(models)}, got {', '.join(known)}."
        )


def _of_model(
    result: Result,
    baseline: Result,
    models: tuple[ModelOutcome, ModelOutcome],
    tolerances: Mapping[str, float],
) -> Iterator[Fall]:
    now, then = models
    if now.failed > then.failed:
        yield Fall(
            model=now.id,
            what="failed",
            sentence=f"{now.failed} cases failed, {then.failed} in the baseline.",
            by=now.failed - then.failed,
        )
    for metric in baseline.metrics:
        value = baseline.value(now.id, metric.name)
        if value is None or value.summary.mean is None:
            continue
        fall = _fall(result, metric, now.id, value.summary.mean, tolerances.get(metric.name, 0.0))
        if fall is not None:
            yield fall


def _fall(
    result: Result, metric: Metric, model: str, before: float, tolerance: float
) -> Fall | None:
    value = result.value(model, metric.name)
    if value is None or value.summary.mean is None:
        why = result.unavailable.get(metric.name) or (value.undefined if value else "")
        sentence = f"{metric.title} was {before:.6g} and has no value now. {why}".strip()
        return Fall(model=model, what=metric.name, sentence=sentence)
    now = value.summary.mean
    worse = metric.direction.cost(now) - metric.direction.cost(before)
    if worse <= tolerance + ROUNDING * abs(before):
        return None
    sentence = (
        f"{metric.title} was {before:.6g} and is {now:.6g}: worse by {worse:.3g}, allowed is "
        f"{tolerance:.3g}."
    )
    return Fall(model=model, what=metric.name, sentence=sentence, by=worse)
