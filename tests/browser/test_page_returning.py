"""A refresh, a closed tab, a killed server: nothing is lost; jobs go on or are offered again."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Request, Route

from tests.browser.conftest import MakeContext
from tests.browser.desk import Desk, photograph
from tests.browser.server import Server

pytestmark = pytest.mark.browser
SIZE = (240, 160)
LARGE = (1000, 800)


def start_long_job(desk: Desk, folder: Path, variants: int = 8) -> Path:
    """Apply an edit that takes many seconds, and wait until a worker has it."""
    path = photograph(folder / "long.png", LARGE)
    desk.open(path)
    desk.paint(100, 100, 600, 450)
    desk.number("variants", variants)
    desk.start()
    desk.sees(f"variant 1 of {variants}")
    return path


def stored_mask(server: Server, digest: str) -> Path:
    (found,) = (server.data_dir / "masks").rglob(f"{digest}.png")
    return found


def test_cancel_ends_a_running_job_within_seconds(desk: Desk, tmp_path: Path) -> None:
    start_long_job(desk, tmp_path)
    started = time.perf_counter()
    desk.page.locator("#cancel").click()
    desk.sees("The edit was cancelled.")
    assert time.perf_counter() - started < 10
    assert desk.thumbs().count() == 0
    desk.paint(10, 10, 40, 40)
    desk.act("clear")
    desk.paint(10, 10, 40, 40)
    desk.number("variants", 1)
    assert "0 of " in desk.apply()
    states = [entry["state"] for entry in desk.log()]
    assert states == ["cancelled", "done"]


def test_a_refresh_during_a_job_shows_it_again_and_its_result(desk: Desk, tmp_path: Path) -> None:
    start_long_job(desk, tmp_path, variants=2)
    desk.page.reload()
    desk.ready()
    assert desk.answered("running", "done")
    desk.answered("done")
    assert "0 of " in desk.page.locator(".cp-proof").inner_text()
    assert desk.thumbs().count() == 2


def test_a_result_that_came_while_the_tab_was_closed_is_in_the_history(
    profile: MakeContext, server: Server, tmp_path: Path
) -> None:
    context = profile()
    desk = Desk(context, server)
    start_long_job(desk, tmp_path, variants=1)
    desk.page.close()
    again = Desk(context, server)
    again.page.wait_for_function(
        "document.querySelectorAll('.sp-pick').length === 1", timeout=60_000
    )
    assert not again.troubles


def test_a_closed_tab_comes_back_as_it_was(
    profile: MakeContext, server: Server, tmp_path: Path
) -> None:
    context = profile()
    desk = Desk(context, server)
    path = photograph(tmp_path / "back.png", SIZE)
    desk.open(path)
    desk.paint(60, 40, 120, 100)
    desk.apply()
    desk.view("Paint")
    desk.paint(10, 10, 40, 30)
    desk.unfold("Outpaint: add a border")
    desk.number("border-left", 24)
    desk.number("variants", 3)
    desk.page.get_by_label("Lock").check()
    desk.number("seed", 4321)
    desk.kept()
    before = desk.state()
    desk.page.close()
    assert not desk.troubles

    desk = Desk(context, server)
    for _ in range(2):  # coming back changes nothing that the next time would bring back
        desk.opened(SIZE)
        after = desk.state()
        for name in ("maskSum", "painted", "border", "source", "width", "height"):
            assert after[name] == before[name], name
        desk.kept()
        desk.page.reload()
        desk.ready()
    desk.opened(SIZE)
    assert desk.page.locator("#variants input").input_value() == "3"
    assert desk.page.locator("#seed input").input_value() == "4321"
    assert desk.page.get_by_label("Lock").is_checked()
    assert desk.thumbs().count() == 1
    assert "0 of " in desk.apply()
    entry = desk.log()[-1]
    assert entry["request"]["border"] == [24, 0, 0, 0]
    mask = np.asarray(Image.open(stored_mask(server, entry["inputs"]["mask"])))
    assert mask[20, 20] == mask[70, 90] == 255 and mask[120, 200] == 0
    assert not desk.troubles


def test_a_slow_start_of_the_page_does_not_reset_the_settings(
    profile: MakeContext, server: Server, tmp_path: Path
) -> None:
    context = profile()
    desk = Desk(context, server)
    desk.open(photograph(tmp_path / "slow.png", SIZE))
    desk.paint(60, 40, 120, 100)
    desk.number("variants", 3)
    desk.kept()
    desk.page.close()
    held: list[Route] = []  # what the page asks at first, how the session was left among it
    slow = [True]

    def hold(route: Route) -> None:
        if slow:
            held.append(route)
        else:
            route.continue_()

    context.route("**/gradio_api/run/**", hold)
    page = context.new_page()
    page.goto(server.url)
    page.wait_for_function("window.genimgCanvas !== undefined")
    page.wait_for_timeout(1500)
    assert page.locator("#variants input").input_value() == "1"
    slow.clear()
    for route in reversed(held):
        route.continue_()
    page.wait_for_function("document.querySelector('#variants input').value === '3'")
    page.close()


def test_a_killed_server_takes_its_worker_along_and_offers_the_job_again(
    profile: MakeContext, own_server: Server, tmp_path: Path
) -> None:
    desk = Desk(profile(), own_server)
    path = start_long_job(desk, tmp_path, variants=3)
    workers = own_server.living_workers()
    assert len(workers) == 1
    own_server.kill()
    deadline = time.monotonic() + 15
    while own_server.living_workers() & workers:
        assert time.monotonic() < deadline, "the worker lives on without its server"
        time.sleep(0.1)
    own_server.start()
    desk.page.wait_for_timeout(300)
    desk.troubles.clear()  # of the connection that the kill cut off
    desk.page.reload()
    desk.ready()
    desk.sees("The program stopped while an edit was running.")
    desk.opened(LARGE)
    assert desk.state()["painted"] == 500 * 350
    assert desk.page.locator("#variants input").input_value() == "3"
    desk.forget()
    desk.page.get_by_role("button", name="Run it again").click()
    assert desk.answered("done", "error").startswith("Done: 3 variants")
    changed = (desk.result() != np.asarray(Image.open(path))).any(-1)
    assert changed[200:300, 200:300].any() and not changed[470:].any()
    assert [entry["state"] for entry in desk.log()] == ["interrupted", "done"]
    assert not desk.troubles


def test_two_people_do_not_see_each_other(
    profile: MakeContext, server: Server, tmp_path: Path
) -> None:
    ann, ben = Desk(profile(), server), Desk(profile(), server)
    ann.open(photograph(tmp_path / "ann.png", SIZE))
    ann.paint(60, 40, 120, 100)
    ann.apply()
    ben.page.reload()
    ben.ready()
    assert ben.thumbs().count() == 0
    assert ben.state()["width"] == 0

    entry = ann.log()[-1]["id"]
    ben.open(photograph(tmp_path / "ben.png", SIZE))
    ben.paint(10, 10, 40, 40)
    ben.apply()
    own = ben.result_path()
    for button in (".sp-pick", ".sp-star", ".cp-continue", ".cp-restore", ".cp-delete"):
        answer = forged(ben, button, entry)
        assert "is not in this session" in answer, button
        assert ann.result_path().name not in answer
        assert ben.result_path() == own
    assert ben.thumbs().count() == 1
    ann.page.reload()
    ann.ready()
    assert ann.thumbs().count() == 1
    assert not ann.log()[-1]["parent"]
    assert not ann.troubles and not ben.troubles


def forged(desk: Desk, button: str, entry: str) -> str:
    """Press a button of one's own result while the request names another's; the answer."""
    own = desk.log()[-1]["id"]

    def forge(route: Route) -> None:
        body = json.loads(route.request.post_data or "{}")
        if body.get("event_data"):
            body["event_data"] = json.loads(json.dumps(body["event_data"]).replace(own, entry))
        route.continue_(post_data=json.dumps(body))

    desk.page.route("**/gradio_api/run/**", forge)
    with desk.page.expect_response(lambda answer: names(answer.request, entry)) as waiting:
        desk.page.locator(button).first.dispatch_event("click")
    answer = waiting.value.text()
    desk.page.unroute("**/gradio_api/run/**")
    return answer


def names(request: Request, entry: str) -> bool:
    """Whether a request is an event of the page about this entry."""
    if "/gradio_api/run/" not in request.url:
        return False
    return entry in json.dumps(json.loads(request.post_data or "{}").get("event_data"))
