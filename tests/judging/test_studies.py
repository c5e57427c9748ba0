"""Studies on disk: blind copies, owners, answers that survive, what raters see of a study."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genimg_ui.core.request import EditGroup
from genimg_ui.errors import RefusedInput, UnknownItem
from genimg_ui.history.names import session_id
from genimg_ui.history.store import Store
from genimg_ui.judging.answers import AnswerLog, Choice, latest
from genimg_ui.judging.blind import blind_png
from genimg_ui.judging.entrants import Chosen, Compared, Selection, entrants_of
from genimg_ui.judging.export import csv_of_answers, json_text
from genimg_ui.judging.outcome import outcome_of
from genimg_ui.judging.sitting import Sittings
from genimg_ui.judging.studies import Studies, StudyLimits, Wish
from genimg_ui.judging.study import Study
from tests.judging.conftest import MakeResult

MODELS = ("alpha-model", "beta-model", "gamma-model")
LAST = Selection(chosen=Chosen.LAST)
RATER, OTHER = "7" * 32, "8" * 32


@pytest.fixture
def study(store: Store, ann: str, studies: Studies, make_result: MakeResult) -> Study:
    for source in (5, 6):
        for model in MODELS:
            make_result(model, source=source, prompt="a red boat")
    return studies.make(ann, entrants_of(store, ann, LAST), Wish(title="Boats", seed=4))


def test_a_blind_copy_has_the_pixels_and_no_word(store: Store, make_result: MakeResult) -> None:
    path = store.result_path(make_result("alpha-model").results[0].sha256)
    blind = blind_png(path)
    assert b"alpha-model" in path.read_bytes() and b"alpha-model" not in blind
    copy = path.with_name("copy.png")
    copy.write_bytes(blind)
    with Image.open(path) as before, Image.open(copy) as after:
        assert np.array_equal(np.asarray(before), np.asarray(after))
        assert after.info == {"dpi": before.info["dpi"]}
    (path.with_name("x.png")).write_bytes(b"GIF89a")
    with pytest.raises(RefusedInput, match="must be a PNG"):
        blind_png(path.with_name("x.png"))


def test_pairs_are_within_one_picture_and_between_models(study: Study) -> None:
    assert len(study.pairs) == 6 and study.players == MODELS
    for pair in study.pairs:
        first, second = study.items[pair.first], study.items[pair.second]
        assert first.case == second.case and first.player != second.player
    assert set(study.prompts.values()) == {"a red boat"}


def test_the_seed_decides_which_pairs_whatever_the_copies_are_called(
    store: Store, ann: str, studies: Studies, study: Study
) -> None:
    entrants = entrants_of(store, ann, LAST)
    again = studies.make(ann, entrants, Wish(title="Boats", seed=4))
    assert again.pairs == study.pairs and again.id != study.id
    assert {i.picture for i in again.items}.isdisjoint(i.picture for i in study.items)
    assert studies.make(ann, entrants, Wish(title="Boats", seed=5)).pairs != study.pairs


def test_nothing_that_a_rater_gets_names_a_model(study: Study, studies: Studies) -> None:
    sittings = Sittings(studies)
    for place in range(6):
        view = sittings.view(study.id, RATER, place)
        assert view.left and view.right
        for path in (view.left, view.right):
            assert b"-model" not in path.read_bytes()
            assert not any(item.entry in path.name for item in study.items)
        assert not any(model in repr(view) for model in MODELS)
        sittings.answer(study.id, RATER, view.pair or 0, "tie", 1.0)
    ended = sittings.view(study.id, RATER)
    assert (ended.done, ended.total, ended.pair, ended.left) == (6, 6, None, None)


def test_progress_is_in_the_answers_and_going_back_changes_one(
    study: Study, studies: Studies
) -> None:
    first = Sittings(studies).view(study.id, RATER)
    Sittings(studies).answer(study.id, RATER, first.pair or 0, "left", 2.5)
    later = Sittings(Studies(studies._folder.parent)).view(study.id, RATER)  # as after a restart
    assert (later.place, later.done) == (1, 1) and later.pair != first.pair
    back = Sittings(studies).view(study.id, RATER, 0)
    assert back.pair == first.pair and back.said is Choice.LEFT and back.left == first.left
    assert Sittings(studies).view(study.id, RATER, 5).place == 1  # nobody looks ahead
    Sittings(studies).answer(study.id, RATER, back.pair or 0, "both bad", 1.0)
    answers = studies.answers(study.id).read()
    assert [a.choice for a in answers] == [Choice.LEFT, Choice.BOTH_BAD]
    assert [a.choice for a in latest(answers)] == [Choice.BOTH_BAD]
    assert Sittings(studies).view(study.id, OTHER).done == 0


def test_an_answer_names_the_results_that_stood_there(study: Study, studies: Studies) -> None:
    view = Sittings(studies).view(study.id, RATER)
    Sittings(studies).answer(study.id, RATER, view.pair or 0, "right", 3.25)
    (answer,) = studies.answers(study.id).read()
    shown = study.schedule(RATER)[0]
    assert answer.left == (study.items[shown.left].entry, 0)
    assert answer.right == (study.items[shown.right].entry, 0)
    assert answer.seconds == 3.25 and answer.at
    assert answer.prefers_first is (not shown.first_left)


def test_what_no_page_sends_is_refused(study: Study, studies: Studies) -> None:
    answer = Sittings(studies).answer
    for rater, pair, choice, seconds, words in (
        ("x", 0, "left", 1.0, "32 hex digits"),
        (RATER, 99, "left", 1.0, "one of the 6 here"),
        (RATER, 0, "better", 1.0, "left, right, tie, both bad"),
        (RATER, 0, "left", float("nan"), "seconds"),
        (RATER, 0, "left", -1.0, "seconds"),
    ):
        with pytest.raises(RefusedInput, match=words):
            answer(study.id, rater, pair, choice, seconds)
    for name in ("../secret", "0" * 32, ""):
        with pytest.raises(UnknownItem):
            Sittings(studies).view(name, RATER)
    assert studies.answers(study.id).read() == []


def test_a_torn_line_is_passed_over_and_the_log_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    answer = {"rater": RATER, "pair": 1, "first_left": True, "choice": "tie", "at": "now"}
    line = json.dumps(answer | {"left": ["e", 0], "right": ["f", 0]})
    path.write_text(f"{line}\n{line[:30]}")
    log = AnswerLog(path)
    (first,) = log.read()
    log.append(first)
    assert log.read() == [first, first]
    assert path.read_text().count("\n") == 3
    AnswerLog(path).append(first)  # another process
    assert log.read() == [first, first, first] == AnswerLog(path).read()


def test_only_its_owner_sees_or_removes_a_study(
    study: Study, studies: Studies, store: Store, ann: str
) -> None:
    bob = session_id("b" * 32)
    assert [one.id for one in studies.of_session(ann)] == [study.id]
    assert studies.of_session(bob) == []
    for act in (studies.own, studies.remove):
        with pytest.raises(UnknownItem, match="not in this session"):
            act(bob, study.id)
    studies.remove(ann, study.id)
    assert not (store.data_dir / "judging" / study.id).exists()
    with pytest.raises(UnknownItem, match="no such study"):
        studies.study(study.id)


def test_what_a_kill_left_of_a_study_goes_after_an_hour(study: Study, studies: Studies) -> None:
    folder = studies.picture(study, study.items[0]).parent
    dead, fresh = folder.with_name("d" * 32), folder.with_name("e" * 32)
    for left in (dead, fresh):
        left.mkdir()
        (left / "x.png").touch()
    for old in (dead, folder):
        os.utime(old, (1, 1))
    Studies(folder.parents[1])
    assert not dead.exists() and fresh.exists() and studies.study(study.id) == study


def test_limits_are_told(store: Store, ann: str, study: Study) -> None:
    assert study.owner == ann
    entrants = entrants_of(store, ann, LAST)
    for limits, words in (
        (StudyLimits(of_session=1), "1 studies here"),
        (StudyLimits(pictures=5), "at most 5 pictures here, got 6"),
        (StudyLimits(bytes_in_all=10), "may take 0 MB"),
    ):
        with pytest.raises(RefusedInput, match=words):
            Studies(store.data_dir, limits).make(ann, entrants, Wish(title="T"))


def test_starred_results_a_run_and_the_last_ones(
    store: Store, ann: str, make_result: MakeResult
) -> None:
    with pytest.raises(RefusedInput, match="this session has made none"):
        entrants_of(store, ann, LAST)
    loose = make_result("alpha-model")
    cells = [
        make_result(
            "beta-model", prompt=f"{n}", group=EditGroup(id="r1", position=n, cell={"seed": f"{n}"})
        )
        for n in range(3)
    ]
    store.star(ann, loose.id, 0, on=True)
    starred = entrants_of(store, ann, Selection(chosen=Chosen.STARRED))
    assert [each.entry for each in starred] == [loose.id]
    run = Selection(chosen=Chosen.RUN, run="r1", compared=Compared.SETTINGS)
    found = entrants_of(store, ann, run)
    assert {each.entry for each in found} == {entry.id for entry in cells}
    assert {each.player for each in found} == {"Seed 0", "Seed 1", "Seed 2"}
    assert len({each.case for each in found}) == 1
    assert len(entrants_of(store, ann, Selection(chosen=Chosen.LAST, last=2))) == 2
    with pytest.raises(RefusedInput, match="A run must be chosen"):
        entrants_of(store, ann, Selection(chosen=Chosen.RUN))
    with pytest.raises(RefusedInput, match="2 to 2000, got 1"):
        entrants_of(store, ann, Selection(chosen=Chosen.LAST, last=1))


def test_the_outcome_of_two_raters_and_its_files(study: Study, studies: Studies) -> None:
    order = {name: n for n, name in enumerate(MODELS)}
    for rater in (RATER, OTHER):
        for shown in study.schedule(rater):
            left, right = (order[study.items[n].player] for n in (shown.left, shown.right))
            choice = "left" if left < right else "right"
            Sittings(studies).answer(study.id, rater, shown.pair, choice, 1.0)
    answers = studies.answers(study.id).read()
    outcome = outcome_of(study, answers)
    assert (outcome.raters, outcome.finished, outcome.answers) == (2, 2, 12)
    assert outcome.agreement.alpha == pytest.approx(1)
    assert outcome.ranking and outcome.ranking.prior == 1.0 and "One tie was" in outcome.note
    assert [row.player for row in outcome.ranking.strengths] == list(MODELS)
    tally = {each.player: (each.won, each.lost) for each in outcome.tallies}
    assert tally == {MODELS[0]: (8, 0), MODELS[1]: (4, 4), MODELS[2]: (0, 8)}
    table = "".join(csv_of_answers(study, answers)).splitlines()
    assert len(table) == 13 and table[0].startswith("study,rater,at")
    told = json.loads(json_text(study, answers, outcome))
    assert told["outcome"]["ranking"]["strengths"][0]["player"] == MODELS[0]
    assert len(told["answers"]) == 12 and study.owner not in json.dumps(told)


def test_both_bad_is_counted_apart_and_ranks_nobody(study: Study, studies: Studies) -> None:
    for shown in study.schedule(RATER):
        Sittings(studies).answer(study.id, RATER, shown.pair, "both bad", 1.0)
    outcome = outcome_of(study, studies.answers(study.id).read())
    assert outcome.ranking is None and "2 players or more, got 0" in outcome.note
    assert {(t.won, t.tied, t.both_bad) for t in outcome.tallies} == {(0, 0, 4)}
