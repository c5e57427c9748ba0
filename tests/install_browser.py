"""Makes sure that the browser tests have a Chromium, where this machine can have one.

Found on PATH or named by CHROMIUM: nothing is done. Else Debian's package (as root), else
Playwright's own. Where none can be had, the tests that need one are skipped, and say so.
"""

import os
import shutil
import subprocess
import sys

from browser_support import find_chromium

PACKAGES = ("chromium", "fonts-liberation")


def main() -> None:
    found = find_chromium()
    if found is None:
        install()
        found = find_chromium()
    print(f"browser: {found or 'none; the browser tests will be skipped'}", flush=True)


def install() -> None:
    """Try Debian's package, then Playwright's download; neither failing ends the tests."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        quiet = {
            "stdout": subprocess.DEVNULL,
            "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        }
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]
        if subprocess.run(command, check=False, **quiet).returncode == 0:
            return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


if __name__ == "__main__":
    main()
