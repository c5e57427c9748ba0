"""Fingers on a phone: touch events from Chromium's own input pipeline."""

import numpy as np
import pytest

from tests.ui.canvas.canvas_page import Hand

pytestmark = pytest.mark.browser


class Touch:
    def __init__(self, hand: Hand) -> None:
        self.session = hand.page.context.new_cdp_session(hand.page)
        self.hand = hand

    def send(self, kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
        self.hand.page.wait_for_timeout(20)


def test_a_finger_paints(finger: Hand) -> None:
    finger.picture()
    touch = Touch(finger)
    touch.send("touchStart", finger.at(100, 100))
    touch.send("touchMove", finger.at(150, 100))
    touch.send("touchMove", finger.at(200, 100))
    touch.send("touchEnd")
    mask = finger.mask()
    assert (mask[100, 100:200] == 255).all()
    assert mask[30, 150] == 0


def test_a_second_finger_takes_back_the_stroke_and_zooms(finger: Hand) -> None:
    finger.picture()
    touch = Touch(finger)
    before = finger.state()
    a, b = finger.at(100, 100), finger.at(200, 100)
    middle = finger.at(150, 100)
    touch.send("touchStart", a)
    touch.send("touchMove", (a[0] + 6, a[1]))
    assert finger.state()["maskSum"] > 0
    touch.send("touchStart", (a[0] + 6, a[1]), (b[0] - 6, b[1]))
    assert finger.state()["maskSum"] == 0
    touch.send("touchMove", (a[0] - 30, a[1] + 40), (b[0] + 30, b[1] + 40))
    touch.send("touchEnd")
    after = finger.state()
    assert after["zoom"] > 1.3 * before["zoom"]
    assert np.allclose(finger.at(150, 100), (middle[0], middle[1] + 40), atol=1)
    assert (after["maskSum"], after["undoDepth"]) == (0, 0)


def test_the_second_finger_lifted_last_paints_nothing(finger: Hand) -> None:
    finger.picture()
    touch = Touch(finger)
    a, b = finger.at(100, 100), finger.at(200, 100)
    touch.send("touchStart", a)
    touch.send("touchStart", a, b)
    touch.send("touchEnd", a)
    touch.send("touchMove", (a[0] + 40, a[1]))
    touch.send("touchEnd")
    assert finger.state()["maskSum"] == 0


def test_a_finger_drags_a_corner_of_the_frame(finger: Hand) -> None:
    finger.picture()
    finger.page.locator("[data-act=frame]").tap()
    touch = Touch(finger)
    x, y = finger.at(300, 200)
    touch.send("touchStart", (x + 8, y + 8))
    touch.send("touchMove", (x + 20, y + 20))
    touch.send("touchEnd")
    border = finger.read().border
    assert border.right > 0 and border.bottom > 0
    assert border.left == border.top == 0


def test_every_button_is_44_pixels_and_the_page_does_not_scroll_sideways(finger: Hand) -> None:
    finger.picture()
    sizes = finger.page.evaluate(
        """() => [...document.querySelectorAll(".gc-root .gc-button")]
          .filter((b) => b.offsetParent)
          .map((b) => [b.dataset.act, b.offsetWidth, b.offsetHeight])"""
    )
    assert len(sizes) > 15
    assert all(width >= 44 and height >= 44 for _, width, height in sizes), sizes
    assert finger.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
