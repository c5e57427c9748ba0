"""Keys and fingers: shortcuts of the page, a phone with touch, and how the page looks."""

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import MakeContext
from tests.browser.desk import Desk, photograph
from tests.browser.server import ROOT, Server

pytestmark = pytest.mark.browser
SIZE = (240, 160)
OUTPUT = ROOT / "tests" / "output"  # ignored by git
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}


def test_ctrl_enter_applies_and_escape_cancels(desk: Desk, tmp_path: Path) -> None:
    desk.open(photograph(tmp_path / "keys.png", (1000, 800)))
    desk.paint(100, 100, 600, 450)
    desk.number("variants", 8)
    desk.page.keyboard.press("Control+Enter")
    desk.sees("variant 1 of 8")
    desk.page.keyboard.press("Escape")
    desk.sees("The edit was cancelled.")
    desk.number("variants", 1)
    desk.act("clear")
    desk.paint(10, 10, 60, 60)
    desk.forget()
    desk.page.locator("#seed input").focus()
    desk.page.keyboard.press("Control+Enter")
    assert "0 of " in desk.answered("done", "error")


class Finger:
    """Touches through Chromium's own input pipeline."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.session = desk.page.context.new_cdp_session(desk.page)

    def stroke(self, *points: tuple[float, float]) -> None:
        places = [self.desk.at(*point) for point in points]
        self._send("touchStart", places[0])
        for place in places[1:]:
            self._send("touchMove", place)
        self._send("touchEnd")

    def _send(self, kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": 0} for x, y in places]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        self.desk.page.wait_for_timeout(20)


def test_a_phone_paints_applies_and_compares(
    profile: MakeContext, server: Server, tmp_path: Path
) -> None:
    desk = Desk(profile(**PHONE), server)
    path = photograph(tmp_path / "phone.jpg", SIZE)
    with desk.page.expect_file_chooser() as chooser:
        desk.page.get_by_role("button", name="Choose a photograph").tap()
    chooser.value.set_files(path)
    desk.opened(SIZE)
    Finger(desk).stroke((80, 60), (100, 70), (120, 60))
    assert desk.state()["painted"] > 0
    apply, status = desk.page.locator("#apply"), desk.page.locator("#status")
    for part in (apply, status):
        box = part.bounding_box()
        assert box is not None
        assert box["y"] >= 0 and box["y"] + box["height"] <= 844  # without scrolling
    assert apply.bounding_box()["height"] >= 44  # type: ignore[index]
    desk.forget()
    apply.tap()
    assert "0 of " in desk.answered("done", "error")
    OUTPUT.mkdir(exist_ok=True)
    desk.page.screenshot(path=OUTPUT / "phone.png", full_page=True)
    assert desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not desk.troubles


def test_every_tool_is_in_sight_and_large_enough_on_a_phone(
    profile: MakeContext, server: Server
) -> None:
    desk = Desk(profile(**PHONE), server)
    desk.page.get_by_role("button", name="Cat", exact=True).tap()
    desk.opened((451, 300))
    for bar in ("tools", "options"):
        buttons = desk.page.locator(f".gc-{bar} .gc-button:visible")
        assert buttons.count() >= 4
        for button in buttons.all():
            box = button.bounding_box()
            assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390
            assert box["width"] >= 40 and box["height"] >= 40
    for number in desk.page.locator(".gc-field input[type=number]").all():
        box = number.bounding_box()
        assert box is not None and box["x"] + box["width"] <= 390 and box["height"] >= 40
    assert desk.page.locator(".gc-stage").bounding_box()["height"] >= 280  # type: ignore[index]
    assert desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not desk.troubles


def test_an_example_is_scrolled_into_sight_on_a_phone(profile: MakeContext, server: Server) -> None:
    desk = Desk(profile(**PHONE), server)
    desk.page.get_by_role("button", name="Cat", exact=True).tap()
    desk.opened((451, 300))
    desk.page.wait_for_function(
        "document.querySelector('.gc-stage').getBoundingClientRect().y >= 0"
    )
    Finger(desk).stroke((100, 100), (200, 150))
    assert desk.state()["painted"] > 0


CONTRAST = """() => {
  const parse = (text) => {
    const [r, g, b, a = 1] = (text.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
    const full = text.startsWith('color(') ? 255 : 1; // color(srgb ...) counts from 0 to 1
    return [r * full, g * full, b * full, a];
  };
  const light = ([r, g, b]) => {
    const part = (v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour[3] > 0.9) return colour;
      if (getComputedStyle(node).backgroundImage !== 'none') return null;
    }
    return [255, 255, 255];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || ['SCRIPT', 'STYLE'].includes(node.tagName)) continue;
    if (!node.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const box = node.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) continue;
    if (node.closest(':disabled, [disabled], .gc-message, .cp-tag')) continue;
    const back = behind(node);
    if (!back) continue;
    const ink = parse(getComputedStyle(node).color);
    const seen = ink.map((v, i) => v * ink[3] + back[i] * (1 - ink[3]));
    const [a, b] = [light(seen), light(back)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < LEAST) poor.push(`${ratio.toFixed(2)} ${text.slice(0, 40)} (${node.className})`);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_is_readable(profile: MakeContext, server: Server, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: a contrast of at least 4.5 for text of this size."""
    desk = Desk(profile(color_scheme=scheme), server)
    desk.page.get_by_role("button", name="Coffee", exact=True).click()
    desk.opened((600, 400))
    desk.paint(200, 150, 300, 250)
    desk.apply()
    for title in ("Outpaint: add a border", "Mask and context", "Sampling", "Control"):
        desk.unfold(title)
    desk.page.wait_for_timeout(400)
    OUTPUT.mkdir(exist_ok=True)
    desk.page.screenshot(path=OUTPUT / f"compare-{scheme}.png", full_page=True)
    assert desk.page.evaluate(CONTRAST.replace("LEAST", "4.5")) == []
    desk.view("Paint")
    desk.page.wait_for_timeout(400)
    desk.page.screenshot(path=OUTPUT / f"paint-{scheme}.png", full_page=True)
    assert desk.page.evaluate(CONTRAST.replace("LEAST", "4.5")) == []
    assert not desk.troubles


def test_apply_is_in_sight_on_a_laptop(desk: Desk) -> None:
    desk.page.screenshot(path=OUTPUT / "empty.png")
    box = desk.page.locator("#apply").bounding_box()
    assert box is not None and box["y"] + box["height"] <= 800
    status = desk.page.locator("#status").bounding_box()
    assert status is not None and status["y"] + status["height"] <= 800
