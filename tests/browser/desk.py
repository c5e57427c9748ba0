"""A person at the page: opens, paints, applies and looks, and watches what the browser tells."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Request, Response

from tests.browser.server import Server
from tests.ui.canvas.canvas_page import App, Hand

EDIT_SECONDS = 120  # a small edit takes one; the first one may wait for the engine to compile
STATUS = "#status .st-root"
GONE_PREVIEW = "/previews/job-"  # may be removed, as its edit has ended, before it is fetched


class Desk(Hand):
    """One browser tab on the running app. `troubles` is what no page may ever produce."""

    def __init__(self, context: BrowserContext, server: Server) -> None:
        self.server = server
        self.context = context
        self.troubles: list[str] = []
        page = context.new_page()
        super().__init__(page, App(url=server.url))
        page.set_default_timeout(20_000)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.troubles.append(f"page error: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)
        self.go()

    def go(self) -> None:
        """Open the page and wait until it takes input and knows its session."""
        self.page.goto(self.server.url)
        self.ready()

    def ready(self) -> None:
        """Wait until the canvas lives and the server has restored the session."""
        self.page.wait_for_function("window.genimgCanvas !== undefined")
        told = f"document.querySelector('{STATUS} .st-text')?.textContent"  # by the session's start
        self.page.wait_for_function(told)
        self.page.wait_for_load_state("networkidle")

    def _console(self, message: ConsoleMessage) -> None:
        if GONE_PREVIEW in str(message.location.get("url")):
            return
        if message.type in ("error", "warning"):
            self.troubles.append(f"console {message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        own = request.url.startswith((self.server.url, "blob:", "data:"))
        if not own:
            self.troubles.append(f"a request leaves the machine: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and GONE_PREVIEW not in response.url:
            self.troubles.append(f"{response.status} for {response.url}")

    # -- files

    def choose(self, path: Path) -> None:
        """Open a file through the button and the browser's own file dialog."""
        with self.page.expect_file_chooser() as chooser:
            self.page.get_by_label("Open a picture").click()
        chooser.value.set_files(path)

    def opened(self, size: tuple[int, int]) -> None:
        """Wait until a picture of this size is shown and the server has named it."""
        self.wait(f"s.width === {size[0]} && s.height === {size[1]} && s.source")

    # -- the status line

    def status(self) -> str:
        return self.page.locator(STATUS).inner_text()

    def sees(self, words: str) -> None:
        """Wait for words in the status line."""
        self.page.locator(STATUS).get_by_text(words).wait_for(timeout=EDIT_SECONDS * 1000)

    def forget(self) -> None:
        """Empty the status line here, so that the next answer is told from the last one."""
        self.page.evaluate(f"document.querySelector('{STATUS}').dataset.kind = 'asked'")

    def answered(self, *kinds: str) -> str:
        """Wait until the status line is of one of these kinds; its words."""
        wanted = json.dumps(kinds)
        self.page.wait_for_function(
            f"{wanted}.includes(document.querySelector('{STATUS}').dataset.kind)",
            timeout=EDIT_SECONDS * 1000,
        )
        return self.status()

    # -- edits

    def apply(self) -> str:
        """Press Apply and wait for the end of the edit; the words of the status line."""
        self.start()
        return self.answered("done", "error", "warning")

    def start(self) -> None:
        """Press Apply and wait until the edit is queued or refused."""
        self.forget()
        self.page.locator("#apply").click()
        self.answered("running", "done", "error", "warning")

    def paint(self, *box: float) -> None:
        """Paint a rectangle: left, top, right, bottom in picture pixels."""
        self.act("rectangle")
        left, top, right, bottom = box
        self.drag((left, top), (right, bottom))

    def kept(self) -> None:
        """Wait until what is painted is on the server."""
        self.wait("!s.pending")
        self.page.wait_for_timeout(1200)
        self.page.wait_for_load_state("networkidle")

    def number(self, elem_id: str, value: float) -> None:
        """Type into a number field of the panels."""
        field = self.page.locator(f"#{elem_id} input")
        field.fill(str(value))
        field.press("Tab")

    def options(self, elem_id: str, name: str | re.Pattern[str]) -> Locator:
        """The choices of this name in the list of one dropdown; a list that closes still counts."""
        field = self.page.locator(f"#{elem_id}")
        return field.get_by_role("option", name=name, exact=True)

    def pick(self, elem_id: str, choice: str | re.Pattern[str]) -> None:
        """Choose from a dropdown of the panels: the whole name, or a pattern."""
        self.page.locator(f"#{elem_id} input").click()
        self.options(elem_id, choice).click()

    def unfold(self, title: str) -> None:
        """Open an accordion of the panels."""
        self.page.get_by_role("button", name=title).click()
        self.page.wait_for_timeout(300)  # the widgets inside are made now, and tell their values

    def view(self, name: str) -> None:
        """Go to a tab: Paint or Compare."""
        self.page.get_by_role("tab", name=name).click()

    # -- results

    def result_path(self) -> Path:
        """The file on disk of the result that is compared."""
        href = self.page.locator(".cp-download").get_attribute("href") or ""
        return self.server.data_dir / served_path(href)

    def result(self) -> NDArray[Any]:
        with Image.open(self.result_path()) as image:
            return np.asarray(image)

    def thumbs(self) -> Locator:
        return self.page.locator(".sp-pick")

    def log(self) -> list[dict[str, Any]]:
        """The session's seed log, as its link gives it."""
        href = self.page.locator(".sp-log").get_attribute("href") or ""
        answer = self.page.request.get(self.server.url + href)
        assert answer.ok, answer.status
        return [json.loads(line) for line in answer.text().splitlines()]


def served_path(href: str) -> Path:
    """The stored file behind an address of the page, relative to the data folder."""
    found = re.search(r"genimg_files/[0-9a-f]{32}/([^?]+)", href)
    assert found, href
    return Path(unquote(found.group(1)))


def photograph(path: Path, size: tuple[int, int] = (240, 160), **options: Any) -> Path:
    """A picture with smooth light, texture and noise, made from a fixed seed."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = 40 * np.sin(x / 7) * np.cos(y / 11) + 90 * x / width + 60 * y / height
    noise = np.random.default_rng(7).normal(0, 6, (height, width, 3))
    rgb = np.stack([waves + 40, waves + 60, 200 - waves], -1) + noise
    Image.fromarray(rgb.clip(0, 255).astype(np.uint8)).save(path, **options)
    return path
