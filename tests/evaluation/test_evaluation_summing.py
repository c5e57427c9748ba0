"""Means by mask kind, and who leads: only where paired differences leave 0 out."""

from dataclasses import replace

import numpy as np

from genimg_ui.evaluation.folder import CaseRecord
from genimg_ui.evaluation.metrics.base import SetScore, Undefined
from genimg_ui.evaluation.metrics.catalogue import METRICS
from genimg_ui.evaluation.results import Lead
from genimg_ui.evaluation.summing import LEAST_PICTURES, Measured, leads, values
from genimg_ui.history.record import EntryState


def record(model: str, case: int, psnr: float | None, kind: str = "blob") -> CaseRecord:
    return CaseRecord(
        case=case,
        model=model,
        picture=f"p{case}.png",
        mask_kind=kind,
        mask_seed=1,
        prompt="",
        seed=0,
        entry=f"{model}-{case}",
        state=EntryState.DONE,
        scores={} if psnr is None else {"psnr": psnr},
    )


def measured(*rows: CaseRecord, sets: dict[str, dict[str, SetScore]] | None = None) -> Measured:
    return Measured(
        models=tuple(dict.fromkeys(row.model for row in rows)),
        metrics=(METRICS["psnr"], METRICS["fid"]),
        cases={(row.model, row.case): row for row in rows},
        sets=sets or {},
    )


def column(model: str, numbers: list[float]) -> list[CaseRecord]:
    return [record(model, case, number) for case, number in enumerate(numbers)]


def test_a_small_steady_lead_counts_though_the_intervals_overlap() -> None:
    base = list(np.linspace(15, 35, 20))
    rows = [*column("a", base), *column("b", [x + 0.2 for x in base])]
    whole = measured(*rows)
    means = {value.model: value.summary for value in values(whole)}
    assert means["a"].high is not None
    assert means["b"].low is not None
    assert means["a"].high > means["b"].low
    assert leads(whole) == (Lead(metric="psnr", mask_kind="", model="b"),)


def test_sharper_than_the_original_is_no_lead() -> None:
    def sharp(model: str, value: float) -> list[CaseRecord]:
        rows = (record(model, case, None) for case in range(20))
        return [replace(row, scores={"sharpness": value + 0.001 * row.case}) for row in rows]

    whole = measured(*sharp("noisy", 1.6), *sharp("blurred", 0.7), *sharp("true", 0.9))
    whole = replace(whole, metrics=(METRICS["sharpness"],))
    assert leads(whole) == (Lead(metric="sharpness", mask_kind="", model="true"),)


def test_chance_does_not_lead() -> None:
    base = np.linspace(15, 35, 20)
    noise = np.tile([2.0, -1.9], 10)
    assert leads(measured(*column("a", list(base)), *column("b", list(base + noise)))) == ()


def test_too_few_pictures_name_no_leader() -> None:
    few = LEAST_PICTURES - 1
    rows = [*column("a", [20.0] * few), *column("b", [25.0] * few)]
    assert leads(measured(*rows)) == ()
    rows += [record("a", few, 20.0), record("b", few, 25.0)]
    assert [lead.model for lead in leads(measured(*rows))] == ["b"]


def test_kinds_have_values_of_their_own_and_undefined_ones_are_counted() -> None:
    rows = [record("a", 0, 10.0), record("a", 1, 20.0, "border"), record("a", 2, None, "border")]
    found = {value.mask_kind: value.summary for value in values(measured(*rows))}
    assert {kind: (s.n, s.mean, s.undefined) for kind, s in found.items()} == {
        "": (2, 15.0, 1),
        "blob": (1, 10.0, 0),
        "border": (1, 20.0, 1),
    }


def test_where_no_case_has_a_value_the_reason_is_kept() -> None:
    lost = replace(record("a", 0, None), undefined={"psnr": "The hole is empty."})
    (value,) = values(measured(lost))
    assert (value.summary.n, value.summary.mean) == (0, None)
    assert value.undefined == "The hole is empty."
    (some,) = values(measured(lost, record("a", 1, 20.0)))
    assert (some.summary.n, some.summary.undefined, some.undefined) == (1, 1, "")


def test_sets_lead_where_their_intervals_lie_apart() -> None:
    rows = [record(model, 0, 1.0) for model in "ab"]

    def fid(value: float, reach: float = 1.0) -> dict[str, SetScore]:
        return {"fid": SetScore(value=value, n=50, low=value - reach, high=value + reach)}

    apart = measured(*rows, sets={"a": fid(10), "b": fid(20)})
    assert Lead(metric="fid", mask_kind="", model="a") in leads(apart)
    near = measured(*rows, sets={"a": fid(10, 6), "b": fid(20, 6)})
    assert leads(near) == ()
    blank = SetScore(value=Undefined("fid", "Too few."), n=1)
    lost = measured(*rows, sets={"a": {"fid": blank}, "b": fid(20)})
    (value,) = (v for v in values(lost) if (v.model, v.metric) == ("a", "fid"))
    assert (value.summary.mean, value.undefined) == (None, "Too few.")
    assert leads(lost) == ()
