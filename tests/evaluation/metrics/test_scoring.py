"""The scorer: what is asked for is computed or told, and always the same."""

from pathlib import Path

import numpy as np
import pytest
import torch

from genimg_ui.evaluation.metrics import weights
from genimg_ui.evaluation.metrics.base import Pair, Region, Undefined
from genimg_ui.evaluation.metrics.catalogue import METRICS
from genimg_ui.evaluation.metrics.distributions import frechet_distance
from genimg_ui.evaluation.metrics.features import StandIn
from genimg_ui.evaluation.metrics.scoring import around_hole, open_scorer
from tests.evaluation.metrics.made_pairs import pair, picture, worse

pytestmark = pytest.mark.torch
OFFLINE = tuple(name for name, metric in METRICS.items() if not metric.needs)


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which nothing was downloaded."""
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    monkeypatch.setattr(weights, "CLIP", "nobody/has-this-model")
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


def test_every_metric_is_computed_or_told() -> None:
    scorer = open_scorer(tuple(METRICS))
    assert {item.name for item in scorer.unavailable} == {*METRICS} - {*OFFLINE}
    pairs = [pair(picture(seed=seed), worse(picture(seed=seed), 9)) for seed in range(4)]
    scores, sets = scorer.score(pairs), scorer.score_set(pairs)
    for found in scores:
        assert list(found) == [n for n in OFFLINE if METRICS[n].region is not Region.SET]
        assert all(isinstance(value, float) and np.isfinite(value) for value in found.values())
    assert list(sets) == [n for n in OFFLINE if METRICS[n].region is Region.SET]
    assert all(isinstance(score.value, float) and score.n == 4 for score in sets.values())
    again = open_scorer(OFFLINE)
    assert again.score(pairs) == scores and again.score_set(pairs) == sets
    assert scorer.score_set(pairs) == sets


def test_what_is_absent_names_what_to_download_and_where(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {item.name: item.sentence for item in open_scorer(tuple(METRICS)).unavailable}
    assert told["fid"].startswith("FID needs the weights of InceptionV3")
    place = f"to checkpoints/{weights.INCEPTION.file} in the folder of torch.hub."
    assert weights.INCEPTION.url in told["kid_hole"] and place in told["kid_hole"]
    monkeypatch.setenv("HOME", str(bare.parent.parent))
    (told_at_home,) = open_scorer(("fid",)).unavailable
    beneath = f"~/{bare.parent.name}/checkpoints/{weights.INCEPTION.file}."
    assert told_at_home.sentence.endswith(beneath)
    assert not any(str(bare.parent.parent) in sentence for sentence in told.values())
    assert weights.ALEXNET.url in told["lpips"] and weights.ALEXNET.file in told["lpips_hole"]
    assert "hf download nobody/has-this-model" in told["clip_score"]


def test_a_file_that_is_not_the_published_one_is_told(bare: Path) -> None:
    (bare / weights.INCEPTION.file).write_bytes(b"half of it")
    (told,) = open_scorer(("recall",)).unavailable
    assert told.name == "recall" and "does not begin with 6726825d" in told.sentence


def test_a_clip_model_in_pieces_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "clip_folder", lambda: tmp_path)
    (told,) = open_scorer(("clip_score",)).unavailable
    assert told.name == "clip_score" and "not whole" in told.sentence


def test_only_what_is_asked_for_is_computed() -> None:
    scorer = open_scorer(("ssim_hole", "mse"))
    assert scorer.unavailable == ()
    assert [*scorer.score([pair()])[0]] == ["ssim_hole", "mse"]
    assert scorer.score_set([pair()]) == {} and scorer.score([]) == []


def test_sets_around_the_hole_are_those_of_the_cut_pictures() -> None:
    pairs = [pair(picture(seed=seed), worse(picture(seed=seed), 40)) for seed in range(5)]
    scores = open_scorer(("fid_stand_in", "fid_stand_in_hole")).score_set(pairs)
    network = StandIn()
    whole = frechet_distance(
        network([p.original for p in pairs]), network([p.result for p in pairs])
    )
    assert scores["fid_stand_in"].value == pytest.approx(whole, abs=1e-9)
    boxes = [around_hole(one) for one in pairs]
    cut = [
        network([getattr(p, side)[box] for p, box in zip(pairs, boxes, strict=True) if box])
        for side in ("original", "result")
    ]
    assert scores["fid_stand_in_hole"].value == pytest.approx(frechet_distance(*cut), abs=1e-9)
    assert scores["fid_stand_in_hole"].value != scores["fid_stand_in"].value


def test_originals_of_another_set_are_not_taken_for_these() -> None:
    scorer = open_scorer(("fid_stand_in",))
    one, other = ([pair(picture(seed=s)) for s in seeds] for seeds in ((0, 1, 2), (3, 4, 5)))
    first, second = scorer.score_set(one), scorer.score_set(other)
    assert first != second and open_scorer(("fid_stand_in",)).score_set(other) == second


def _with_hole(rows: slice, columns: slice, size: tuple[int, int] = (100, 200)) -> Pair:
    original = picture(*size)
    mask = np.zeros(size, np.uint8)
    mask[rows, columns] = 255
    return Pair(result=original, original=original, mask=mask)


def test_the_box_around_a_hole_is_square_and_inside() -> None:
    box = around_hole(_with_hole(slice(40, 50), slice(90, 140)))
    assert box == (slice(20, 70), slice(90, 140))
    assert around_hole(_with_hole(slice(0, 1), slice(199, 200))) == (slice(0, 32), slice(168, 200))
    assert around_hole(_with_hole(slice(0, 100), slice(0, 150))) == (slice(0, 100), slice(0, 150))
    assert around_hole(_with_hole(slice(0, 0), slice(0, 0))) is None


def test_pairs_without_a_hole_are_left_out_of_sets_around_it() -> None:
    pairs = [_with_hole(slice(10, 60), slice(10, 90)), _with_hole(slice(0, 0), slice(0, 0))]
    scores = open_scorer(("fid_stand_in", "fid_stand_in_hole")).score_set(pairs)
    assert scores["fid_stand_in"].n == 2 and scores["fid_stand_in_hole"].n == 1
    assert isinstance(scores["fid_stand_in_hole"].value, Undefined)
    none = open_scorer(("kid_stand_in_hole",)).score_set(pairs[1:])
    assert none["kid_stand_in_hole"].n == 0
