"""Fixtures of the canvas: its page served once, a fresh browser window for each test."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

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


@pytest.fixture
def hand(chromium: Browser, canvas_app: App) -> Iterator[Hand]:
    yield from visit(chromium, canvas_app)


@pytest.fixture
def finger(chromium: Browser, canvas_app: App) -> Iterator[Hand]:
    """A phone with touch, at two device pixels per CSS pixel."""
    yield from visit(
        chromium,
        canvas_app,
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
        device_scale_factor=2,
    )
