"""Versions of what an edit ran with, and the machine's name for its processor.

Versions come from the installed packages' metadata: nothing is imported for them.
"""

import importlib.metadata
import platform
from functools import cache
from pathlib import Path

from genimg_ui import __version__

# Packages that have a part in every edit, by the name under which they are logged.
_ALWAYS = ("numpy", "pillow", "opencv")
_DISTRIBUTIONS = {"opencv": ("opencv-python-headless", "opencv-contrib-python", "opencv-python")}


def base_versions() -> dict[str, str]:
    """This program, Python, and the packages that every edit uses."""
    own = {"genimg_ui": __version__, "python": platform.python_version()}
    return own | versions(*_ALWAYS)


def versions(*names: str) -> dict[str, str]:
    """The versions of those packages that are installed, by name."""
    found = {name: version(name) for name in names}
    return {name: known for name, known in found.items() if known}


@cache
def version(name: str) -> str:
    """The installed version of a package; "" where there is none."""
    for distribution in _DISTRIBUTIONS.get(name, (name,)):
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""


@cache
def cpu_name() -> str:
    """The processor as its maker calls it, or its architecture where nothing tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name" and value.strip():
            return value.strip()
    return platform.processor() or platform.machine()
