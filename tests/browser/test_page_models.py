"""The Models tab on a local hub: fetch with progress, stop, resume, accept, add, choose, remove."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator

from tests.browser.conftest import MakeContext
from tests.browser.desk import EDIT_SECONDS, Desk
from tests.browser.server import Server
from tests.hub_models import pipeline
from tests.hub_server import Hub, running

pytestmark = pytest.mark.browser
MODELS = """
default: exemplar
models:
  exemplar: {engine: exemplar, title: Exemplar, licence: Apache-2.0, memory_gib: 1}
  tiny: {source: tiny/model, family: sd15, title: Tiny, licence: OpenRAIL, memory_gib: 0.5}
  free: {source: tiny/free, family: sd15, title: Gift, licence: NC, non_commercial: true}
"""
WAIT = EDIT_SECONDS * 1000


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running(Hub()) as served:
        served.models["tiny/model"] = pipeline(unet_bytes=4_000_000)
        served.models["tiny/free"] = pipeline(unet_bytes=1000)
        served.models["tiny/other"] = pipeline(unet_bytes=1000)
        served.cards["tiny/other"] = {"license": "openrail"}
        yield served


@pytest.fixture
def shop(
    profile: MakeContext, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """A page whose only hub is the local one."""
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "token"))
    (tmp_path / "models.yaml").write_text(MODELS)
    server = Server(tmp_path, "--models", str(tmp_path / "models.yaml"))
    server.start()
    desk = Desk(profile(), server)
    desk.view("Models")
    yield desk
    server.stop()
    assert not desk.troubles, "\n".join(desk.troubles)


def card(desk: Desk, title: str) -> Locator:
    return desk.page.locator(".md-item").filter(has=desk.page.get_by_text(title, exact=True))


def reads(desk: Desk, title: str, words: str) -> None:
    card(desk, title).get_by_text(words).first.wait_for(timeout=WAIT)


def test_fetch_stop_resume_and_remove(shop: Desk, hub: Hub, tmp_path: Path) -> None:
    shop.page.locator(".md-machine").get_by_text("processor cores").wait_for(timeout=WAIT)
    reads(shop, "Tiny", "Not here: tiny/model")
    hub.slow = 0.1  # seconds for each 64 KB
    tiny = card(shop, "Tiny")
    tiny.get_by_text("Fetch", exact=True).click()
    reads(shop, "Tiny", "MB/s · ")
    assert tiny.locator("progress").is_visible()
    tiny.get_by_text("Stop", exact=True).click()
    reads(shop, "Tiny", "The download was stopped.")
    assert not list((tmp_path / "hub").glob("models--tiny--model/snapshots/*"))
    hub.slow = 0.0
    hub.asked.clear()
    tiny.get_by_text("Resume", exact=True).click()
    reads(shop, "Tiny", "Here, 4.0 MB, in ")
    assert any(asked.startswith("bytes=") for _, asked in hub.asked)
    tiny.get_by_text("Remove", exact=True).click()
    tiny.get_by_text("Remove 4.0 MB of files?").click()
    reads(shop, "Tiny", "Not here: tiny/model")
    assert not list((tmp_path / "hub").glob("models--tiny--model"))


def test_the_list_is_searched_and_unfolds(shop: Desk) -> None:
    shop.page.locator(".md-count").get_by_text("3 of 3 models").wait_for(timeout=WAIT)
    titles = shop.page.locator(".md-item:visible .md-title")
    assert titles.all_inner_texts() == ["Exemplar", "Tiny", "Gift"]
    facts = card(shop, "Tiny").locator(".md-facts")
    assert not facts.is_visible()
    card(shop, "Tiny").locator(".md-head").click()
    assert "Licence: OpenRAIL" in facts.inner_text()
    shop.page.locator(".md-search").fill("GIFT nc")
    assert titles.all_inner_texts() == ["Gift"]
    shop.page.locator(".md-search").fill("")
    shop.page.locator(".md-family").select_option("sd15")
    assert titles.all_inner_texts() == ["Tiny", "Gift"]
    shop.page.locator(".md-only input").check()
    shop.page.get_by_text("No model fits").wait_for()


def test_a_killed_download_is_shown_as_interrupted_and_goes_on(shop: Desk, hub: Hub) -> None:
    hub.slow = 0.1
    card(shop, "Tiny").get_by_text("Fetch", exact=True).click()
    reads(shop, "Tiny", "MB/s · ")
    shop.page.goto("about:blank")  # the tab is closed, the download goes on
    shop.page.wait_for_timeout(1000)
    shop.server.kill()
    shop.troubles.clear()
    hub.slow = 0.0
    shop.server.start()
    shop.page.goto(shop.server.url)
    shop.ready()
    shop.view("Models")
    reads(shop, "Tiny", "The download was interrupted.")
    card(shop, "Tiny").locator(".md-fetch").click()
    reads(shop, "Tiny", "Here, 4.0 MB, in ")
    assert any(asked.startswith("bytes=") for _, asked in hub.asked)


def test_a_licence_is_accepted_once_and_an_added_model_can_be_chosen(shop: Desk) -> None:
    gift = card(shop, "Gift")
    heights = [card(shop, name).bounding_box() for name in ("Gift", "Tiny")]
    assert abs(heights[0]["height"] - heights[1]["height"]) <= 8  # its button is in the same line
    assert not gift.get_by_text("For non-commercial use only.").is_visible()
    gift.locator(".md-head").click()
    reads(shop, "Gift", "For non-commercial use only.")
    assert not gift.locator(".md-fetch").is_visible()
    gift.get_by_text("Accept licence").click()
    gift.locator(".md-fetch").click()
    reads(shop, "Gift", "Here, ")
    kept = json.loads((shop.server.data_dir / "licences.json").read_text())
    assert kept["free"]["licence"] == "NC"
    source = shop.page.locator(".md-source")
    source.fill("tiny/nothing")
    shop.page.locator(".md-add").click()
    shop.page.get_by_text("The hub has no model tiny/nothing").wait_for(timeout=WAIT)
    assert source.input_value() == "tiny/nothing"
    source.fill("tiny/other")
    shop.page.locator(".md-add").click()
    shop.page.get_by_text("other is in the list: family sd15, openrail.").wait_for(timeout=WAIT)
    assert source.input_value() == ""
    reads(shop, "other", "added by you")
    shop.pick("model", "other (not here)")
    shop.page.reload()
    shop.ready()
    assert shop.page.locator("#model input").input_value() == "other (not here)"
    assert shop.page.locator("#prompt textarea").is_enabled()
    shop.view("Models")
    reads(shop, "Gift", "Here, ")
    assert not gift.get_by_text("Accept licence").is_visible()
    card(shop, "other").get_by_text("Remove", exact=True).click()
    card(shop, "other").get_by_text("of files and its entry in the list?").click()
    card(shop, "other").wait_for(state="detached")
    assert shop.page.locator("#model input").input_value() == "Exemplar"
    assert shop.page.locator("#prompt textarea").is_disabled()  # it reads none


def test_a_public_page_shows_the_models_and_changes_nothing(
    profile: MakeContext, tmp_path: Path
) -> None:
    server = Server(tmp_path, "--public")
    server.start()
    try:
        desk = Desk(profile(), server)
        desk.view("Models")
        desk.page.get_by_text("This page is open to everyone").wait_for(timeout=WAIT)
        desk.page.locator(".md-item").first.wait_for(timeout=WAIT)
        for button in (".md-fetch", ".md-accept", ".md-remove"):
            assert desk.page.locator(f"{button}:visible").count() == 0
        assert not desk.page.locator(".md-add").is_visible()
        assert (
            "/"
            not in card(desk, "Shapes (a made world, no download)")
            .locator(".md-state")
            .first.inner_text()
        )
    finally:
        server.stop()
    assert not desk.troubles, "\n".join(desk.troubles)
