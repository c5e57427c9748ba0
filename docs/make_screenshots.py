"""Makes the README's screenshots: starts the app, removes a rocket, widens a picture.

    .venv/bin/python docs/make_screenshots.py

The photographs are scikit-image's "rocket" (CC0, SpaceX) and "coffee" (CC0, Rachel Michetti).
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser_support import launch_browser  # noqa: E402  needs the path above

IMAGES = ROOT / "docs" / "images"
PORT = 7899
ADDRESS = f"http://127.0.0.1:{PORT}"
# Around the rocket on its pad, in pixels of the picture (640 × 427).
ROCKET = [(306, 118), (338, 118), (346, 300), (362, 380), (360, 404), (288, 404), (290, 340)]


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "app.py", "--data-dir", folder, "--port", str(PORT)]
        server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            while ADDRESS not in server.stdout.readline():
                time.sleep(0.1)
            take()
        finally:
            server.terminate()
            server.wait()


def take() -> None:
    """Light: painting and comparing; dark: outpainting; a phone."""
    with sync_playwright() as playwright, launch_browser(playwright) as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        open_example(page, ADDRESS, "Rocket")
        lasso(page, ROCKET)
        page.wait_for_timeout(1500)
        page.screenshot(path=IMAGES / "paint.png")
        apply(page)
        page.screenshot(path=IMAGES / "compare.png")
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        open_example(page, f"{ADDRESS}/?__theme=dark", "Coffee")
        page.get_by_text("Outpaint: add a border").click()
        for side in ("left", "right"):
            page.locator(f"#border-{side} input").fill("90")
        page.wait_for_timeout(1500)
        page.screenshot(path=IMAGES / "outpaint.png")
        phone = browser.new_page(
            viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True,
            device_scale_factor=2,
        )  # fmt: skip
        open_example(phone, ADDRESS, "Coffee")
        phone.screenshot(path=IMAGES / "phone.png")


def open_example(page: Page, address: str, name: str) -> None:
    page.goto(address)
    page.wait_for_function("window.genimgCanvas")
    page.get_by_role("button", name=name).click()
    page.wait_for_function("window.genimgCanvas.state().source.length === 64")
    page.evaluate("window.scrollTo(0, 0)")
    page.wait_for_timeout(500)


def lasso(page: Page, points: list[tuple[int, int]]) -> None:
    """Draw around `points`, given in pixels of the picture."""
    page.evaluate("window.genimgCanvas.act('lasso')")
    state = page.evaluate("window.genimgCanvas.state()")
    box = page.locator("#canvas .gc-stage").bounding_box()
    assert box is not None
    left, top, ratio = box["x"], box["y"], state["dpr"]

    def at(x: int, y: int) -> tuple[float, float]:
        return (
            left + (x * state["zoom"] + state["offset"][0]) / ratio,
            top + (y * state["zoom"] + state["offset"][1]) / ratio,
        )

    page.mouse.move(*at(*points[0]))
    page.mouse.down()
    for point in [*points[1:], points[0]]:
        page.mouse.move(*at(*point), steps=4)
    page.mouse.up()


def apply(page: Page) -> None:
    page.click("#apply")
    page.wait_for_selector(".cp-root[data-shown]", timeout=120_000)
    page.wait_for_timeout(1500)


if __name__ == "__main__":
    main()
