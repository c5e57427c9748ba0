"""LoRAs, embeddings and references at the page: words, settings that come along, pictures."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import MakeContext
from tests.browser.desk import Desk, photograph
from tests.browser.server import Server

pytestmark = pytest.mark.browser
SIZE = (240, 160)
MODELS = """
models:
  sketch:
    source: ./absent
    title: Sketch
    family: sd15
    native_size: 64
    loras:
      ink: {source: ./absent, scale: 0.7, trigger: ink drawing, note: Lines only.}
      quick:
        source: ./absent
        few_steps: {scheduler: lcm, num_inference_steps: 4, guidance_scale: 1}
    embeddings: {<toy>: ./absent}
    references: {ip_adapter: ./absent}
  exemplar:
    engine: exemplar
"""


@pytest.fixture(scope="module")
def rich(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app with a model that has everything to add; none of its weights are there."""
    del chromium
    folder = tmp_path_factory.mktemp("rich")
    (folder / "models.yaml").write_text(MODELS, encoding="utf-8")
    running = Server(folder, "--models", str(folder / "models.yaml"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")  # a hub would fetch what must be absent
        running.start()
    yield running
    running.stop()


@pytest.fixture
def at(profile: MakeContext, rich: Server, tmp_path: Path) -> Iterator[Desk]:
    """A desk with a picture, a mask and both accordions unfolded."""
    desk = Desk(profile(), rich)
    desk.open(photograph(tmp_path / "picture.png", SIZE))
    for name, label in (("loras", "LoRAs and embeddings"), ("references", "References")):
        desk.page.locator(f"#{name}").get_by_text(label, exact=True).first.click()
    desk.page.locator("#lora-1").wait_for()
    yield desk
    assert not desk.troubles, "\n".join(desk.troubles)


def test_a_lora_brings_its_weight_and_its_words(at: Desk) -> None:
    at.pick("lora-1", "ink")
    trigger = at.page.locator("#lora-1-trigger")
    expect(trigger).to_contain_text("Lines only. · Its words: ink drawing")
    expect(at.page.locator("#lora-1-scale input[type=number]")).to_have_value("0.7")
    at.page.locator("#prompt textarea").fill("a house")
    at.page.locator("#lora-1-insert").click()
    expect(at.page.locator("#prompt textarea")).to_have_value("a house, ink drawing")
    at.page.locator("#embedding-insert").click()
    expect(at.page.locator("#prompt textarea")).to_have_value("a house, ink drawing, <toy>")


def test_a_few_step_lora_sets_what_it_was_made_for(at: Desk) -> None:
    at.pick("lora-1", "quick")
    at.sees("quick is made for lcm, 4 steps and CFG 1: they are set")
    at.page.locator("#sampling").get_by_text("Sampling", exact=True).first.click()
    expect(at.page.locator("#steps input[type=number]")).to_have_value("4")
    expect(at.page.locator("#scheduler input")).to_have_value("lcm")


def test_what_is_not_here_is_refused_at_apply(at: Desk) -> None:
    at.paint(60, 40, 90, 70)
    at.pick("lora-1", "ink")
    at.page.locator("#apply").click()
    at.sees("The LoRA ink cannot be used")


def test_a_reference_is_shown_and_stays_over_a_refresh(at: Desk, tmp_path: Path) -> None:
    with at.page.expect_file_chooser() as chooser:
        at.page.locator("#reference-1-upload").click()
    chooser.value.set_files(photograph(tmp_path / "like.png", (60, 90)))
    at.sees("The reference is kept with the edit")
    thumb = at.page.locator("#reference-1-thumb img")
    expect(thumb).to_be_visible()
    address = thumb.get_attribute("src")
    at.page.wait_for_timeout(1500)  # the draft is kept a moment after the last change
    at.page.reload()
    at.page.locator("#references").get_by_text("References", exact=True).first.click()
    expect(at.page.locator("#reference-1-thumb img")).to_have_attribute("src", address or "")
    at.page.locator("#reference-1-remove").click()
    expect(at.page.locator("#reference-1-thumb img")).to_have_count(0)
