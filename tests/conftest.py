"""What tests of several folders share: one Chromium, since Playwright runs once in a process."""

import os
from collections.abc import Iterator

# As app.py has it, before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser_support import NAMES, find_chromium, launch_browser


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium; tests that need one are skipped where there is none."""
    path = find_chromium()
    if path is None:
        pytest.skip(f"no Chromium: CHROMIUM names none, and PATH has none of {', '.join(NAMES)}")
    with sync_playwright() as playwright, launch_browser(playwright, path) as browser:
        yield browser
