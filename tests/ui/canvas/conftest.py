"""Fixtures of the canvas: its page served once, a fresh browser window for each test."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser_support import find_chromium, launch_browser
from tests.ui.canvas.canvas_page import App, Hand, make_page, visit


@pytest.fixture(scope="session")
def canvas_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    app = App(folder=tmp_path_factory.mktemp("canvas"))
    demo = make_page(app)
    _, app.url, _ = demo.launch(
        prevent_thread_lock=True, quiet=True, allowed_paths=[str(app.folder)]
    )
    yield app
    demo.close()


@pytest.fixture(scope="session")
def canvas_browser() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright, launch_browser(playwright, path) as browser:
        yield browser


@pytest.fixture
def hand(canvas_browser: Browser, canvas_app: App) -> Iterator[Hand]:
    yield from visit(canvas_browser, canvas_app)


@pytest.fixture
def finger(canvas_browser: Browser, canvas_app: App) -> Iterator[Hand]:
    """A phone with touch, at two device pixels per CSS pixel."""
    yield from visit(
        canvas_browser,
        canvas_app,
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
        device_scale_factor=2,
    )
