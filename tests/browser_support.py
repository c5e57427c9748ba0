"""Finds a Chromium on this machine and starts it for the browser tests; finds Node likewise.

Order: the variable CHROMIUM, then a browser on PATH, then the one that Playwright has installed.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright._impl._driver import compute_driver_executable
from playwright.sync_api import Browser, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",  # containers run as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def find_chromium() -> str | None:
    """Path of the browser, None where there is none."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    with sync_playwright() as playwright:
        cached = playwright.chromium.executable_path
    return cached if Path(cached).exists() else None


def find_node() -> str:
    """The Node binary that comes with Playwright, so that unit tests need no other."""
    found = compute_driver_executable()
    return str(found[0] if isinstance(found, tuple) else found)


@contextmanager
def launch_browser(playwright: Playwright, executable: str | None = None) -> Iterator[Browser]:
    """A headless Chromium, closed at the end."""
    path = executable or find_chromium()
    if path is None:
        raise RuntimeError(f"a browser must be named by CHROMIUM or be on PATH as one of {NAMES}")
    browser = playwright.chromium.launch(
        executable_path=path, args=["--headless=new", *ARGUMENTS], headless=True
    )
    try:
        yield browser
    finally:
        browser.close()
