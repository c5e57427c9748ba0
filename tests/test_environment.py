"""Versions are those that are installed; nothing is imported for them."""

import subprocess
import sys

import numba
import numpy as np

from genimg_ui import __version__
from genimg_ui.environment import base_versions, cpu_name, version, versions


def test_versions_are_the_installed_ones() -> None:
    assert versions("numba", "no-such-package") == {"numba": numba.__version__}
    base = base_versions()
    assert (base["genimg_ui"], base["numpy"]) == (__version__, np.__version__)
    assert base["python"].split(".")[:2] == [str(part) for part in sys.version_info[:2]]
    assert base["opencv"] and base["pillow"]


def test_the_processor_has_a_name() -> None:
    assert cpu_name().strip() == cpu_name() != ""


def test_a_version_costs_no_import() -> None:
    code = (
        "import sys; from genimg_ui.environment import version;"
        " print(version('torch'), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [version("torch"), "False"]
