"""The Evaluate tab: what is shown of a study and an evaluation, and how a form is read."""

from pathlib import Path

import pytest

from genimg_ui.core.tasks import Task
from genimg_ui.errors import RefusedInput
from genimg_ui.evaluations.choices import choices, chosen, titles
from genimg_ui.evaluations.kept import Evaluation, Kept, State, Wanted
from genimg_ui.evaluations.runs import Evaluations
from genimg_ui.judging.agreement import Agreement
from genimg_ui.judging.answers import Answer, Choice
from genimg_ui.judging.entrants import Chosen, Compared, Selection
from genimg_ui.judging.outcome import outcome_of
from genimg_ui.judging.study import Item, Pair, Study
from genimg_ui.registry import ModelSpec, Registry
from genimg_ui.ui.evaluate_view import agreement_text, evaluation_view, form, study_view
from genimg_ui.ui.handlers.evaluate import selection_of

FILLS = ModelSpec(id="fills", title="Fills", engine="fake", licence="-")
LACKS = ModelSpec(id="lacks", title="Lacks", engine="fake", licence="-")
ENLARGES = ModelSpec(id="up", title="Up", engine="fake", licence="-", tasks=(Task.UPSCALE,))
REGISTRY = Registry((FILLS, LACKS, ENLARGES), "fills")


def lack(spec: ModelSpec) -> str | None:
    return "It is not here." if spec is LACKS else None


def study(answers: int) -> tuple[Study, list[Answer]]:
    """Two players in one pair, with that many raters who prefer b but for the first."""
    items = tuple(Item(case="1", player=p, entry=p, index=0, picture=p * 32) for p in ("a", "b"))
    made = Study(
        id="1" * 32, owner="2" * 32, created="2026-01-02T03:04:05", title="T", instructions="I",
        seed=7, items=items, pairs=(Pair(id=0, first=0, second=1),), prompts={},
    )  # fmt: skip
    said = [
        Answer(
            rater=f"{n:032x}", pair=0, first_left=True, left=("a", 0), right=("b", 0),
            choice=Choice.RIGHT if n else Choice.LEFT, at="",
        )
        for n in range(answers)
    ]  # fmt: skip
    return made, said


def test_the_strongest_stands_first_with_counts_and_interval() -> None:
    made, said = study(5)
    shown = study_view(made, outcome_of(made, said))
    assert [row["player"] for row in shown["rows"]] == ["b", "a"]
    assert shown["rows"][0]["counts"] == [4, 1, 0, 0]
    assert shown["rows"][0]["strength"].startswith("+0.69 [−")  # half the logarithm of 4
    low, at, high = shown["rows"][0]["bar"]
    assert 0 <= low < at < high == 100.0 and shown["rows"][1]["bar"][0] == 0.0
    assert shown["state"] == "5 raters, 5 with all pairs; 5 answers"
    assert "1 pair of 2 pictures in 1 case · seed 7" in shown["facts"]
    assert shown["link"] == f"judge/{made.id}" and "alpha" in shown["agreement"]


def test_without_answers_nothing_is_claimed() -> None:
    made, said = study(0)
    shown = study_view(made, outcome_of(made, said))
    assert (shown["note"], shown["agreement"], shown["how"]) == ("", "", "")
    assert all(row["bar"] is None and not any(row["counts"]) for row in shown["rows"])


def test_agreement_that_is_not_defined_says_why() -> None:
    said = agreement_text(Agreement(alpha=None, units=3, same=1.0, sentence="Because."))
    assert "the same in 100%, over 3 pairs with two answers or more. Because." in said


def test_models_that_lack_something_are_counted_not_offered(tmp_path: Path) -> None:
    evaluations = Evaluations(tmp_path, tmp_path / "models.yaml")
    shown = form(REGISTRY, lack, [("r", "a run")], evaluations)
    names = [model["id"] for model in shown["models"]]
    assert names[0] == "fills" and "fill:telea" in names
    assert "lacks" not in names and "up" not in names
    assert shown["absent"].startswith("1 more model cannot") and shown["closed"] == ""
    assert {"examples", "published"} <= set(shown["protocols"])
    assert choices(REGISTRY, lack).absent == 1 and titles(REGISTRY)["lacks"] == "Lacks"


def test_models_are_refused_by_name() -> None:
    assert chosen(REGISTRY, lack, ["fills", "fill:blur", "fills"]) == ("fills", "fill:blur")
    for asked, words in (("lacks", "not here"), ("up", "fill masks"), ("x", "x")):
        with pytest.raises(RefusedInput, match=words):
            chosen(REGISTRY, lack, [asked])


@pytest.mark.parametrize(
    ("state", "can"),
    [
        (State.RUNNING, {"stop"}),
        (State.STOPPING, set()),
        (State.STOPPED, {"resume", "removal"}),
        (State.FAILED, {"resume", "removal"}),
        (State.DONE, {"removal", "judge"}),
    ],
)
def test_what_can_be_done_with_an_evaluation(state: State, can: set[str]) -> None:
    wanted = Wanted(protocol="/home/ann/own.yaml", models=("fills", "fill:blur"))
    kept = Kept(id="1" * 32, owner="2" * 32, created="2026-01-02T03:04", wanted=wanted)
    one = Evaluation(kept=kept, state=state, fraction=0.25, text="case 2 of 8", report=None)
    shown = evaluation_view(one, {"fills": "Fills"}, str)
    assert {name for name in ("stop", "resume", "removal", "judge") if shown[name]} == can
    assert shown["title"] == "own.yaml: Fills, fill:blur"
    assert (shown["fraction"] is None) != state.active
    if state is State.RUNNING:
        assert shown["text"] == "case 2 of 8"
    if state is State.STOPPED:
        assert "25% of its cases" in shown["text"]


def test_results_as_they_are_have_a_name_and_a_count() -> None:
    wanted = Wanted(as_they_are=True)
    kept = Kept(
        id="1" * 32, owner="2" * 32, created="2026-01-02T03:04", wanted=wanted, own_results=3
    )  # fmt: skip
    one = Evaluation(kept=kept, state=State.RUNNING, fraction=0.5, text="", report=None)
    shown = evaluation_view(one, {}, str)
    assert shown["title"] == "Results as they are"
    assert shown["facts"].endswith("3 results of this session")


def test_a_form_is_read_or_refused() -> None:
    asked = {"chosen": "last", "compared": "settings", "last": " 12 ", "run": "r"}
    assert selection_of(asked) == Selection(
        chosen=Chosen.LAST, compared=Compared.SETTINGS, last=12, run="r"
    )
    for change, words in (
        ({"chosen": "all"}, "starred, run, last"),
        ({"compared": "prices"}, "models, settings"),
        ({"last": "many"}, "must be a whole number, got 'many'"),
        ({"last": "1e9"}, "whole number"),
    ):
        with pytest.raises(RefusedInput, match=words):
            selection_of(asked | change)
