"""A page with the canvas alone, in a real Chromium, and a hand to paint on it."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image, ImageOps
from playwright.sync_api import Browser, ConsoleMessage, Page

from genimg_ui.core.geometry import Size
from genimg_ui.ui.canvas.component import CanvasState, CanvasUpdate, MaskCanvas

FLUSH = "async (value) => [await window.genimgCanvas.flush()]"


@dataclass
class App:
    """The server's side: what it has seen, and what it says next."""

    url: str = ""
    folder: Path = Path()
    reads: list[CanvasState] = field(default_factory=list)
    told: list[tuple[str, Any]] = field(default_factory=list)
    update: CanvasUpdate | None = None
    answers: bool = True

    def opened(self, state: CanvasState) -> CanvasUpdate | None:
        self.told.append(("picture_opened", state))
        if not self.answers or state.image_path is None:
            return CanvasUpdate()
        with Image.open(state.image_path) as image:
            shown = self.folder / "shown.png"
            turned = ImageOps.exif_transpose(image)
            turned.convert("RGB").resize(turned.size).save(shown, compress_level=1)
            digest = hashlib.sha256(state.image_path.read_bytes()).hexdigest()
            size = Size(*turned.size)
        return CanvasUpdate(source=digest, image=shown, size=size, opened=state.opened)


def make_page(app: App) -> gr.Blocks:
    with gr.Blocks() as demo:
        canvas = MaskCanvas(autosync_ms=150)
        read, send = gr.Button("Read"), gr.Button("Send")
        always: Any = {"show_progress": "hidden", "trigger_mode": "multiple"}
        read.click(app.reads.append, canvas, None, js=FLUSH, **always)
        send.click(lambda: app.update, None, canvas, **always)
        canvas.picture_opened(app.opened, canvas, canvas)

        def edited(state: CanvasState) -> None:
            app.told.append(("mask_edited", state))

        def bordered(state: CanvasState) -> None:
            app.told.append(("border_changed", state))

        def refused(event: gr.EventData) -> None:
            app.told.append(("refused", event._data["message"]))

        canvas.mask_edited(edited, canvas, None)
        canvas.border_changed(bordered, canvas, None)
        canvas.refused(refused, None, None)
    return demo


class Hand:
    """Paints on a page by picture coordinates."""

    def __init__(self, page: Page, app: App) -> None:
        self.page = page
        self.app = app
        self.errors: list[str] = []  # of the console
        page.on("console", self._told)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _told(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def visit(self) -> None:
        self.page.goto(self.app.url, wait_until="commit")
        self.errors.clear()  # Gradio complains of its streams when a page is left
        self.page.wait_for_function("window.genimgCanvas !== undefined")

    def state(self) -> dict[str, Any]:
        return dict(self.page.evaluate("window.genimgCanvas.state()"))

    def wait(self, expression: str) -> None:
        self.page.wait_for_function(f"(s => {expression})(window.genimgCanvas.state())")

    def open(self, path: Path) -> None:
        opened = self.state()["opened"]
        self.page.set_input_files(".gc-picture-file", path)
        self.wait(f"s.opened > {opened} && s.source && s.width")

    def picture(self, width: int = 300, height: int = 200, name: str = "picture.png") -> Path:
        path = self.app.folder / name
        Image.linear_gradient("L").resize((width, height)).convert("RGB").save(path)
        self.open(path)
        return path

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a picture point lies on the page."""
        state, box = self.state(), self.page.locator(".gc-stage").bounding_box()
        assert box is not None
        left = (x * state["zoom"] + state["offset"][0]) / state["dpr"]
        top = (y * state["zoom"] + state["offset"][1]) / state["dpr"]
        return box["x"] + left, box["y"] + top

    def drag(self, *points: tuple[float, float], button: Any = "left") -> None:
        mouse = self.page.mouse
        mouse.move(*self.at(*points[0]))
        mouse.down(button=button)
        for point in points[1:]:
            mouse.move(*self.at(*point), steps=4)
        mouse.up(button=button)

    def key(self, key: str) -> None:
        """Press a key with the pointer over the picture, as a person would."""
        self.page.mouse.move(*self.at(10, 10))
        self.page.keyboard.press(key)

    def act(self, name: str) -> None:
        self.page.evaluate("name => window.genimgCanvas.act(name)", name)

    def option(self, name: str, value: int) -> None:
        number = self.page.locator(f"[data-number={name}]")
        number.fill(str(value))
        number.press("Enter")

    def read(self) -> CanvasState:
        """What Python gets when a button reads the canvas."""
        before = len(self.app.reads)
        self.page.get_by_role("button", name="Read").click()
        for _ in range(600):
            if len(self.app.reads) > before:
                return self.app.reads[-1]
            self.page.wait_for_timeout(25)
        raise AssertionError("the canvas was not read within 15 s")

    def mask(self) -> np.ndarray:
        state = self.read()
        if state.mask_path is None:
            return np.zeros((state.size.height, state.size.width), np.uint8)
        with Image.open(state.mask_path) as image:
            assert image.mode == "L"
            assert image.size == state.size
            return np.asarray(image)

    def send(self, update: CanvasUpdate) -> None:
        before = self.state()["rev"]
        self.app.update = update
        self.page.get_by_role("button", name="Send").click()
        self.wait(f"s.rev && s.rev !== '{before}'")

    def heard(self, name: str) -> Any:
        """Wait for an event in Python; its latest content."""
        for _ in range(600):
            found = [content for told, content in self.app.told if told == name]
            if found:
                return found[-1]
            self.page.wait_for_timeout(25)
        raise AssertionError(f"{name} was not heard within 15 s")


def visit(browser: Browser, app: App, **options: Any) -> Iterator[Hand]:
    app.reads.clear()
    app.told.clear()
    app.update, app.answers = None, True
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    page = context.new_page()
    hand = Hand(page, app)
    hand.visit()
    yield hand
    context.close()
    assert not hand.errors, "\n".join(hand.errors)


def disc_area(radius: float) -> float:
    return math.pi * radius * radius


def area(mask: np.ndarray) -> float:
    """Painted pixels, partial ones by their part."""
    return float(mask.sum(dtype=np.int64)) / 255
