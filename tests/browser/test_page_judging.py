"""Blind judging by keyboard over a reload, and the tab that makes studies and runs evaluations."""

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Page, Response

from genimg_ui.core.request import EditRequest
from genimg_ui.history.names import session_id
from genimg_ui.history.store import Store
from genimg_ui.judging.studies import Entrant, Studies, Wish
from genimg_ui.judging.study import Study
from tests.browser.conftest import MakeContext
from tests.browser.desk import EDIT_SECONDS, Desk, photograph
from tests.browser.server import Server
from tests.judging.conftest import keep_result, result_png

pytestmark = pytest.mark.browser
MODELS = ("alpha-model", "beta-model", "gamma-model")
WAIT = EDIT_SECONDS * 1000


@pytest.fixture
def study(server: Server, tmp_path: Path) -> Study:
    entrants = []
    for case in "12":
        for n, model in enumerate(MODELS):
            path = tmp_path / f"{case}{model}.png"
            path.write_bytes(result_png(20 + 30 * n + 100 * (case == "2"), model))
            entrants.append(
                Entrant(
                    case=case, prompt=f"<i>boat</i> {case}", player=model,
                    entry=f"entry{case}{n}", index=0, path=path,
                )
            )  # fmt: skip
    wish = Wish(title="Which boat?", instructions="Choose <b>one</b>.", seed=3)
    return Studies(server.data_dir).make(session_id("a" * 32), entrants, wish)


def loaded(page: Page) -> None:
    """Both pictures of the pair are before the rater, who can answer."""
    page.locator("#answers button:not([disabled])").first.wait_for(timeout=WAIT)


def says(page: Page, key: str, progress: str) -> None:
    loaded(page)
    page.keyboard.press(key)
    page.locator("#progress").get_by_text(progress, exact=True).wait_for(timeout=WAIT)


def test_a_rater_judges_by_keyboard_and_learns_no_name(
    profile: MakeContext, server: Server, study: Study
) -> None:
    context = profile()
    page = context.new_page()
    answers: list[Response] = []
    troubles: list[str] = []
    page.on("response", lambda answer: answers.append(answer))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(f"{server.url}judge/{study.id}")
    page.get_by_text("Choose <b>one</b>.").wait_for(timeout=WAIT)  # a text, never markup
    assert page.get_by_text("both are bad").is_visible()
    page.locator("#begin").click()
    page.locator("#progress").get_by_text("1 of 6", exact=True).wait_for(timeout=WAIT)
    assert page.locator("#prompt").inner_text().startswith("<i>boat</i>")
    for key, progress in (
        ("ArrowLeft", "2 of 6"),
        ("ArrowRight", "3 of 6"),
        ("ArrowDown", "4 of 6"),
    ):
        says(page, key, progress)
    shown = page.locator(".frame img").first.get_attribute("src")
    page.reload()
    page.locator("#progress").get_by_text("4 of 6", exact=True).wait_for(timeout=WAIT)
    loaded(page)
    assert page.locator(".frame img").first.get_attribute("src") == shown
    page.keyboard.press("+")
    transforms = page.evaluate(
        "[...document.querySelectorAll('.frame img')].map(i => i.style.transform)"
    )
    assert "scale(1.6)" in transforms[0] and transforms[0] == transforms[1]
    says(page, "x", "5 of 6")
    says(page, "Backspace", "4 of 6")
    loaded(page)
    assert page.locator('[aria-pressed="true"]').get_attribute("data-choice") == "both bad"
    says(page, "ArrowUp", "5 of 6")
    loaded(page)
    page.get_by_role("button", name="Equal").click()
    says(page, "ArrowLeft", "6 of 6")
    page.get_by_text("Thank you.").wait_for(timeout=WAIT)
    assert page.locator("#judging").is_hidden()
    said = Studies(server.data_dir).answers(study.id).read()
    assert [str(one.choice) for one in said] == [
        "left", "right", "tie", "both bad", "both bad", "tie", "left",
    ]  # fmt: skip
    assert len({one.rater for one in said}) == 1
    everything = page.content() + "".join(str(answer.headers) for answer in answers)
    for address in dict.fromkeys(answer.url for answer in answers):
        everything += address + page.request.get(address).body().decode("latin-1")
    for word in (*MODELS, "entry1", "entry2", study.owner):
        assert word not in everything
    assert not troubles, troubles


def given_results(desk: Desk) -> None:
    """Three results of one picture by three models, in the session of the page that is open."""
    store = Store(desk.server.data_dir)
    try:
        with store.database.reading() as connection:
            (session,) = (
                row["session"] for row in connection.execute("SELECT session FROM drafts")
            )
        for n, model in enumerate(MODELS):
            keep_result(store, session, result_png(40 * n, model), EditRequest(model=model))
    finally:
        store.close()


def test_the_tab_makes_a_study_shows_its_ranking_and_runs_an_evaluation(
    profile: MakeContext, own_server: Server, tmp_path: Path
) -> None:
    desk = Desk(profile(), own_server)
    page = desk.page
    desk.open(photograph(tmp_path / "photo.png", (120, 90)))
    given_results(desk)
    desk.view("Evaluate")
    page.get_by_text("No study yet.").wait_for(timeout=WAIT)
    page.locator(".ev-title").fill("Models <b>side</b> by side")
    page.locator(".ev-make").click()
    page.get_by_text("no result of this session has a star").wait_for(timeout=WAIT)
    page.locator(".ev-chosen").select_option("last")
    page.locator(".ev-make").click()
    page.get_by_text("The study is ready, with 3 pairs.").wait_for(timeout=WAIT)
    link = page.locator(".ev-address").input_value()
    assert link.startswith(f"{desk.server.url}judge/")
    rater = desk.context.new_page()
    rater.goto(link)
    rater.locator("#begin").click()
    for key, progress in (
        ("ArrowLeft", "2 of 3"),
        ("ArrowLeft", "3 of 3"),
        ("ArrowDown", "3 of 3"),
    ):
        says(rater, key, progress)
    rater.get_by_text("Thank you.").wait_for(timeout=WAIT)
    rater.close()
    page.locator(".ev-fresh").click()
    page.get_by_text("1 rater, 1 with all pairs; 3 answers").wait_for(timeout=WAIT)
    assert page.locator(".ev-player").count() == 3
    assert page.locator(".ev-dot").count() == 3
    with page.expect_download() as download:
        page.locator(".ev-csv").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert len(rows) == 3 and rows[2]["winner"] == "tie"
    evaluated(desk)
    assert not desk.troubles, "\n".join(desk.troubles)


def evaluated(desk: Desk) -> None:
    """Start a real evaluation, leave the page, come back, stop it, remove it."""
    page = desk.page
    page.get_by_text("No evaluation yet.").wait_for(timeout=WAIT)
    assert page.locator(".ev-protocol").input_value() == "examples"
    page.locator(".ev-start").click()
    page.get_by_text("one model or more, got none").wait_for(timeout=WAIT)
    page.get_by_label("Fill telea (baseline)").check()
    page.locator(".ev-start").click()
    page.locator(".ev-stop").wait_for(timeout=WAIT)
    page.goto("about:blank")
    page.goto(desk.server.url)
    desk.ready()
    desk.view("Evaluate")
    page.get_by_text("Models <b>side</b> by side").wait_for(timeout=WAIT)
    page.locator(".ev-stop").wait_for(timeout=WAIT)
    assert page.get_by_text("examples: Fill telea (baseline)").is_visible()
    page.locator(".ev-stop").click()
    page.get_by_text("Stopped. What was made is kept.").wait_for(timeout=WAIT)
    page.locator(".ev-resume").wait_for(timeout=WAIT)
    removal = page.locator(".ev-runs-list .ev-remove")
    removal.click()
    removal.click()
    page.get_by_text("The evaluation was removed.").wait_for(timeout=WAIT)
    page.locator(".ev-pictures").select_option("as-they-are")
    assert not page.locator(".ev-protocol").is_visible()
    assert not page.locator(".ev-models").is_visible()
    page.locator(".ev-which").select_option("last")
    page.locator(".ev-start").click()
    page.get_by_text("Results as they are").wait_for(timeout=WAIT)
    assert page.get_by_text("3 results of this session").is_visible()
