"""The gate: what fell is listed with its amount, and what cannot be compared is refused."""

from dataclasses import replace

import pytest

from genimg_ui.errors import RefusedInput
from genimg_ui.evaluation.gate import check_comparable, falls, read_tolerances
from genimg_ui.evaluation.metrics.catalogue import METRICS
from genimg_ui.evaluation.results import ModelOutcome, Result, Value
from genimg_ui.evaluation.statistics import Summary


def result(model: str = "a", failed: int = 0, **means: float | None) -> Result:
    values = tuple(
        Value(
            model=model,
            metric=name,
            mask_kind="",
            summary=Summary(n=9, mean=mean, low=None, high=None),
        )
        for name, mean in means.items()
    )
    return Result(
        run="r",
        created="2026-01-01T00:00:00.000+00:00",
        protocol={"name": "tiny"},
        protocol_digest="p" * 64,
        pictures_digest="q" * 64,
        cases=9,
        models=(ModelOutcome(id=model, title="A", done=9 - failed, failed=failed, seconds=1.0),),
        metrics=tuple(METRICS[name] for name in means),
        values=values,
    )


BASE = result(psnr=30.0, mse=0.01)


def test_an_equal_result_does_not_fall_and_rounding_is_no_fall() -> None:
    assert falls(BASE, BASE, {}) == ()
    assert falls(result(psnr=30.0 * (1 - 1e-12), mse=0.01 * (1 + 1e-12)), BASE, {}) == ()


def test_better_is_no_fall_in_either_direction() -> None:
    assert falls(result(psnr=31.0, mse=0.009), BASE, {}) == ()


def test_sharpness_falls_where_it_goes_away_from_1_on_either_side() -> None:
    before = result(sharpness=0.9)
    assert falls(result(sharpness=1.05), before, {}) == ()
    assert falls(result(sharpness=1.3), before, {})[0].by == pytest.approx(0.2)
    assert falls(result(sharpness=0.5), before, {})[0].by == pytest.approx(0.4)


def test_each_metric_falls_in_its_own_direction_beyond_its_tolerance() -> None:
    worse = result(psnr=29.5, mse=0.012)
    fell = falls(worse, BASE, {})
    assert [(fall.what, fall.by) for fall in fell] == [
        ("psnr", pytest.approx(0.5)),
        ("mse", pytest.approx(0.002)),
    ]
    assert fell[0].sentence == "PSNR was 30 and is 29.5: worse by 0.5, allowed is 0."
    assert [fall.what for fall in falls(worse, BASE, {"psnr": 0.5})] == ["mse"]
    assert falls(worse, BASE, {"psnr": 0.6, "mse": 0.0021}) == ()


def test_a_value_that_is_gone_and_more_failures_are_falls() -> None:
    lost = replace(result(psnr=None, failed=2), unavailable={"mse": "Download it."})
    fell = falls(lost, BASE, {"psnr": 99.0})
    assert [fall.what for fall in fell] == ["failed", "psnr", "mse"]
    assert fell[0].sentence == "2 cases failed, 0 in the baseline."
    assert fell[2].sentence == "MSE was 0.01 and has no value now. Download it."


def test_models_that_the_baseline_lacks_are_passed_over() -> None:
    other = result("b", psnr=1.0)
    both = replace(
        other, models=(*BASE.models, *other.models), values=(*BASE.values, *other.values)
    )
    assert falls(both, BASE, {}) == ()


@pytest.mark.parametrize(
    ("baseline", "words"),
    [
        (replace(BASE, protocol_digest="z" * 64), "of the same protocol"),
        (replace(BASE, pictures_digest="z" * 64), "of the same pictures"),
        (result("b", psnr=1.0), "must have one of the models a, got b"),
    ],
)
def test_a_baseline_of_something_else_is_refused(baseline: Result, words: str) -> None:
    with pytest.raises(RefusedInput, match=words):
        falls(BASE, baseline, {})
    with pytest.raises(RefusedInput, match=words):
        check_comparable(baseline, BASE.protocol_digest, BASE.pictures_digest, ["a"])


def test_tolerances_are_read_and_refused() -> None:
    assert read_tolerances(("psnr=0.1", "mse=1e-4")) == {"psnr": 0.1, "mse": 1e-4}
    for text in ("psnr", "psnr=x", "psnr=-1", "psnr=nan", "psnr=inf", "speed=1"):
        with pytest.raises(RefusedInput, match="--tolerance must be METRIC=NUMBER"):
            read_tolerances((text,))
