"""One server and one Chromium for all browser tests; a fresh browser profile for each test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.desk import Desk
from tests.browser.server import Server

LAPTOP = {"viewport": {"width": 1280, "height": 800}}
expect.set_options(timeout=20_000)  # as long as a desk waits: the machine may be busy
MakeContext = Callable[..., BrowserContext]


@pytest.fixture(scope="session")
def server(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app, shared by the tests that leave it running."""
    del chromium  # without a browser, no server is started
    running = Server(tmp_path_factory.mktemp("app"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def own_server(chromium: Browser, tmp_path: Path) -> Iterator[Server]:
    """An app of the test's own, to be killed."""
    del chromium
    running = Server(tmp_path)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def profile(chromium: Browser) -> Iterator[MakeContext]:
    """Makes browser profiles, each with a storage of its own."""
    made: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        made.append(chromium.new_context(**{**LAPTOP, **options}))
        return made[-1]

    yield make
    for context in made:
        context.close()


@pytest.fixture
def desk(profile: MakeContext, server: Server) -> Iterator[Desk]:
    """A laptop's browser on the shared app; the page may have no trouble at all."""
    at = Desk(profile(), server)
    yield at
    assert not at.troubles, "\n".join(at.troubles)
