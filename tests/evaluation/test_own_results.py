"""Stored results measured as they are: the right pixels, grouped into cases, whole after a stop."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genimg_ui.backend.base import CancelToken
from genimg_ui.core.geometry import Sides
from genimg_ui.core.request import EditRequest, Region
from genimg_ui.errors import Cancelled, RefusedInput
from genimg_ui.evaluation.folder import ORIGINAL, EvaluationFolder, file_of
from genimg_ui.evaluation.measuring import Measuring, measure
from genimg_ui.evaluation.metrics.base import Pair, Score, SetScore, Undefined
from genimg_ui.evaluation.metrics.pixel import outside
from genimg_ui.evaluation.own_results import OwnResult, own_results, pair_of
from genimg_ui.evaluation.results import Result, read_result
from genimg_ui.history.record import LogEntry
from tests.editing import Desk, painted, photograph, png, request
from tests.evaluation.evaluating import SESSION

SIDE = 64
BOX = (20, 16, 44, 40)


class Outside:
    """The metrics of locked pixels, and of sets how many results there are."""

    unavailable = ()

    def __init__(self) -> None:
        self.scored = 0

    def score(self, pairs: Sequence[Pair]) -> list[dict[str, Score]]:
        self.scored += len(pairs)
        return [outside(pair) for pair in pairs]

    def score_set(self, pairs: Iterable[Pair]) -> dict[str, SetScore]:
        count = len(list(pairs))
        return {"fid_stand_in": SetScore(value=float(count), n=count)}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "data")
    yield made
    made.close()


def edited(desk: Desk, asked: EditRequest, *, masked: bool = True) -> LogEntry:
    mask = painted(SIDE, SIDE, BOX) if masked else None
    entry = desk.edit(asked, png(photograph(SIDE, SIDE)), mask)
    assert entry.results, entry.error
    desk.store.record(SESSION, entry)
    return entry


def places(*entries: LogEntry) -> list[tuple[LogEntry, int]]:
    return [(entry, index) for entry in entries for index in range(len(entry.results))]


def tools(desk: Desk, scorer: Outside, cancel: CancelToken | None = None) -> Measuring:
    return Measuring(
        store=desk.store,
        open_scorer=lambda _: scorer,
        titles={"plain": "Plain"},
        tell=lambda _: None,
        cancel=cancel or CancelToken(),
    )


def run(desk: Desk, owns: tuple[OwnResult, ...], out: Path) -> Result:
    return measure(owns, out, tools(desk, Outside()))


def test_a_result_stands_beside_its_source_on_its_canvas(desk: Desk) -> None:
    inner = edited(desk, request(feather=3, grow=2))
    wider = edited(desk, request(border=Sides(8, 0, 0, 4)), masked=False)
    (pair,) = (pair_of(desk.store, one) for one in own_results(places(inner)))
    assert np.array_equal(pair.original, np.asarray(photograph(SIDE, SIDE)))
    assert np.array_equal(pair.result, np.asarray(desk.result(inner).convert("RGB")))
    assert hashlib.sha256(pair.mask.tobytes()).hexdigest() == inner.composite_sha256
    (pair,) = (pair_of(desk.store, one) for one in own_results(places(wider)))
    assert pair.original.shape == pair.result.shape == (SIDE + 4, SIDE + 8, 3)
    assert np.array_equal(pair.original[:SIDE, 8:], np.asarray(photograph(SIDE, SIDE)))
    assert pair.mask[:, :8].all() and not pair.mask[:SIDE, 8:].any()


def test_results_of_one_hole_are_cases_side_by_side(desk: Desk) -> None:
    two = edited(desk, request(variants=2))
    other = edited(desk, request("exemplar"))
    wider = edited(desk, request(border=Sides(8, 0, 0, 0)), masked=False)
    owns = own_results([*places(two, other, wider), (two, 0)])
    assert [(one.player, one.case) for one in owns] == [
        ("plain", 0),
        ("plain", 1),
        ("exemplar", 0),
        ("plain", 2),
    ]
    with pytest.raises(RefusedInput, match="must be 0 to 1, got 2"):
        own_results([(two, 2)])
    with pytest.raises(RefusedInput, match="results to measure, got none"):
        own_results([])


def test_measured_results_have_the_report_of_an_evaluation(desk: Desk, tmp_path: Path) -> None:
    entries = [edited(desk, request(seed=n)) for n in range(2)]
    entries += [edited(desk, request("exemplar"))]
    entries += [edited(desk, request(region=Region.WHOLE, strength=1.0), masked=False)]
    out = tmp_path / "out"
    result = run(desk, own_results(places(*entries)), out)
    assert result == read_result(out / "result.json")
    assert [(m.id, m.title, m.done) for m in result.models] == [
        ("plain", "Plain", 3),
        ("exemplar", "exemplar", 1),
    ]
    value = result.value("plain", "changed_outside")
    assert value is not None
    # The whole picture of the last has nothing locked.
    assert (value.summary.n, value.summary.mean, value.summary.undefined) == (2, 0.0, 1)
    sets = result.value("plain", "fid_stand_in")
    assert sets is not None and sets.summary.mean == 2.0  # text-to-image repaints nothing
    assert result.mask_kinds == ("inpaint", "text-to-image")
    folder = EvaluationFolder(out)
    for record in folder.cases():
        stored = desk.store.result_path(record.result).read_bytes()
        assert folder.picture(record.case, file_of(record.model)).read_bytes() == stored
    with Image.open(folder.picture(0, ORIGINAL)) as shown:
        assert np.array_equal(np.asarray(shown), np.asarray(photograph(SIDE, SIDE)))
    assert "results as they are" in (out / "report.html").read_text("utf-8")
    assert not (out / "store").exists()


def test_a_changed_locked_pixel_is_found(desk: Desk, tmp_path: Path) -> None:
    entry = edited(desk, request())
    spoilt = np.asarray(desk.result(entry)).copy()
    spoilt[0, :3, 0] ^= 8
    path = desk.store.result_path(entry.results[0].sha256)
    path.chmod(0o600)
    path.write_bytes(png(Image.fromarray(spoilt)))
    result = run(desk, own_results(places(entry)), tmp_path / "out")
    value = result.value("plain", "changed_outside")
    assert value is not None and value.summary.mean == 3.0


def test_what_cannot_be_read_is_told_and_tried_again(desk: Desk, tmp_path: Path) -> None:
    good, bad = edited(desk, request(seed=1)), edited(desk, request(seed=2))
    path = desk.store.result_path(bad.results[0].sha256)
    kept = path.read_bytes()
    path.unlink()
    owns = own_results(places(good, bad))
    result = run(desk, owns, tmp_path / "out")
    assert (result.models[0].done, result.models[0].failed) == (1, 1)
    path.write_bytes(kept)
    scorer = Outside()
    again = measure(owns, tmp_path / "out", tools(desk, scorer))
    assert (again.models[0].done, again.models[0].failed, scorer.scored) == (2, 0, 1)
    other = replace(bad, composite_sha256="0" * 64)
    with pytest.raises(RefusedInput, match="must come out as it was in the edit"):
        pair_of(desk.store, own_results(places(other))[0])


def test_a_stop_keeps_what_is_measured_and_others_are_refused(desk: Desk, tmp_path: Path) -> None:
    owns = own_results(places(*(edited(desk, request(seed=n)) for n in range(3))))
    cancel, scorer = CancelToken(), Outside()

    class Stopping(Outside):
        def score(self, pairs: Sequence[Pair]) -> list[dict[str, Score]]:
            cancel.cancel()
            return super().score(pairs)

    with pytest.raises(Cancelled):
        measure(owns, tmp_path / "out", tools(desk, Stopping(), cancel))
    assert measure(owns, tmp_path / "out", tools(desk, scorer)).models[0].done == 3
    assert scorer.scored == 2
    with pytest.raises(RefusedInput, match="other pictures"):
        run(desk, owns[:2], tmp_path / "out")


def test_without_a_hole_there_is_a_reason(desk: Desk) -> None:
    whole = edited(desk, request(region=Region.WHOLE, strength=0.5), masked=False)
    scores = outside(pair_of(desk.store, own_results(places(whole))[0]))
    assert all(isinstance(score, Undefined) for score in scores.values())
